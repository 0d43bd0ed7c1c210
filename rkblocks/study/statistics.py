"""Accuracies by cell and seed; differences over the same seeds: mean, deviation, and the paired t-test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rkblocks.intervals import mean_deviation
from rkblocks.study.twoway import beyond, critical, detectable

ROUNDING = 1e-12  # differences of accuracies that are equal but for it are equal


def by_cell(entries: Sequence[Mapping[str, Any]]) -> dict[str, dict[int, Mapping[str, float]]]:
    """Return the accuracies of the networks as {cell: {seed: {column: accuracy}}}."""
    values: dict[str, dict[int, Mapping[str, float]]] = {}
    for entry in entries:
        values.setdefault(entry["cell"], {})[entry["seed"]] = entry["accuracy"]
    return values


def counts(entries: Sequence[Mapping[str, Any]]) -> dict[str, dict[int, dict[str, int]]]:
    """Return the accuracies as whole numbers, {cell: {seed: {column: right answers}}}: of n images each, or where
    networks have different n, of the least number of images that all of these divide.
    """
    unit = math.lcm(*(entry["n"] for entry in entries))
    values: dict[str, dict[int, dict[str, int]]] = {}
    for entry in entries:
        right = {key: round(value * entry["n"]) * (unit // entry["n"]) for key, value in entry["accuracy"].items()}
        values.setdefault(entry["cell"], {})[entry["seed"]] = right
    return values


def digits(value: float) -> float:
    """Return a number with the six digits on which machines that round differently agree."""
    return float(f"{value:.6g}")


@dataclass(frozen=True)
class Difference:
    """Of n pairs; deviation and p are None for a single one, p also where all pairs differ by the same."""

    n: int
    mean: float
    deviation: float | None
    p: float | None


@dataclass(frozen=True)
class Mean(Difference):
    """A mean with its 95 % interval of Student's t; seen: the smallest mean that a test at 5 % with as many values of
    this deviation finds 8 times of 10.  None where there is no deviation.
    """

    low: float | None = None
    high: float | None = None
    seen: float | None = None


def mean_of(values: Sequence[float]) -> Mean:
    """Return what n independent values say of their mean, against zero."""
    found = paired([0.0] * len(values), values)
    if not found.deviation:
        return Mean(**asdict(found))
    freedom, error = found.n - 1, found.deviation / math.sqrt(found.n)
    limit = critical(1, freedom)
    low, high, seen = found.mean - limit * error, found.mean + limit * error, detectable(limit, freedom) * error
    return Mean(**asdict(found), low=round(low, 9), high=round(high, 9), seen=round(seen, 9))


def paired(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Return second - first, pair by pair, with the two-sided p-value of the paired t-test (Student 1908).

    The p-value is exact where the differences are normal. Equal differences that are not zero have none: accuracies
    are counts of images, and two seeds that differ by one image each are no proof.
    """
    differences = [b - a for a, b in zip(first, second, strict=True)]
    mean, deviation = mean_deviation(differences)
    if len(differences) < 2:
        return Difference(1, mean, None, None)
    if deviation < ROUNDING:
        return Difference(len(differences), mean, 0.0, 1.0 if abs(mean) < ROUNDING else None)
    t = mean / deviation * math.sqrt(len(differences))
    return Difference(len(differences), mean, deviation, digits(beyond(abs(t), 1, len(differences) - 1)))
