"""The paired t-test against scipy, and against the textbook."""

import pytest
from scipy import stats

from rkblocks.study.results import _health
from rkblocks.study.statistics import paired
from rkblocks.study.twoway import beyond


def test_the_table_in_every_textbook() -> None:
    for freedom, t in {1: 12.7062, 2: 4.30265, 4: 2.77645, 10: 2.22814}.items():
        assert beyond(t, 1, freedom) == pytest.approx(0.05, abs=1e-5)


def test_paired_differences() -> None:
    first, second = [0.5, 0.6, 0.55, 0.52], [0.53, 0.65, 0.54, 0.56]
    found = paired(first, second)
    assert found.n == 4
    assert found.mean == pytest.approx(0.0275)
    assert found.deviation == pytest.approx(0.0262995564)
    assert found.p == pytest.approx(stats.ttest_rel(second, first).pvalue, rel=1e-5)  # six digits


def test_one_pair_has_no_deviation_and_equal_ones_have_none_to_test() -> None:
    one = paired([0.5], [0.75])
    assert (one.n, one.mean, one.deviation, one.p) == (1, 0.25, None, None)
    assert (paired([0.5, 0.25], [0.5, 0.25]).p, paired([0.5, 0.25], [0.75, 0.5]).p) == (1.0, None)
    same = paired([0.004, 0.002], [0.002, 0.0])
    assert (same.deviation, same.p) == (0.0, None), "equal but for rounding"


def test_the_seeds_of_a_study_stand_for_those_of_a_network_evaluated_alone() -> None:
    good, alone = (
        {"check": "reachability", "ok": True, "figure": ""},
        {"check": "three seeds", "ok": False, "figure": "1"},
    )
    assert _health([good, alone], 3) == {"checks": 2, "failed": []}
    assert _health([good, alone], 2) == {"checks": 2, "failed": ["three seeds: 2 in this study"]}
    assert _health([good], 3) == {"checks": 2, "failed": []}
    assert _health([good], 2) == _health([good, alone], 2)
    assert _health([], 1) == {"checks": 0, "failed": []}
    assert _health([{**good, "ok": False}, alone], 3)["failed"] == ["reachability: "]
