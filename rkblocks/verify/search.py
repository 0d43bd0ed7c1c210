"""Proven bounds around the radius of absolute monotonicity, and the few entries that can limit it between them.

See the head of `monotonicity` for why two evaluations suffice to clear all other entries.
"""

from __future__ import annotations

from fractions import Fraction

from rkblocks.exact.field import Field
from rkblocks.exact.isolate import Isolated
from rkblocks.exact.work import TooLarge
from rkblocks.forms import Row, Rows
from rkblocks.verify.resolvent import Place, Resolvent, places

MARGIN = Fraction(1, 1 << 20)
HALVINGS = 40
"""The bracket is halved at most so often."""
TIGHT = 80
"""Bits of the second, narrower bracket around a candidate."""


def feasible(field: Field, A: Rows, b: Row, r: Fraction) -> bool:
    """Whether every entry of P(r) and d(r) is nonnegative."""
    at = Resolvent(field, A, b, r)
    return all(at.sign(place) >= 0 for place in places(len(b)))


def simple_zero(field: Field, A: Rows, b: Row, r: Fraction) -> Place | None:
    """An entry that changes sign at r, if r <= R; it proves R = r.  The derivatives are P' = -P P and d' = -P d."""
    at = Resolvent(field, A, b, r)
    signs = {place: at.sign(place) for place in places(len(b))}
    if min(signs.values()) < 0:
        return None
    for place, sign in signs.items():  # all entries are nonnegative here, so nothing cancels in the sum
        i, j = place
        if not sign and any(signs[Place(i, k)] and signs.get(Place(k, j)) for k in range(i)):
            return place
    return None


def bracket(field: Field, A: Rows, b: Row, guess: Fraction) -> tuple[Fraction, Fraction]:
    """(lo, hi) with lo <= R < hi, proved by exact evaluation, for a method with R > 0 and b != 0.

    Raises TooLarge, with the bounds that are proved by then, where the budget ends.
    """
    proved, refuted = Fraction(0), None
    low, high = _rounded(guess * (1 - MARGIN)), _rounded(guess * (1 + MARGIN))
    try:
        while not feasible(field, A, b, low):  # ends: R > 0
            low, high = low / 2, low
            refuted = high
        proved = low
        while refuted is None:  # ends: R * sum(b) <= m, the bound for a consistent method after scaling
            if feasible(field, A, b, high):
                proved, high = high, high * 2
            else:
                refuted = high
        for _ in range(HALVINGS):
            if refuted - proved <= 2 * MARGIN * refuted:
                break
            middle = (proved + refuted) / 2
            proved, refuted = (middle, refuted) if feasible(field, A, b, middle) else (proved, middle)
    except TooLarge as limit:
        raise TooLarge(proved, bound(field, b) if refuted is None else refuted) from limit
    return proved, refuted


def bound(field: Field, b: Row) -> Fraction:
    """A number above R, for a method with R > 0 and b != 0."""
    total, _ = field.enclose(sum(b, field.zero))
    return (len(b) + 1) / total


def tightened(
    field: Field, A: Rows, b: Row, low: Fraction, high: Fraction, candidate: Isolated
) -> tuple[Fraction, Fraction]:
    """A narrower bracket: around the candidate if R is there, else on the side of it where R is."""
    near = candidate.refine(TIGHT)
    unit = high / (1 << TIGHT)
    for at in (near.low - unit, near.high + unit):
        if low < at < high:
            low, high = (at, high) if feasible(field, A, b, at) else (low, at)
    return low, high


def _rounded(r: Fraction) -> Fraction:
    """A fraction of 24 leading bits near r: short numbers make short entries."""
    shift = 24 - (r.numerator.bit_length() - r.denominator.bit_length())
    scale = Fraction(2) ** shift
    return Fraction(round(r * scale)) / scale


def suspects(field: Field, A: Rows, b: Row, low: Fraction, high: Fraction) -> list[Place]:
    """The entries that may change sign between low <= R and high, first those that seem to cross first."""
    at, before, above = (Resolvent(field, A, b, r) for r in (low, 2 * low - high, high))
    found = []
    for place in places(len(b)):
        value, bound = at.numerator(place) * before.scale(place), before.numerator(place) * at.scale(place)
        if bound and at.sign_of(value + value - bound) <= 0:
            found.append(place)

    def crossing(place: Place) -> Fraction:
        start, end = (Fraction(*field.enclose(x.value(place))[:1]) for x in (at, above))
        return start / (start - end) if end < 0 else Fraction(2)

    return sorted(found, key=crossing)
