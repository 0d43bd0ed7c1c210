"""Rank correlations: against scipy, on constructed accuracies, and in the table."""

import math

import numpy as np
import pytest

from rkblocks.study import relations
from rkblocks.study.relations import Relation, facts, relation, spearman


def test_the_properties_are_those_of_the_report() -> None:
    assert facts("ssp3") == {"ssp": 1.0, "growth": pytest.approx(29 / 18), "calls": 3.0, "order": 3.0}
    assert facts("euler,ssp2")["ssp"] == 1.0
    assert facts("euler,ssp2")["calls"] == 1.5
    ark = facts("ark")
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
    assert (follows.rho, follows.interval, follows.p) == (1.0, (1.0, 1.0), 1e-4)
    assert chance.p > 0.05
    assert chance.interval is not None
    assert chance.interval[0] < chance.rho < chance.interval[1]
    assert chance == relation(noise, fact), "the draws have a seed"


def test_no_rank_no_relation() -> None:
    assert relation(np.ones((6, 2)), np.arange(6.0)) is None
    assert relation(np.random.default_rng(0).normal(size=(6, 2)), np.ones(6)) is None
    assert relation(np.random.default_rng(0).normal(size=(6, 2)), [1, 2, 3, 4, 5, math.nan]) is None
    single = relation(np.arange(6.0)[:, None], np.arange(6.0))
    assert isinstance(single, Relation)
    assert single.interval is None


def test_a_setting_with_few_schemes_or_missing_seeds_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Column:
        key = "clean"

    class Cell:
        def __init__(self, name: str) -> None:
            self.name = self.blocks = name
            self.setting = ()

    class Study:
        cells = tuple(map(Cell, ("euler", "midpoint", "ssp2", "ssp3", "rk4")))
        seeds = (0, 1)
        columns = (Column(),)

    entries = [
        {"cell": cell.name, "seed": seed, "accuracy": {"clean": i + seed / 10}}
        for i, cell in enumerate(Study.cells)
        for seed in (0, 1)
    ]
    assert {row["property"] for row in relations.relations(Study(), entries)} == {"ssp", "growth", "calls", "order"}  # type: ignore[arg-type]
    assert relations.relations(Study(), entries[:-1]) == []  # type: ignore[arg-type]
