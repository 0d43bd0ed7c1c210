"""Error bars and tests against scipy, published values and brute force."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from rkblocks.intervals import holm, mcnemar, mean_deviation, paired_bootstrap, wilson


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


def test_mcnemar_of_a_whole_test_set():
    assert mcnemar(4100, 4400) == pytest.approx(binomtest(4100, 8500).pvalue, rel=1e-9)


def quantile(masses, share):
    """The least value of {value: probability} at which the cumulated probability reaches the share."""
    total = Fraction(0)
    for value in sorted(masses):
        total += masses[value]
        if total >= share:
            return value
    raise AssertionError


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.integers(0, n), st.just(n))))
def test_the_bootstrap_is_the_sum_over_all_resamples(counts):
    """All resamples of n images, by how many are won and lost: the multinomial distribution in fractions."""
    won, lost, n = counts
    lost = min(lost, n - won)
    masses = {}
    for a in range(n + 1):
        for b in range(n + 1 - a):
            ways = math.factorial(n) // (math.factorial(a) * math.factorial(b) * math.factorial(n - a - b))
            chance = Fraction(ways * won**a * lost**b * (n - won - lost) ** (n - a - b), n**n)
            masses[a - b] = masses.get(a - b, 0) + chance
    shares = Fraction(1, 40), Fraction(39, 40)
    assert paired_bootstrap(won, lost, n) == tuple(quantile(masses, share) / n for share in shares)


def test_the_bootstrap_is_what_resampling_gives():
    difference = torch.cat([torch.ones(90), -torch.ones(60), torch.zeros(250)])
    draws = torch.randint(400, (20000, 400), generator=torch.Generator().manual_seed(0))
    drawn = difference[draws].mean(1)
    expected = torch.quantile(drawn, torch.tensor([0.025, 0.975])).tolist()
    assert paired_bootstrap(90, 60, 400) == pytest.approx(expected, abs=0.004)


def test_the_bootstrap_of_a_whole_test_set_is_nearly_normal():
    low, high = paired_bootstrap(900, 700, 10000)
    deviation = math.sqrt((0.16 - 0.02**2) / 10000)
    assert (low, high) == pytest.approx((0.02 - 1.96 * deviation, 0.02 + 1.96 * deviation), abs=2e-4)


def test_the_bootstrap_of_equal_models_is_a_point():
    assert paired_bootstrap(0, 0, 50) == (0.0, 0.0)
    with pytest.raises(ValueError, match="out of 10"):
        paired_bootstrap(6, 5, 10)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # Holm's own steps: 4, 3, 2, 1
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.999))
def test_holm_refuses_what_its_sequential_form_refuses(p_values, level):
    """The other route: test the smallest at level/m, the next at level/(m-1), and stop at the first that holds."""
    refused, left = set(), sorted(range(len(p_values)), key=p_values.__getitem__)
    while left and p_values[left[0]] * len(left) < level:
        refused.add(left.pop(0))
    assert {place for place, p in enumerate(holm(p_values)) if p < level} == refused
