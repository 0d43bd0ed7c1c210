"""Does accuracy follow a property of the scheme?  Rank correlations over the schemes of one setting.

The properties are those of the method at the initial values of its parameters (what was learned, `audit` tells): the
optimal SSP coefficient, the growth of Lemma 3, the calls of F in a step, the order.  The correlation is Spearman's rho
(1904) of the accuracies, averaged over the seeds, with the property; ties share their mean rank.  Its interval is the
percentile bootstrap over the seeds, the same seeds for all schemes: how far other seeds might move it.  Its p-value is
that of random permutations of the property among the schemes: how often schemes in no relation give as much.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rkblocks import verify
from rkblocks.nets.schemes import names, schemes
from rkblocks.study.spec import Study
from rkblocks.study.statistics import by_cell
from rkblocks.tableau import Tableau

FACTS = {"ssp": "C", "growth": "growth", "calls": "calls of F a step", "order": "order"}
LEAST = 5  # schemes, below which a rank correlation says nothing
PERMUTATIONS, RESAMPLES = 9999, 2000

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Relation:
    """Of `n` schemes: rho, its 95 % interval over the seeds (None for a single one), and p of the permutations."""

    n: int
    rho: float
    interval: tuple[float, float] | None
    p: float


@lru_cache(maxsize=256)
def facts(blocks: str) -> dict[str, float]:
    """The properties of a scheme as numbers; of schemes that differ from group to group, their mean."""
    found = [_facts(tableau) for tableau in schemes(blocks, len(names(blocks)))]
    return {key: sum(one[key] for one in found) / len(found) for key in FACTS}


def _facts(tableau: Tableau) -> dict[str, float]:
    report = verify.check(tableau.at(tableau.initial()) if tableau.parameters else tableau)
    optimal = None if report.ssp is None else report.ssp.optimal
    figures = {
        "ssp": None if optimal is None else optimal.cfl_float,
        "growth": None if report.variance is None else report.variance.growth_float,
        "calls": report.stages,
        "order": None if report.order is None else report.order.value,
    }
    return {key: math.nan if value is None else float(value) for key, value in figures.items()}


def relations(study: Study, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each setting, accuracy and property: what `relation` says of the schemes of that setting.

    Only schemes with all seeds of the study count; settings with fewer than five such schemes are left out, and so is a
    property that all of them share.
    """
    values, rows = by_cell(entries), []
    for setting in dict.fromkeys(cell.setting for cell in study.cells):
        cells = [c for c in study.cells if c.setting == setting and set(study.seeds) == set(values.get(c.name, ()))]
        for column in study.columns:
            full = [c for c in cells if all(column.key in values[c.name][seed] for seed in study.seeds)]
            if len(full) < LEAST:
                continue
            accuracy = np.array([[values[c.name][seed][column.key] for seed in study.seeds] for c in full])
            for fact in FACTS:
                found = relation(accuracy, [facts(c.blocks)[fact] for c in full])
                if found is not None:
                    rows.append({"setting": dict(setting), "attack": column.key, "property": fact, **asdict(found)})
    return rows


def relation(accuracy: Vector, values: Sequence[float]) -> Relation | None:
    """Return Spearman's rho of the accuracies [schemes, seeds] with the values [schemes], its interval and p.

    None where all values, or all mean accuracies, are equal, or a value is no number: there is no rank then.
    """
    fact, mean = np.asarray(values, dtype=np.float64), accuracy.mean(axis=1)
    if not np.isfinite(fact).all() or np.ptp(fact) == 0 or np.ptp(mean) == 0:
        return None
    generator = np.random.default_rng(0)  # the same draws for every row: a table is the same whenever it is made
    rho = spearman(mean, fact)
    permuted = np.array([spearman(mean, generator.permutation(fact)) for _ in range(PERMUTATIONS)])
    beyond = int((np.abs(permuted) >= abs(rho) - 1e-12).sum())
    return Relation(len(fact), rho, _bootstrap(accuracy, fact, generator), (1 + beyond) / (1 + PERMUTATIONS))


def _bootstrap(accuracy: Vector, fact: Vector, generator: np.random.Generator) -> tuple[float, float] | None:
    seeds = accuracy.shape[1]
    if seeds < 2:
        return None
    draws = generator.integers(seeds, size=(RESAMPLES, seeds))
    means = [accuracy[:, draw].mean(axis=1) for draw in draws]
    low, high = np.quantile([spearman(mean, fact) for mean in means if np.ptp(mean) > 0], [0.025, 0.975])
    return float(low), float(high)


def spearman(first: Vector, second: Vector) -> float:
    """Return the correlation of the ranks, ties at their mean rank (Spearman 1904; Kendall 1948)."""
    a, b = _ranks(first), _ranks(second)
    a, b = a - a.mean(), b - b.mean()
    return float((a @ b) / np.sqrt((a @ a) * (b @ b)))


def _ranks(values: Vector) -> Vector:
    below = (values[:, None] > values).sum(axis=1)
    equal = (values[:, None] == values).sum(axis=1)
    found: Vector = below + (equal + 1) / 2
    return found
