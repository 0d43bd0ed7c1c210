"""A floating-point guess at the radius of absolute monotonicity; whoever uses it must decide exactly."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite

from rkblocks.exact.field import Field
from rkblocks.forms import Row, Rows

SLACK = 1e-11
STEPS = 60


def radius_guess(field: Field, A: Rows, b: Row) -> Fraction:
    """A positive guess at R by bisection in floats; it may be far off for many stages, where rounding errors grow."""
    try:
        K = [[field.to_float(entry) for entry in row[:i]] for i, row in enumerate((*A, b))]
    except OverflowError:  # the bracket finds its way from anywhere
        return Fraction(1)
    total = sum(K[-1])
    low, high = 0.0, (len(b) + 1) / total if total > 0 else 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _nonnegative(K, middle) else (low, middle)
    return Fraction(low or high) if isfinite(low or high) else Fraction(1)


def _nonnegative(K: list[list[float]], r: float) -> bool:
    P: list[list[float]] = []
    d: list[float] = []
    for i, row in enumerate(K):
        new, rest = list(row), 1.0
        for j in range(i):
            if row[j]:
                factor = r * row[j]
                rest -= factor * d[j]
                for k, entry in enumerate(P[j]):
                    new[k] -= factor * entry
        if rest < -SLACK or any(entry < -SLACK for entry in new):
            return False
        P.append(new)
        d.append(rest)
    return True
