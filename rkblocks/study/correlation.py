"""Does accuracy follow a property of the scheme?  Rank correlations over the schemes of one setting.

The properties are those of the method at the initial values of its parameters (what was learned, `audit` tells): the
optimal SSP coefficient, the growth of Lemma 3, the calls of F in a step, the order.  The correlation is Spearman's rho
(1904) of the accuracies, averaged over the seeds, with the property; ties share their mean rank.  Accuracies are counts
of images, and are ranked as counts: means that are equal tie, whatever rounding does to them.  Its p-value is that of
random permutations of the property among the schemes: how often schemes in no relation give as much.  Beside it stands
how far rho goes in single seeds: what was seen, with no claim about other seeds, for which three or five are too few.
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
from rkblocks.study.grid import Cell
from rkblocks.study.statistics import counts
from rkblocks.tableau import Tableau

FACTS = {"ssp": "C", "growth": "growth", "calls": "calls of F a step", "order": "order"}
LEAST = 5  # schemes, below which a rank correlation says nothing
PERMUTATIONS = 9999

Vector = NDArray[np.float64] | NDArray[np.int64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Relation:
    """Of `n` schemes: rho; the least and the largest rho of a single seed, None where there is only one; and p of the
    permutations.
    """

    n: int
    rho: float
    range: tuple[float, float] | None
    p: float


def facts(schemes: Sequence[Tableau]) -> dict[str, float]:
    """The properties of the schemes of a network as numbers; where they differ from group to group, their mean."""
    found = [_facts(tableau) for tableau in dict.fromkeys(schemes)]
    often = [schemes.count(tableau) for tableau in dict.fromkeys(schemes)]
    return {
        key: math.fsum(one[key] * count for one, count in zip(found, often, strict=True)) / len(schemes)
        for key in FACTS
    }


@lru_cache(maxsize=256)
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


def relations(
    cells: Sequence[Cell],
    seeds: Sequence[int],
    columns: Sequence[str],
    entries: Sequence[Mapping[str, Any]],
    properties: Mapping[str, Mapping[str, float]],
) -> list[dict[str, Any]]:
    """Return a row for each setting, accuracy and property: what `relation` says of the schemes of that setting.

    columns: keys of the accuracies; properties: `facts` of each cell, by name. Only schemes with all seeds of the study
    count; settings with fewer than five such schemes are left out, and so is a property that all of them share.
    """
    values, rows = counts(entries), []
    for setting in dict.fromkeys(cell.setting for cell in cells):
        whole = [c for c in cells if c.setting == setting and set(seeds) == set(values.get(c.name, ()))]
        for column in columns:
            full = [c for c in whole if all(column in values[c.name][seed] for seed in seeds)]
            if len(full) < LEAST:
                continue
            accuracy = np.array([[values[c.name][seed][column] for seed in seeds] for c in full])
            for fact in FACTS:
                found = relation(accuracy, [properties[c.name][fact] for c in full])
                if found is not None:
                    rows.append({"setting": dict(setting), "attack": column, "property": fact, **asdict(found)})
    return rows


def relation(accuracy: Counts, values: Sequence[float]) -> Relation | None:
    """Return Spearman's rho of the accuracies [schemes, seeds], summed over the seeds, with the values [schemes].

    accuracy: whole numbers, in a unit that all share. None where all values, or all sums, are equal, or a value is no
    number: there is no rank then.
    """
    fact, total = np.asarray(values, dtype=np.float64), accuracy.sum(axis=1)
    if not np.isfinite(fact).all() or np.ptp(fact) == 0 or np.ptp(total) == 0:
        return None
    generator = np.random.default_rng(0)  # the same draws for every row: a table is the same whenever it is made
    rho = spearman(total, fact)
    permuted = np.array([spearman(total, generator.permutation(fact)) for _ in range(PERMUTATIONS)])
    beyond = int((np.abs(permuted) >= abs(rho) - 1e-12).sum())
    single = [spearman(seed, fact) for seed in accuracy.T if np.ptp(seed) > 0]
    spread = (min(single), max(single)) if len(single) > 1 else None
    return Relation(len(fact), rho, spread, (1 + beyond) / (1 + PERMUTATIONS))


def spearman(first: Vector, second: Vector) -> float:
    """Return the correlation of the ranks, ties at their mean rank (Spearman 1904; Kendall 1948)."""
    a, b = _ranks(first), _ranks(second)
    a, b = a - a.mean(), b - b.mean()
    return float((a @ b) / np.sqrt((a @ a) * (b @ b)))


def _ranks(values: Vector) -> NDArray[np.float64]:
    below = (values[:, None] > values).sum(axis=1)
    equal = (values[:, None] == values).sum(axis=1)
    found: NDArray[np.float64] = below + (equal + 1) / 2
    return found
