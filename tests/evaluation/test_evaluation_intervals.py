"""Error bars against scipy and published values."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from rkblocks.evaluation.intervals import mcnemar, mean_deviation, wilson


@given(st.integers(1, 20000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(pair):
    successes, n = pair
    expected = binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_example_of_the_interface():
    low, high = wilson(4403, 10000)
    assert (round(low, 4), round(high, 4)) == (0.4306, 0.4501)


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(successes, n):
    with pytest.raises(ValueError, match="out of"):
        wilson(successes, n)


def test_the_deviation_of_one_value_is_unknown():
    assert mean_deviation([0.5])[0] == 0.5
    assert math.isnan(mean_deviation([0.5])[1])
    assert mean_deviation([1.0, 2.0, 4.0]) == pytest.approx((7 / 3, math.sqrt(7 / 3)))


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test(a, b):
    expected = binomtest(a, a + b).pvalue if a + b else 1.0
    assert mcnemar(a, b) == pytest.approx(expected, rel=1e-9)
