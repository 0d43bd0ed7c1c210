"""The SSP coefficient of an explicit method, exactly: the radius of absolute monotonicity R (Kraaijevanger 1991).

With ``K = [[A, 0], [b, 0]]``, ``P(r) = (I + rK)^-1 K`` and ``d(r) = (I + rK)^-1 e``, R is the supremum of the r at
which all entries are nonnegative.  K is nilpotent, so the entries are polynomials in r; the set of those r is an
interval [0, R], or empty, since ``P(r - h) = P(r) (I - h P(r))^-1`` is a sum of powers of P(r).  Hence:

* R > 0 exactly if K >= 0 and K**2 has no entry where K has none (Kraaijevanger 1991, theorem 4.2);
* one exact evaluation certifies r <= R, one negative entry refutes it;
* with P(lo) >= 0, an entry with ``2 P(lo) > P(2 lo - hi)`` is positive on all of [lo, hi], because
  ``|P(lo + x) - P(lo)| <= sum_k x**k P(lo)**(k+1) = P(lo - x) - P(lo)``; the same holds for d.

So two evaluations around a guess leave the few entries whose polynomials have to be formed.  Floats guess, and decide
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import NamedTuple

from rkblocks.exact.field import Element, Field
from rkblocks.exact.isolate import Isolated
from rkblocks.exact.roots import Coefficients, Crossing, Root, first_crossing, isolated_odd_root
from rkblocks.exact.work import TooLarge, spend
from rkblocks.forms import Method, Row, resolvent, substituted
from rkblocks.verify.integral import Integral, ring

FEW = 4
"""So many entries are written as polynomials at once; more are thinned out first."""
MARGIN = Fraction(1, 1 << 20)
HALVINGS = 40
"""The bracket is halved at most so often."""
TIGHT = 80
"""Bits of the second, narrower bracket around a candidate."""
SLACK = 1e-11
STEPS = 60


class ResolventEntry(NamedTuple):
    """An entry of P, rows 0..m with row m that of b; column -1 stands for the entry of d in that row."""

    row: int
    column: int

    def __str__(self) -> str:
        """The name in reports: ``P[3,0]``, ``d[2]``."""
        return f"d[{self.row}]" if self.column < 0 else f"P[{self.row},{self.column}]"


def places(m: int) -> Iterator[ResolventEntry]:
    """All entries of P below the diagonal, then those of d."""
    for i in range(m + 1):
        for j in range(min(i, m)):
            yield ResolventEntry(i, j)
    for i in range(m + 1):
        yield ResolventEntry(i, -1)


@dataclass(frozen=True)
class Negative:
    """An entry of P(r) or d(r) that is negative at the value r asked for."""

    entry: ResolventEntry
    value: Element


def ssp_coefficient(method: Method) -> Crossing[ResolventEntry] | None:
    """R with the entry that limits it, exactly; None where there is no limit (b = 0, nothing is ever negative).

    Args:
        field: the field of the entries, without parameters.
        A: m rows of m entries, strictly lower triangular.  For the SSP coefficient of the method, not of the table, the
            unused and equal stages must have been removed (`forms.reduce`).
        b: m weights.

    Raises TooLarge, with proven bounds of R, where the number itself would take too much work.

    Reference: Kraaijevanger 1991, BIT 31, 482-528; Ferracina & Spijker 2004; Higueras 2005.
    """
    field, b = method.field, method.b
    if not any(b):
        return None
    failure = immediate_failure(method)
    if failure is not None:
        return Crossing(failure, entry_polynomial(method, failure), Root.rational(0))
    guess = radius_guess(method)
    simple = guess.limit_denominator(1000)
    try:
        found = simple_zero(method, simple) if simple > 0 else None
    except TooLarge as limit:
        raise TooLarge(Fraction(0), bound(field, b)) from limit
    if found is not None:
        return Crossing(found, entry_polynomial(method, found), Root.rational(simple))
    low, high = bracket(method, guess)
    return _among(method, low, high)


def _among(method: Method, low: Fraction, high: Fraction) -> Crossing[ResolventEntry] | None:
    """R between proven bounds, from the polynomials of the few entries that may change sign there."""
    field = method.field
    try:
        left = suspects(method, low, high)
        if len(left) > FEW:  # the first one tells where R is, and the others are positive near there
            try:
                first = isolated_odd_root(entry_polynomial(method, left[0]), field)
            except TooLarge as limit:  # its bounds are of a root of this entry, which R need not be
                raise TooLarge from limit
            if first is not None:
                simple = first.simple()
                exact = None if simple is None else simple_zero(method, simple)
                if simple is not None and exact is not None:  # many entries may vanish there, as in a chain
                    return Crossing(exact, entry_polynomial(method, exact), Root.rational(simple))
                low, high = tightened(method, low, high, first)
                left = suspects(method, low, high)
        return first_crossing(_conditions(method, left), field)
    except TooLarge as limit:
        ends = [end for end in (high, limit.high) if end is not None]
        raise TooLarge(max(low, limit.low or low), min(ends)) from limit


def _conditions(method: Method, chosen: list[ResolventEntry]) -> list[tuple[ResolventEntry, Coefficients]]:
    return [(place, entry_polynomial(method, place)) for place in chosen]


def immediate_failure(method: Method) -> ResolventEntry | None:
    """An entry of P that is negative for all small r > 0, so that R = 0; None if R > 0.

    It is a negative entry of K, or an entry that K lacks and K**2 has.
    """
    field, A, b = method.field, method.A, method.b
    K = (*A, b)
    below = [(i, j) for i, j in places(len(b)) if j >= 0]
    for i, j in below:
        if K[i][j] and field.sign(K[i][j]) < 0:
            return ResolventEntry(i, j)
    for i, j in below:  # all entries are nonnegative here, so nothing cancels in K**2
        if not K[i][j] and any(K[i][k] and K[k][j] for k in range(j + 1, i)):
            return ResolventEntry(i, j)
    return None


def negative_at(method: Method, r: Element) -> Negative | None:
    """A negative entry of P(r) or d(r), which refutes r <= R; None certifies it.

    Args:
        field, A, b: an explicit method with numbers as entries.
        r: the value claimed, a nonnegative number of the field.
    """
    field, b = method.field, method.b
    P, d = resolvent(method, r)
    for place in places(len(b)):
        i, j = place
        value = d[i] if j < 0 else P[i][j]
        if value and field.sign(value) < 0:
            return Negative(place, value)
    return None


def entry_polynomial(method: Method, place: ResolventEntry) -> Coefficients:
    """One entry as a polynomial in r: ``sum_k (-r)**k (K**(k+1))_ij`` of P, ``sum_k (-r)**k (K**k e)_i`` of d."""
    field, A, b = method.field, method.A, method.b
    integers, m = ring(field), len(b)
    K, denominator = integers.sparse((*A, b))
    i, j = place
    scale = integers.one
    vector = [integers.one] * (m + 1)
    if j >= 0:
        vector = [dict(row).get(j, integers.zero) for row in K]
        scale = scale * denominator
    products = sum(map(len, K))
    bits = 0 if field.parameters else denominator.bit_length()
    found = []
    for k in range(m + 1):
        spend(products << 2 * len(field.roots), k * bits, bits)
        found.append(integers.element(vector[i] * (-1) ** k, scale))
        vector = integers.product(K, vector)
        scale = scale * denominator
    while found and not found[-1]:
        found.pop()
    return tuple(found)


# -- a guess in floats, and proven bounds around it --------------------------------------------------------------------


def radius_guess(method: Method) -> Fraction:
    """A positive guess at R by bisection in floats; it may be far off for many stages, where rounding errors grow."""
    field, A, b = method.field, method.A, method.b
    try:
        K = [[field.to_float(entry) for entry in row[:i]] for i, row in enumerate((*A, b))]
    except OverflowError:  # the bracket finds its way from anywhere
        return Fraction(1)
    total = sum(K[-1])
    low, high = 0.0, (len(b) + 1) / total if total > 0 else 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        rows = substituted(K, middle, 1.0)
        holds = all(rest >= -SLACK and min(row, default=0.0) >= -SLACK for row, rest in rows)
        low, high = (middle, high) if holds else (low, middle)
    return Fraction(low or high) if isfinite(low or high) else Fraction(1)


def feasible(method: Method, r: Fraction) -> bool:
    """Whether every entry of P(r) and d(r) is nonnegative."""
    b = method.b
    at = Resolvent(method, r)
    return all(at.sign(place) >= 0 for place in places(len(b)))


def simple_zero(method: Method, r: Fraction) -> ResolventEntry | None:
    """An entry that changes sign at r, if r <= R; it proves R = r.  The derivatives are P' = -P P and d' = -P d."""
    b = method.b
    at = Resolvent(method, r)
    signs = {place: at.sign(place) for place in places(len(b))}
    if min(signs.values()) < 0:
        return None
    for place, sign in signs.items():  # all entries are nonnegative here, so nothing cancels in the sum
        i, j = place
        if not sign and any(signs[ResolventEntry(i, k)] and signs.get(ResolventEntry(k, j)) for k in range(i)):
            return place
    return None


def bracket(method: Method, guess: Fraction) -> tuple[Fraction, Fraction]:
    """(lo, hi) with lo <= R < hi, proved by exact evaluation, for a method with R > 0 and b != 0.

    Raises TooLarge, with the bounds that are proved by then, where the budget ends.
    """
    field, b = method.field, method.b
    proved, refuted = Fraction(0), None
    low, high = _rounded(guess * (1 - MARGIN)), _rounded(guess * (1 + MARGIN))
    try:
        while not feasible(method, low):  # ends: R > 0
            low, high = low / 2, low
            refuted = high
        proved = low
        while refuted is None:  # ends: R * sum(b) <= m, the bound for a consistent method after scaling
            if feasible(method, high):
                proved, high = high, high * 2
            else:
                refuted = high
        for _ in range(HALVINGS):
            if refuted - proved <= 2 * MARGIN * refuted:
                break
            middle = (proved + refuted) / 2
            proved, refuted = (middle, refuted) if feasible(method, middle) else (proved, middle)
    except TooLarge as limit:
        raise TooLarge(proved, bound(field, b) if refuted is None else refuted) from limit
    return proved, refuted


def bound(field: Field, b: Row) -> Fraction:
    """A number above R, for a method with R > 0 and b != 0."""
    total, _ = field.enclose(sum(b, field.zero))
    return (len(b) + 1) / total


def tightened(method: Method, low: Fraction, high: Fraction, candidate: Isolated) -> tuple[Fraction, Fraction]:
    """A narrower bracket: around the candidate if R is there, else on the side of it where R is."""
    near = candidate.refine(TIGHT)
    unit = high / (1 << TIGHT)
    for at in (near.low - unit, near.high + unit):
        if low < at < high:
            low, high = (at, high) if feasible(method, at) else (low, at)
    return low, high


def _rounded(r: Fraction) -> Fraction:
    """A fraction of 24 leading bits near r: short numbers make short entries."""
    shift = 24 - (r.numerator.bit_length() - r.denominator.bit_length())
    scale = Fraction(2) ** shift
    return Fraction(round(r * scale)) / scale


def suspects(method: Method, low: Fraction, high: Fraction) -> list[ResolventEntry]:
    """The entries that may change sign between low <= R and high, first those that seem to cross first."""
    field, b = method.field, method.b
    at, before, above = (Resolvent(method, r) for r in (low, 2 * low - high, high))
    found = []
    for place in places(len(b)):
        value, bound = at.numerator(place) * before.scale(place), before.numerator(place) * at.scale(place)
        if bound and at.ring.sign(value + value - bound) <= 0:
            found.append(place)

    def crossing(place: ResolventEntry) -> Fraction:
        start, end = (Fraction(*field.enclose(x.value(place))[:1]) for x in (at, above))
        return start / (start - end) if end < 0 else Fraction(2)

    return sorted(found, key=crossing)


# -- exact values at one r ---------------------------------------------------------------------------------------------


class Resolvent:
    """The entries of P(r) and d(r) of one method at one rational value r = p/q, without a single division.

    By forward substitution, over the common denominators ``D (qD)**i`` of row i, where D is that of K.  In the field
    every sum would take a greatest common divisor, which is most of the time; so only signs need the size of numbers.
    """

    def __init__(self, method: Method, r: Fraction) -> None:
        field, A, b = method.field, method.A, method.b
        self.ring = ring(field)
        m = len(b)
        flat, self._denominator = self.ring.clear(entry for row in (*A, b) for entry in row)
        self._base = r.denominator * self._denominator
        powers = [1]
        for _ in range(m + 1):
            powers.append(powers[-1] * self._base)
        self._powers = powers
        self._P: list[list[Integral]] = []
        self._d: list[Integral] = []
        bits = self._base.bit_length()
        for i in range(m + 1):
            spend(i * (i + 1) << 2 * len(field.roots), i * bits, bits)
            new = [flat[i * m + k] * powers[i] for k in range(min(i, m))]
            rest = self.ring.one * powers[i]
            for j in range(min(i, m)):
                entry = flat[i * m + j]
                if entry:
                    factor = entry * (r.numerator * powers[i - 1 - j])
                    rest = rest - factor * self._d[j]
                    for k, earlier in enumerate(self._P[j]):
                        if earlier:
                            new[k] = new[k] - factor * earlier
            self._P.append(new)
            self._d.append(rest)

    def numerator(self, place: ResolventEntry) -> Integral:
        """The entry times ``scale(place)``."""
        i, j = place
        return self._d[i] if j < 0 else self._P[i][j]

    def scale(self, place: ResolventEntry) -> int:
        """The positive denominator of an entry."""
        i, j = place
        return self._powers[i] if j < 0 else self._powers[i] * self._denominator

    def sign(self, place: ResolventEntry) -> int:
        """The sign of an entry."""
        return self.ring.sign(self.numerator(place))

    def value(self, place: ResolventEntry) -> Element:
        """An entry as an element of the field."""
        return self.ring.element(self.numerator(place), self.scale(place))
