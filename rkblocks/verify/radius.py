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

from dataclasses import dataclass
from fractions import Fraction

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root, isolated_odd_root
from rkblocks.exact.work import TooLarge, spend
from rkblocks.forms import Row, Rows, resolvent
from rkblocks.verify.crossing import Coefficients, Crossing, first_crossing
from rkblocks.verify.guess import radius_guess
from rkblocks.verify.integral import ring
from rkblocks.verify.resolvent import Place, places
from rkblocks.verify.search import bound, bracket, simple_zero, suspects, tightened

FEW = 4
"""So many entries are written as polynomials at once; more are thinned out first."""


@dataclass(frozen=True)
class Negative:
    """An entry of P(r) or d(r) that is negative at the value r asked for."""

    entry: Place
    value: Element


def entry_polynomial(field: Field, A: Rows, b: Row, place: Place) -> Coefficients:
    """One entry as a polynomial in r: ``sum_k (-r)**k (K**(k+1))_ij`` of P, ``sum_k (-r)**k (K**k e)_i`` of d."""
    integers = ring(field)
    flat, denominator = integers.clear([entry for row in (*A, b) for entry in row])
    m = len(b)
    i, j = place
    K = [[(k, flat[row * m + k]) for k in range(m) if flat[row * m + k]] for row in range(m + 1)]
    scale = integers.one
    vector = [integers.one] * (m + 1)
    if j >= 0:
        vector = [flat[row * m + j] for row in range(m + 1)]
        scale = scale * denominator
    products = sum(map(len, K))
    bits = 0 if field.parameters else denominator.bit_length()
    found = []
    for k in range(m + 1):
        spend(products << 2 * len(field.roots), k * bits, bits)
        found.append(integers.element(vector[i] * (-1) ** k, scale))
        vector = [sum((a * vector[n] for n, a in row if vector[n]), integers.zero) for row in K]
        scale = scale * denominator
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def negative_at(field: Field, A: Rows, b: Row, r: Element) -> Negative | None:
    """A negative entry of P(r) or d(r), which refutes r <= R; None certifies it.

    Args:
        field, A, b: an explicit method with numbers as entries.
        r: the value claimed, a nonnegative number of the field.
    """
    P, d = resolvent(field, A, b, r)
    for place in places(len(b)):
        i, j = place
        value = d[i] if j < 0 else P[i][j]
        if value and field.sign(value) < 0:
            return Negative(place, value)
    return None


def immediate_failure(field: Field, A: Rows, b: Row) -> Place | None:
    """An entry of P that is negative for all small r > 0, so that R = 0; None if R > 0.

    It is a negative entry of K, or an entry that K lacks and K**2 has.
    """
    K = (*A, b)
    below = [(i, j) for i, j in places(len(b)) if j >= 0]
    for i, j in below:
        if K[i][j] and field.sign(K[i][j]) < 0:
            return Place(i, j)
    for i, j in below:  # all entries are nonnegative here, so nothing cancels in K**2
        if not K[i][j] and any(K[i][k] and K[k][j] for k in range(j + 1, i)):
            return Place(i, j)
    return None


def ssp_coefficient(field: Field, A: Rows, b: Row) -> Crossing[Place] | None:
    """R with the entry that limits it, exactly; None where there is no limit (b = 0, nothing is ever negative).

    Args:
        field: the field of the entries, without parameters.
        A: m rows of m entries, strictly lower triangular.  For the SSP coefficient of the method, not of the table, the
            unused and equal stages must have been removed (`forms.reduce`).
        b: m weights.

    Raises TooLarge, with proven bounds of R, where the number itself would take too much work.

    Reference: Kraaijevanger 1991, BIT 31, 482-528; Ferracina & Spijker 2004; Higueras 2005.
    """
    if not any(b):
        return None
    failure = immediate_failure(field, A, b)
    if failure is not None:
        return Crossing(failure, entry_polynomial(field, A, b, failure), Root.rational(0))
    guess = radius_guess(field, A, b)
    simple = guess.limit_denominator(1000)
    try:
        found = simple_zero(field, A, b, simple) if simple > 0 else None
    except TooLarge as limit:
        raise TooLarge(Fraction(0), bound(field, b)) from limit
    if found is not None:
        return Crossing(found, entry_polynomial(field, A, b, found), Root.rational(simple))
    low, high = bracket(field, A, b, guess)
    return _among(field, A, b, low, high)


def _among(field: Field, A: Rows, b: Row, low: Fraction, high: Fraction) -> Crossing[Place] | None:
    """R between proven bounds, from the polynomials of the few entries that may change sign there."""
    try:
        left = suspects(field, A, b, low, high)
        if len(left) > FEW:  # the first one tells where R is, and the others are positive near there
            try:
                first = isolated_odd_root(entry_polynomial(field, A, b, left[0]), field)
            except TooLarge as limit:  # its bounds are of a root of this entry, which R need not be
                raise TooLarge from limit
            if first is not None:
                simple = first.simple()
                exact = None if simple is None else simple_zero(field, A, b, simple)
                if simple is not None and exact is not None:  # many entries may vanish there, as in a chain
                    return Crossing(exact, entry_polynomial(field, A, b, exact), Root.rational(simple))
                low, high = tightened(field, A, b, low, high, first)
                left = suspects(field, A, b, low, high)
        return first_crossing(_conditions(field, A, b, left), field)
    except TooLarge as limit:
        ends = [end for end in (high, limit.high) if end is not None]
        raise TooLarge(max(low, limit.low or low), min(ends)) from limit


def _conditions(field: Field, A: Rows, b: Row, chosen: list[Place]) -> list[tuple[Place, Coefficients]]:
    return [(place, entry_polynomial(field, A, b, place)) for place in chosen]
