"""Rank correlations: against scipy, on constructed accuracies, and in the table."""

import math

import numpy as np
import pytest

from rkblocks.files.group_schemes import schemes
from rkblocks.intervals import holm
from rkblocks.study import correlation
from rkblocks.study.correlation import Relation, facts, relation, spearman
from rkblocks.study.statistics import counts


def of(blocks: str) -> dict[str, float]:
    return facts(schemes(blocks, len(blocks.split(","))))


def test_the_properties_are_those_of_the_report() -> None:
    assert of("ssp3") == {"ssp": 1.0, "growth": pytest.approx(29 / 18), "calls": 3.0, "order": 3.0}
    assert of("euler,ssp2")["ssp"] == 1.0
    assert of("euler,ssp2")["calls"] == 1.5
    ark = of("ark")
    assert ark["ssp"] == pytest.approx(2 - (1 + math.exp(-1)), abs=1e-6), "2 - 1/beta10 at sigmoid(1)"
    assert ark["calls"] == 2.0


def test_rho_is_scipys() -> None:
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(1)
    for _ in range(20):
        first, second = generator.integers(5, size=9) * 1.0, generator.normal(size=9)  # with ties
        if np.ptp(first):
            assert spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-12)


def test_p_is_scipys_permutation_test() -> None:
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(2)
    mean, fact = generator.normal(size=6), np.array([0.0, 0.0, 1.0, 1.0, 2.0, 6.0])
    found = relation(mean[:, None], fact)
    exact = stats.permutation_test(
        (mean,), lambda x: spearman(x, fact), permutation_type="pairings", n_resamples=np.inf, alternative="two-sided"
    )
    assert found is not None
    assert found.rho == pytest.approx(exact.statistic)
    assert found.p == pytest.approx(exact.pvalue, abs=0.02)


def test_a_relation_is_found_and_chance_is_not() -> None:
    fact = np.arange(10.0)
    generator = np.random.default_rng(3)
    noise = generator.normal(size=(10, 5))
    follows = relation(fact[:, None] + 0.1 * noise, fact)
    chance = relation(noise, fact)
    assert follows is not None
    assert chance is not None
    assert (follows.rho, follows.range, follows.p) == (1.0, (1.0, 1.0), 1e-4)
    assert chance.p > 0.05
    single = [spearman(seed, fact) for seed in noise.T]
    assert chance.range == (min(single), max(single))
    assert chance == relation(noise, fact), "the draws have a seed"


def test_no_rank_no_relation() -> None:
    assert relation(np.ones((6, 2)), np.arange(6.0)) is None
    assert relation(np.random.default_rng(0).normal(size=(6, 2)), np.ones(6)) is None
    assert relation(np.random.default_rng(0).normal(size=(6, 2)), [1, 2, 3, 4, 5, math.nan]) is None
    single = relation(np.arange(6.0)[:, None], np.arange(6.0))
    assert isinstance(single, Relation)
    assert single.range is None


def test_a_setting_with_few_schemes_or_missing_seeds_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlation, "PERMUTATIONS", 199)

    class Cell:
        def __init__(self, name: str) -> None:
            self.name = self.blocks = name
            self.setting = ()

    cells = tuple(map(Cell, ("euler", "midpoint", "ssp2", "ssp3", "rk4")))
    entries = [
        {"cell": cell.name, "seed": seed, "n": 100, "accuracy": {"clean": (10 * i + seed) / 100}}
        for i, cell in enumerate(cells)
        for seed in (0, 1)
    ]
    known = {cell.name: of(cell.name) for cell in cells}
    assert {row["property"] for row in correlation.relations(cells, (0, 1), ["clean"], entries, known)} == {
        "ssp",
        "growth",
        "calls",
        "order",
    }  # type: ignore[arg-type]
    assert correlation.relations(cells, (0, 1), ["clean"], entries[:-1], known) == []  # type: ignore[arg-type]
    trained = [{**entry, "train_loss": 1 / (1 + number)} for number, entry in enumerate(entries)]
    loss, *others = correlation.relations(cells, (0, 1), ["clean"], trained, known)  # type: ignore[arg-type]
    assert (loss["property"], loss["rho"], loss["holm"], loss["given_loss"]) == ("loss", -1.0, None, None)
    assert [row["given_loss"] for row in others] == [None] * 4, (
        "the loss has the ranks of the accuracy: nothing is left"
    )
    assert [row["holm"] for row in others] == pytest.approx(holm([row["p"] for row in others]), abs=1e-6)


def test_what_is_left_at_equal_loss_is_the_partial_correlation() -> None:
    """Kendall's formula against the correlation of what a regression of the ranks on those of the loss leaves."""
    generator = np.random.default_rng(3)
    loss = generator.normal(size=12)
    accuracy, fact = generator.normal(size=12) - 2 * loss, generator.normal(size=12) + loss
    ranks = [np.argsort(np.argsort(one)) - 5.5 for one in (accuracy, fact, loss)]
    left = [one - ranks[2] * (one @ ranks[2]) / (ranks[2] @ ranks[2]) for one in ranks[:2]]
    expected = left[0] @ left[1] / math.sqrt((left[0] @ left[0]) * (left[1] @ left[1]))
    assert correlation.partial(accuracy, fact, loss) == pytest.approx(expected, rel=1e-5)
    assert correlation.partial(accuracy, fact, np.ones(12)) is None
    assert correlation.partial(accuracy, fact, [math.nan] * 12) is None


def test_equal_means_tie_whatever_rounding_does() -> None:
    """Three seeds of 10 images: 1 + 2 + 3 and 2 + 2 + 2 right answers are the same mean, and the floats are not."""
    accuracy = {"a": (0.1, 0.2, 0.3), "b": (0.2, 0.2, 0.2), "c": (0.6, 0.0, 0.0)}
    assert len({float(np.mean(values)) for values in accuracy.values()}) > 1
    entries = [
        {"cell": cell, "seed": seed, "n": 10, "accuracy": {"clean": value}}
        for cell, values in accuracy.items()
        for seed, value in enumerate(values)
    ]
    found = counts(entries)
    assert [sum(one["clean"] for one in found[cell].values()) for cell in accuracy] == [6, 6, 6]
    entries[0]["n"], entries[0]["accuracy"] = 4, {"clean": 0.25}
    assert counts(entries)["a"] == {0: {"clean": 5}, 1: {"clean": 4}, 2: {"clean": 6}}, "of 20 images"
