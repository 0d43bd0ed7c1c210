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
from rkblocks.exact.isolate import Isolated
from rkblocks.exact.roots import Root, compare, isolated_odd_root, minimal
from rkblocks.exact.work import TooLarge

Coefficients = tuple[Element, ...]
"""A polynomial in r with coefficients in a field, the constant one first."""

Entry = TypeVar("Entry")
"""What a condition is known by: a place in P or d, or a name."""


@dataclass(frozen=True)
class Crossing(Generic[Entry]):
    """The condition named ``entry`` is the first to fail, just above ``root``; ``polynomial`` is all of it."""

    entry: Entry
    polynomial: Coefficients
    root: Root


def first_crossing(conditions: Iterable[tuple[Entry, Coefficients]], field: Field) -> Crossing[Entry] | None:
    """The first condition to fail for growing r > 0 (the earlier named one in a tie), None if none ever fails.

    Raises TooLarge where the budget ends, with the bounds of the first failure that are proved by then.
    """
    best: tuple[Entry, Coefficients, Isolated] | None = None
    searched: Fraction | None = None  # what a condition that is too large is known to hold up to
    for entry, polynomial in conditions:
        lowest = next((c for c in polynomial if c), None)
        if lowest is None:
            continue
        if field.sign(lowest) < 0:
            return Crossing(entry, polynomial, Root.rational(0))
        try:
            found = isolated_odd_root(polynomial, field, below=best[2].high if best else None)
            if found is not None and (best is None or compare(found, best[2]) < 0):
                best = entry, polynomial, found
        except TooLarge as limit:
            low = limit.low or Fraction(0)
            searched = low if searched is None else min(low, searched)
    if searched is not None and (best is None or searched < best[2].high):
        raise TooLarge(min(searched, best[2].low) if best else searched, best[2].high if best else None)
    return None if best is None else Crossing(best[0], best[1], minimal(best[2]))
