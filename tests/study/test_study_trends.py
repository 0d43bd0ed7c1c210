"""Slopes along ladders: against numpy and scipy on constructed accuracies; what an interval and a power promise, by
simulation.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from rkblocks.diagnostics import RkblocksError
from rkblocks.study import grids, spec, trends
from rkblocks.study.grids import MARKDOWN
from rkblocks.study.statistics import mean_of

STUDY = """\
preset = "digits"
[grid]
blocks = ["euler", "midpoint", "ssp2", "ssprk43", "ssp3"]
seeds = [0, 1, 2]
[[trend]]
name = "C"
property = "ssp"
ladders = [["midpoint", "ssp2", "ssprk43"], ["euler", "ssprk43"]]
"""
PROPERTIES = {"euler": 1.0, "midpoint": 0.0, "ssp2": 1.0, "ssprk43": 2.0, "ssp3": 1.0}
ACCURACY = {"euler": (0.5, 0.6, 0.7), "midpoint": (0.4, 0.5, 0.6), "ssp2": (0.6, 0.5, 0.7), "ssprk43": (0.7, 0.4, 0.8)}


def load(folder: Path, text: str = STUDY) -> spec.Study:
    (folder / "mine.toml").write_text(text)
    return spec.load(folder / "mine.toml")


def rows(study: spec.Study, without: tuple[str, int] = ("", 0)) -> dict[str, dict[str, Any]]:
    names = {cell.blocks: cell.name for cell in study.cells}
    entries = [
        {"cell": names[blocks], "seed": seed, "accuracy": {"clean": value}}
        for blocks, values in ACCURACY.items()
        for seed, value in enumerate(values)
        if (blocks, seed) != without
    ]
    known = {names[blocks]: {"ssp": value} for blocks, value in PROPERTIES.items()}
    return {row["ladder"]: row for row in trends.rows(study.trends, study.cells, ["clean", "pgd"], entries, known)}


def test_slopes_are_those_of_least_squares_in_each_seed(tmp_path: Path) -> None:
    found = rows(load(tmp_path))
    assert list(found) == ["midpoint, ssp2, ssprk43", "euler, ssprk43", "all"]
    slopes = [
        [
            float(np.polyfit([PROPERTIES[b] for b in ladder], [ACCURACY[b][seed] for b in ladder], 1)[0])
            for seed in range(3)
        ]
        for ladder in (("midpoint", "ssp2", "ssprk43"), ("euler", "ssprk43"))
    ]
    for row, values in zip(found.values(), (*slopes, np.mean(slopes, axis=0)), strict=True):
        test = stats.ttest_1samp(values, 0)
        interval = test.confidence_interval(0.95)
        assert (row["n"], row["trend"], row["property"], row["attack"]) == (3, "C", "ssp", "clean")
        assert row["mean"] == pytest.approx(np.mean(values))
        assert row["p"] == pytest.approx(test.pvalue, rel=1e-5)  # six digits
        assert (row["low"], row["high"]) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_a_seed_counts_where_all_rungs_have_it(tmp_path: Path) -> None:
    found = rows(load(tmp_path), without=("ssp2", 1))
    assert {ladder: row["n"] for ladder, row in found.items()} == {
        "midpoint, ssp2, ssprk43": 2,
        "euler, ssprk43": 3,
        "all": 2,
    }


def test_a_property_that_does_not_move_has_no_slope(tmp_path: Path) -> None:
    assert rows(load(tmp_path, STUDY.replace('["euler", "ssprk43"]', '["euler", "ssp2"]'))).keys() == {
        "midpoint, ssp2, ssprk43"
    }


@pytest.mark.parametrize(
    ("before", "after", "codes"),
    [
        ('property = "ssp"', 'property = "colour"', ["RK704"]),
        ('name = "C"', "name = 3", ["RK704"]),
        ('name = "C"', 'nom = "C"', ["RK703", "RK704"]),
        ('["euler", "ssprk43"]', '["euler"]', ["RK704"]),
        ('["euler", "ssprk43"]', '["euler", "euler"]', ["RK704"]),
        ('["euler", "ssprk43"]', '["euler", "rk4"]', ["RK851"]),
        ('["euler", "ssprk43"]', "3", ["RK704"]),
    ],
)
def test_what_is_wrong_with_a_trend_is_told(tmp_path: Path, before: str, after: str, codes: list[str]) -> None:
    with pytest.raises(RkblocksError) as caught:
        load(tmp_path, STUDY.replace(before, after))
    assert [found.code for found in caught.value.diagnostics] == codes
    assert all(found.line is not None for found in caught.value.diagnostics)


def test_the_table_shows_slope_interval_and_power(tmp_path: Path) -> None:
    made = list(rows(load(tmp_path)).values())
    grid = grids.climbed({"trends": made, "columns": [{"key": "clean", "title": "clean"}]}, MARKDOWN)
    assert grid is not None
    assert grid[0] == ["trend", "property", "ladder", "seeds", "clean"]
    assert grid[1][1][:4] == ["C", "C", "euler, ssprk43", "3"]
    assert grid[1][1][4] == "+0.0333 [-0.4838, +0.5504] (p = 0.81, seen 0.6795)"
    assert grids.climbed({"trends": [], "columns": []}, MARKDOWN) is None


def detectable(n: int, deviation: float) -> float:
    """The smallest mean that n values of this deviation find."""
    values = np.linspace(-1, 1, n)
    seen = mean_of(list(values * deviation / np.std(values, ddof=1))).seen
    assert seen is not None
    return seen


def test_intervals_cover_and_powers_are_reached() -> None:
    """Of samples of normal values, with mean 0 and with the mean that is called seen."""
    generator = np.random.default_rng(0)
    noise = 0.02 * generator.normal(size=(4000, 5))
    found = [mean_of(list(values)) for values in noise]
    covered = np.mean([one.low < 0 < one.high for one in found if one.low is not None and one.high is not None])
    assert covered == pytest.approx(0.95, abs=0.012)
    for n in (2, 3, 5, 10):
        seen = detectable(n, 0.02)
        found = stats.ttest_1samp(seen + 0.02 * generator.normal(size=(20000, n)), 0, axis=1)
        assert np.mean(found.pvalue < 0.05) == pytest.approx(0.8, abs=0.01)
    assert detectable(20, 0.02) < detectable(5, 0.02) < detectable(5, 0.04)


def test_one_seed_or_equal_ones_have_no_interval() -> None:
    for values in ([0.5], [0.5, 0.5]):
        one = mean_of(values)
        assert (one.low, one.high, one.seen) == (None, None, None)
