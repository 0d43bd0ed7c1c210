"""A lower bound of the SSP coefficient that is proved for every member of a family, where R itself has no formula.

R >= r on the whole domain means that every entry of P(r) and d(r), a rational function of the parameters, is >= 0
there; that is decided exactly (`inequality`).  Values of R at a few members say which r is worth a proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from rkblocks.exact.field import Element
from rkblocks.exact.work import TooLarge
from rkblocks.forms import Method, resolvent
from rkblocks.tableau import Parameter
from rkblocks.verify.family import cells
from rkblocks.verify.family.inequality import Point, nonnegative, probes
from rkblocks.verify.radius import ssp_coefficient

MOST_PARAMETERS = 2
MOST_STAGES = 4
SHARES = (Fraction(15, 16), Fraction(7, 8), Fraction(3, 4), Fraction(1, 2), Fraction(1, 4))
"""Shares of the least R among the probed members for which a proof is tried, one after the other."""


@dataclass(frozen=True)
class LowerBound:
    """R >= ``least`` on the whole domain is proved (0: nothing is); ``zero_at`` is a member with R = 0, if known."""

    least: Fraction
    zero_at: Point | None = None


def lower_bound(method: Method, effective: Sequence[Parameter]) -> LowerBound:
    """A bound for the reduced method (A, b) of a family.

    Args:
        effective: the parameters on which it depends.

    Raises TooLarge, with the reason, where it is too large to be tried.
    """
    field, b = method.field, method.b
    if not 0 < len(effective) <= MOST_PARAMETERS or len(b) > MOST_STAGES:
        raise TooLarge(
            reason=f"depends on {len(effective)} parameters in {len(b)} stages; a bound is sought for up to "
            f"{MOST_PARAMETERS} in {MOST_STAGES}"
        )
    lowest: Fraction | None = None
    for point in probes(cells.bounds(field, effective)):
        found = _member(method, point)
        if found is None:  # no limit
            continue
        if not found:
            return LowerBound(Fraction(0), point)
        lowest = found if lowest is None else min(lowest, found)
    if lowest is None:
        raise TooLarge(reason="has no limit at any member that was tried")
    for share in SHARES:
        r = (lowest * share).limit_denominator(64)
        if r > 0 and _holds(method, effective, r):
            return LowerBound(r)
    return LowerBound(Fraction(0))


def _member(method: Method, point: Point) -> Fraction | None:
    """R of one member, rounded down a little."""
    crossing = ssp_coefficient(method.member({name: point.get(name, Fraction(0)) for name in method.field.parameters}))
    return None if crossing is None else max(Fraction(0), crossing.root.refine(20).low)


def _holds(method: Method, effective: Sequence[Parameter], r: Fraction) -> bool:
    field = method.field
    P, d = resolvent(method, field.rational(r))
    entries: list[Element] = [*d, *(entry for row in P for entry in row if entry)]
    return all(nonnegative(field, entry, effective).holds for entry in dict.fromkeys(entries))
