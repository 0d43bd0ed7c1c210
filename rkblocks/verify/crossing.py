"""Where the first of several polynomial conditions ``p(r) >= 0``, r > 0, starts to fail.

SSP coefficients, linear thresholds and stability intervals are all of this kind.  A polynomial stops being
nonnegative at 0 if its lowest coefficient is negative, else at its least positive root of odd multiplicity; roots of
even multiplicity only touch zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root, least_odd_root

Coefficients = tuple[Element, ...]
"""A polynomial in r with coefficients in a field, the constant one first."""

Entry = TypeVar("Entry")
"""What a condition is known by: a place in P or d, or a name."""

LARGEST = 45_000_000
"""Largest `size` of a polynomial whose roots are isolated; the largest in the library takes half a second."""


class TooLarge(Exception):  # noqa: N818 (a limit, not an error)
    """A polynomial is too large to isolate its roots in bounded time; the first failure lies in [low, high)."""

    def __init__(self, low: Fraction | None = None, high: Fraction | None = None) -> None:
        super().__init__("too large")
        self.low = low
        self.high = high

    @property
    def bounds(self) -> tuple[Fraction, Fraction] | None:
        """Both bounds, where they are known."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def size(polynomial: Coefficients, field: Field) -> int:
    """A measure of the work on a polynomial: degree squared times bits, of its norm, times what the norm costs."""
    degree = 1 << len(field.roots)
    parts = [q for c in polynomial if c for q in field.coordinates(c)]
    bits = max((max(q.numerator.bit_length(), q.denominator.bit_length()) for q in parts), default=0)
    bits *= degree
    return (len(polynomial) * degree) ** 2 * degree**3 * (bits + bits * bits // 5000)  # long products cost more


@dataclass(frozen=True)
class Crossing(Generic[Entry]):
    """The condition named ``entry`` is the first to fail, just above ``root``; ``polynomial`` is all of it."""

    entry: Entry
    polynomial: Coefficients
    root: Root


def first_crossing(conditions: Iterable[tuple[Entry, Coefficients]], field: Field) -> Crossing[Entry] | None:
    """The first condition to fail for growing r > 0 (the earlier named one in a tie), None if none ever fails.

    Raises TooLarge where a polynomial exceeds the limit.
    """
    best: Crossing[Entry] | None = None
    for entry, polynomial in conditions:
        lowest = next((c for c in polynomial if c), None)
        if lowest is None:
            continue
        if field.sign(lowest) < 0:
            return Crossing(entry, polynomial, Root.rational(0))
        if size(polynomial, field) > LARGEST:
            raise TooLarge
        root = least_odd_root(polynomial, field, below=best.root.high if best else None)
        if root is not None and (best is None or root.compare(best.root) < 0):
            best = Crossing(entry, polynomial, root)
    return best
