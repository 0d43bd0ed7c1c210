"""Contrasts: against scipy's paired t-test on constructed accuracies, over settings and seeds that are missing."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rkblocks.intervals import holm
from rkblocks.study import contrasts as of_study
from rkblocks.study import inference, spec
from rkblocks.study.contrasts import Contrast

STUDY = """\
preset = "digits"
[grid]
blocks = ["euler", "midpoint", "ssp2", "kutta3", "ssp3"]
depth = [1, 2]
seeds = [0, 1, 2]
[[contrast]]
name = "C > 0"
pairs = [["ssp2", "midpoint"], ["ssp3", "kutta3"]]
"""
ACCURACY = {"midpoint": (0.5, 0.6, 0.4), "ssp2": (0.6, 0.65, 0.45), "kutta3": (0.4, 0.5, 0.5), "ssp3": (0.5, 0.4, 0.6)}


@pytest.fixture
def study(tmp_path: Path) -> spec.Study:
    (tmp_path / "mine.toml").write_text(STUDY)
    return spec.load(tmp_path / "mine.toml")


EULER = (0.5, 0.55, 0.4)


def entries(study: spec.Study, euler: tuple[float, ...] = ()) -> list[dict[str, Any]]:
    """What was measured on clean images with depth 1; nothing with depth 2, or of euler if not given."""
    cells = {cell.blocks: cell.name for cell in study.cells if ("net.depth", "1") in cell.setting}
    return [
        {"cell": cells[blocks], "seed": seed, "accuracy": {"clean": value}}
        for blocks, values in {"euler": euler, **ACCURACY}.items()
        for seed, value in enumerate(values)
    ]


def contrasts(study: spec.Study, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = [column.key for column in study.columns]
    fits = inference.fits(study.cells, keys, entries)
    return of_study.rows(study.contrasts, study.cells, keys, entries, fits)


def test_pairs_and_their_mean_are_paired_by_seed(study: spec.Study) -> None:
    stats = pytest.importorskip("scipy.stats")
    found = {row["pair"]: row for row in contrasts(study, entries(study))}
    assert list(found) == ["ssp2 - midpoint", "ssp3 - kutta3", "all"]
    first = [a - b for a, b in zip(ACCURACY["ssp2"], ACCURACY["midpoint"], strict=True)]
    second = [a - b for a, b in zip(ACCURACY["ssp3"], ACCURACY["kutta3"], strict=True)]
    both = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
    for row, values in zip(found.values(), (first, second, both), strict=True):
        assert row["n"] == 3
        assert row["mean"] == pytest.approx(sum(values) / 3)
        assert row["p"] == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=1e-5)
        assert (row["setting"], row["contrast"]) == ({"net.depth": "1"}, "C > 0")


def test_a_seed_counts_where_all_of_a_pair_have_it(study: spec.Study) -> None:
    left = [one for one in entries(study) if (one["seed"], "ssp3") != (1, one["cell"].split("-")[0])]
    found = {row["pair"]: row["n"] for row in contrasts(study, left)}
    assert found == {"ssp2 - midpoint": 3, "ssp3 - kutta3": 2, "all": 2}


def test_none_declared_none_shown(study: spec.Study) -> None:
    assert contrasts(replace(study, contrasts=()), entries(study)) == []
    assert contrasts(study, []) == []


def test_the_two_way_model_stands_beside_them(study: spec.Study) -> None:
    """With euler measured there is a reference: the mean of a contrast is the same, its spread that of all schemes."""
    assert all(row["two_way"] is None for row in contrasts(study, entries(study)))
    *pairs, both = contrasts(study, entries(study, EULER))
    assert [row["two_way"]["mean"] for row in (*pairs, both)] == pytest.approx([r["mean"] for r in (*pairs, both)])
    assert [row["two_way"]["holm"] for row in (*pairs, both)] == [None, None, both["two_way"]["p"]], "it alone is asked"
    values = np.array([EULER, *(ACCURACY[name] for name in ("midpoint", "ssp2", "kutta3", "ssp3"))])
    rest = values - values.mean(1, keepdims=True) - values.mean(0) + values.mean()
    error = math.sqrt((rest**2).sum() / 8 * (1 / 4 * 4) / 3)
    assert both["two_way"]["half"] == pytest.approx(2.306004 * error, rel=1e-5)  # t of 8 degrees


def test_holm_is_over_all_that_is_asked_with_and_without_the_loss(study: spec.Study) -> None:
    """Two contrasts, the second of one pair: two families of two p-values, from the last row of each contrast."""
    known = [
        {**one, "train_loss": 1 / (2 + number % 3 + number % 4)} for number, one in enumerate(entries(study, EULER))
    ]
    asked = (*study.contrasts, Contrast("order 3", (("ssp3", "ssp2"),)))
    rows = [(row["pair"], row["two_way"]) for row in contrasts(replace(study, contrasts=asked), known)]
    last = [one for pair, one in rows if pair in ("all", "ssp3 - ssp2")]
    for family in (last, [one["at_equal_loss"] for one in last]):
        assert [one["holm"] for one in family] == pytest.approx(holm([one["p"] for one in family]), abs=1e-6)
    assert [one["p"] for one in last] != [one["at_equal_loss"]["p"] for one in last]
    others = [one for pair, one in rows if pair not in ("all", "ssp3 - ssp2")]
    assert [one["at_equal_loss"]["holm"] for one in others] == [None, None]
