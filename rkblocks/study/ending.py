"""Has training ended, and alike?  The loss of every scheme, and what the schemes are worth at one and the same loss.

Schemes that are trained for the same number of epochs need not be trained equally far, and a difference in accuracy may
be one of training alone. The lines of metrics.jsonl tell: the loss of the last epoch, and the validation accuracy at
the epoch at which a run came down to a given loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rkblocks.intervals import mean_deviation
from rkblocks.study.grid import Cell
from rkblocks.study.statistics import digits

Curve = Sequence[Mapping[str, Any]]
"""The lines of a run's metrics.jsonl."""
Curves = Mapping[str, Sequence[Curve]]
"""Those of the trained networks of a cell, by its name."""
VALIDATION = ("validation_robust", "validation_clean")  # the first that a run has


def last_loss(curve: Curve) -> float | None:
    """Return the training loss of the last epoch; None where it was not recorded."""
    loss = curve[-1].get("train_loss") if curve else None
    return None if loss is None else float(loss)


def rows(cells: Sequence[Cell], curves: Curves) -> list[dict[str, Any]]:
    """Return a row for each cell: {cell, seeds, metric, loss: [mean, deviation], validation: [mean, deviation], at},
    where at is {loss, epoch, validation} at the lowest loss that all networks of the setting came down to.
    """
    found = []
    for setting in dict.fromkeys(cell.setting for cell in cells):
        own = {c.name: [one for one in curves.get(c.name, ()) if _complete(one)] for c in cells if c.setting == setting}
        lowest = [min(line["train_loss"] for line in curve) for group in own.values() for curve in group]
        for name, group in own.items():
            if group:
                found.append(_row(name, group, max(lowest)))
    return found


def _complete(curve: Curve) -> bool:
    return bool(curve) and any(all("train_loss" in line and key in line for line in curve) for key in VALIDATION)


def _row(name: str, group: Sequence[Curve], level: float) -> dict[str, Any]:
    key = next(key for key in VALIDATION if all(key in line for curve in group for line in curve))
    reached = [at_loss(curve, level, key) for curve in group]
    return {
        "cell": name,
        "seeds": len(group),
        "metric": key,
        "loss": _mean([curve[-1]["train_loss"] for curve in group]),
        "validation": _mean([curve[-1][key] for curve in group]),
        "at": {
            "loss": digits(level),
            "epoch": _mean([epoch for epoch, _ in reached]),
            "validation": _mean([value for _, value in reached]),
        },
    }


def at_loss(curve: Curve, level: float, key: str) -> tuple[float, float]:
    """Return epoch and value of `key` where the loss first comes down to `level`, between two epochs on a line.

    It has to come down to it. A loss is the mean over its epoch, while the weights move; the value is that after it.
    """
    place = next(number for number, line in enumerate(curve) if line["train_loss"] <= level)
    line = curve[place]
    if place == 0:
        return float(line["epoch"]), float(line[key])
    before = curve[place - 1]
    share = (before["train_loss"] - level) / (before["train_loss"] - line["train_loss"])
    return before["epoch"] + share * (line["epoch"] - before["epoch"]), before[key] + share * (line[key] - before[key])


def spread(cells: Sequence[Cell], entries: Sequence[Mapping[str, Any]], allowed: float | None) -> list[dict[str, Any]]:
    """Return for each setting with several schemes the least and the largest mean loss at the end, their quotient, and
    whether it is at most what the study file states (None where it states nothing).
    """
    found = []
    for setting in dict.fromkeys(cell.setting for cell in cells):
        losses = {cell.name: _losses(cell.name, entries) for cell in cells if cell.setting == setting}
        means = {name: sum(values) / len(values) for name, values in losses.items() if values}
        if len(means) < 2:
            continue
        low, high = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
        factor = means[high] / means[low] if means[low] > 0 else None
        row: dict[str, Any] = {
            "setting": dict(setting),
            "allowed": allowed,
            "factor": None if factor is None else digits(factor),
        }
        row |= {"least": [low, digits(means[low])], "most": [high, digits(means[high])]}
        found.append({**row, "ok": None if allowed is None else factor is not None and factor <= allowed})
    return found


def _losses(name: str, entries: Sequence[Mapping[str, Any]]) -> list[float]:
    return [e["train_loss"] for e in entries if e["cell"] == name and e.get("train_loss") is not None]


def _mean(values: Sequence[float]) -> list[float | None]:
    mean, deviation = mean_deviation(values)
    return [digits(mean), None if len(values) < 2 else digits(deviation)]
