"""Does accuracy follow a property of the scheme?  Rank correlations over the schemes of one setting.

The properties are those of the method at the initial values of its parameters (what was learned, `audit` tells): the
optimal SSP coefficient, the growth of Lemma 3, the calls of F in a step, the order.  The correlation is Spearman's rho
(1904) of the accuracies, averaged over the seeds, with the property; ties share their mean rank.  Accuracies are counts
of images, and are ranked as counts: means that are equal tie, whatever rounding does to them.  Its p-value is that of
random permutations of the property among the schemes: how often schemes in no relation give as much.  Beside it stands
how far rho goes in single seeds: what was seen, with no claim about other seeds, for which three or five are too few.

Several properties and accuracies are several questions: Holm's correction over those of a setting stands beside p.  And
schemes differ in how far they are trained: beside rho stands what is left of it given the training loss at the end, the
partial rank correlation (Kendall 1942); the loss has a row of its own.
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
from rkblocks.intervals import holm
from rkblocks.study.grid import Cell
from rkblocks.study.statistics import counts, digits
from rkblocks.tableau import Tableau

FACTS = {"ssp": "C", "growth": "growth", "calls": "calls of F a step", "order": "order"}
LOSS = "loss"
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
    count; settings with fewer than five such schemes are left out, and so is a property that all of them share. Beside
    what `relation` says a row has given_loss, and holm, None in the row of the loss.
    """
    values, rows = counts(entries), []
    losses: dict[str, list[float | None]] = {}
    for entry in entries:
        losses.setdefault(entry["cell"], []).append(entry.get("train_loss"))
    for setting in dict.fromkeys(cell.setting for cell in cells):
        whole = [c for c in cells if c.setting == setting and set(seeds) == set(values.get(c.name, ()))]
        asked: list[dict[str, Any]] = []
        for column in columns:
            full = [c for c in whole if all(column in values[c.name][seed] for seed in seeds)]
            if len(full) < LEAST:
                continue
            accuracy = np.array([[values[c.name][seed][column] for seed in seeds] for c in full])
            about = {"setting": dict(setting), "attack": column}
            loss = [_sum(losses[c.name]) for c in full]
            for fact in FACTS:
                values_of_fact = [properties[c.name][fact] for c in full]
                found = relation(accuracy, values_of_fact)
                if found is not None:
                    given = partial(accuracy.sum(axis=1), values_of_fact, loss)
                    asked.append({**about, "property": fact, **asdict(found), "given_loss": given})
            if (found := relation(accuracy, loss)) is not None:
                rows.append({**about, "property": LOSS, **asdict(found), "given_loss": None, "holm": None})
        adjusted = holm([row["p"] for row in asked])
        rows += [{**row, "holm": round(p, 6)} for row, p in zip(asked, adjusted, strict=True)]
    return rows


def _sum(values: Sequence[float | None]) -> float:
    return math.fsum(math.nan if value is None else value for value in values)


def partial(accuracy: Vector, values: Sequence[float], loss: Sequence[float]) -> float | None:
    """Return the rank correlation of accuracies and values at equal rank of the loss; None where one of them has no
    ranks, or the loss leaves nothing.
    """
    given = np.asarray(loss, dtype=np.float64)
    if not np.isfinite(given).all() or np.ptp(given) == 0:
        return None
    fact = np.asarray(values, dtype=np.float64)
    rho, a, b = spearman(accuracy, fact), spearman(accuracy, given), spearman(fact, given)
    left = (1 - a * a) * (1 - b * b)
    return digits((rho - a * b) / math.sqrt(left)) if left > 1e-12 else None


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
