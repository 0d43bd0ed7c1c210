"""What a study's differences are worth: the two-way model of each setting and accuracy, with the smallest difference
that it would have found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rkblocks.study.grid import Cell
from rkblocks.study.statistics import by_cell, digits
from rkblocks.study.twoway import Estimate, Matrix, Model

Setting = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Fit:
    """The model of one accuracy of one setting: names of its cells, the reference first, the number of seeds that all
    have, and the training losses at the end, None where one of them is not known.
    """

    names: list[str]
    seeds: int
    model: Model
    losses: Matrix | None

    def contrast(self, pairs: Sequence[tuple[str, str]]) -> dict[str, Any] | None:
        """Return {mean, half, p, holm, found, at_equal_loss} of the mean over pairs (more, less) of cells; None where a
        cell is not in it, or nothing is known of the spread. at_equal_loss: {mean, half, p, holm}, or None. holm: None,
        for whoever knows all that is asked.
        """
        if not {name for pair in pairs for name in pair} <= set(self.names):
            return None
        weights = [0.0] * len(self.names)
        for more, less in pairs:
            weights[self.names.index(more)] += 1 / len(pairs)
            weights[self.names.index(less)] -= 1 / len(pairs)
        found = self.model.contrast(weights)
        if found is None:
            return None
        equal = None if self.losses is None else self.model.at_equal(self.losses, weights)
        at_equal_loss = {**_numbers(equal[0]), "holm": None} if equal else None
        return {**_numbers(found), "found": digits(found.found), "at_equal_loss": at_equal_loss, "holm": None}


Fits = Mapping[tuple[Setting, str], Fit]
"""By setting and accuracy."""


def fits(cells: Sequence[Cell], columns: Sequence[str], entries: Sequence[Mapping[str, Any]]) -> Fits:
    """Return the models of all settings and accuracies in which the first cell and another have two seeds in common."""
    values, found = by_cell(entries), {}
    losses = {(entry["cell"], entry["seed"]): entry.get("train_loss") for entry in entries}
    for setting in dict.fromkeys(cell.setting for cell in cells):
        own = [cell.name for cell in cells if cell.setting == setting]
        for column in columns:
            known = {name: {s: one[column] for s, one in values.get(name, {}).items() if column in one} for name in own}
            names = [name for name in own if known[name]]
            if len(names) < 2 or names[0] != own[0]:
                continue
            seeds = [seed for seed in known[names[0]] if all(seed in known[name] for name in names)]
            if len(seeds) > 1:
                matrix = np.array([[known[name][seed] for seed in seeds] for name in names])
                loss = [[losses[name, seed] for seed in seeds] for name in names]
                known_loss = all(value is not None for row in loss for value in row)
                found[setting, column] = Fit(
                    names, len(seeds), Model(matrix), np.array(loss, dtype=np.float64) if known_loss else None
                )
    return found


def rows(found: Fits) -> list[dict[str, Any]]:
    """Return {setting, attack, first, schemes, seeds, freedom, deviation, found, differences, at_equal_loss} of each.

    differences: {cell: {mean, half, p}} to the first scheme, by Dunnett; found: see `Estimate`; at_equal_loss: the same
    with the training loss as a covariate, {} where it is not known or says nothing.
    """
    made = []
    for (setting, column), fit in found.items():
        model, against = fit.model, fit.model.against_first()
        if against is None or model.deviation is None:
            continue
        equal = None if fit.losses is None else model.at_equal(fit.losses)
        about: dict[str, Any] = {"setting": dict(setting), "attack": column, "first": fit.names[0]}
        about |= {"schemes": model.schemes, "seeds": model.seeds, "freedom": model.freedom}
        about |= {"deviation": digits(model.deviation), "found": digits(against[0].found)}
        estimates = {"differences": _by_name(fit.names, against), "at_equal_loss": _by_name(fit.names, equal or [])}
        made.append({**about, **estimates})
    return made


def _by_name(names: Sequence[str], found: Sequence[Estimate]) -> dict[str, dict[str, float]]:
    return {name: _numbers(one) for name, one in zip(names[1:], found, strict=False)}


def _numbers(one: Estimate) -> dict[str, float]:
    return {"mean": digits(one.mean), "half": digits(one.half), "p": round(one.p, 6)}
