"""The least value of a rational function of one parameter on its domain, exactly: Lemma 3's growth over a family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cmp_to_key

from sympy import Poly, Symbol
from sympy.polys.domains import QQ

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root
from rkblocks.exact.work import TooLarge
from rkblocks.forms import Method, Row
from rkblocks.tableau import Parameter
from rkblocks.verify.family import cells
from rkblocks.verify.family.line import equal_rows
from rkblocks.verify.family.pieces import is_zero_at
from rkblocks.verify.variance import variance_growth

MOST_DEGREE = 40


@dataclass(frozen=True)
class Minimum:
    """The infimum ``value``, taken ``at`` a point of the closed domain (None: as the parameter grows without bound).

    ``inside`` says whether the point lies in the open domain, where training can reach it; ``taken`` is False where
    stages coincide there, so that the member itself has another value and this one is only approached.
    """

    value: Root
    at: Root | None
    inside: bool
    taken: bool = True


def least_growth(
    field: Field, growth: Element, effective: Sequence[Parameter], method: Method | None = None
) -> Minimum:
    """The least growth over the closure of the domain.

    The growth has no pole inside the domain; it is compared exactly at the zeros of its derivative, at the ends, and
    where stages of the ``method`` (A, b) coincide: the growth of the reduced method is another one there.

    Raises TooLarge, with the reason, where that is not sought.
    """
    degree = max(growth.numer.degree(), growth.denom.degree()) if len(effective) == 1 else 0
    if len(effective) != 1:
        raise TooLarge(reason=f"depends on {len(effective)} parameters; the least growth is sought in one")
    if field.roots:
        raise TooLarge(reason="has square roots; the least growth is sought among rational functions")
    if degree > MOST_DEGREE:
        raise TooLarge(reason=f"is a quotient of degree {degree}; the least growth is sought up to {MOST_DEGREE}")
    name = effective[0].name
    t = Symbol(name)
    above, below = (Poly(part.as_expr(), t, domain=QQ) for part in (growth.numer, growth.denom))
    low, high = cells.bounds(field, effective)[name]
    slope = above.diff(t) * below - above * below.diff(t)
    candidates = [Minimum(_value(above, below, r), r, True) for r in cells.inner_roots([slope], low, high)]
    for end in (low, high):
        if end is None:
            if above.degree() <= below.degree():
                limit = above.LC() / below.LC() if above.degree() == below.degree() else 0
                candidates.append(Minimum(Root.rational(Fraction(str(limit))), None, False))
        elif not below.rem(_minimal(end, t)).is_zero:
            candidates.append(Minimum(_value(above, below, end), end, False))
    if method is not None:
        meeting = cells.inner_roots(equal_rows(method, name), low, high)
        places = {*meeting, *(c.at for c in candidates if c.at is not None)}
        for at in places:
            less = merged(method, at)
            if len(less.b) < len(method.b):
                inside = (low is None or at.compare(low) > 0) and (high is None or at.compare(high) < 0)
                candidates = [replace(c, taken=False) if c.at == at else c for c in candidates]
                reduced = variance_growth(less).growth
                over, under = (Poly(part.as_expr(), t, domain=QQ) for part in (reduced.numer, reduced.denom))
                if not under.rem(_minimal(at, t)).is_zero:
                    candidates.append(Minimum(_value(over, under, at), at, inside))
    if not candidates:
        raise TooLarge(reason="takes no least value, nor tends to one at an end of the domain")
    return min(candidates, key=cmp_to_key(_lower))


def merged(method: Method, at: Root) -> Method:
    """The method with those stages merged that are equal where its one parameter is ``at``, one after the other."""
    A, b = method.A, method.b
    for j in range(len(b)):
        for i in range(j):
            if all(not x - y or is_zero_at(x - y, at) for x, y in zip(A[i], A[j], strict=True)):
                rows = [_joined(row, i, j) for k, row in enumerate(A) if k != j]
                return merged(Method(method.field, tuple(rows), _joined(b, i, j)), at)
    return method


def _joined(row: Row, i: int, j: int) -> Row:
    """The row with the weight of stage j given to stage i."""
    return tuple(x + row[j] if k == i else x for k, x in enumerate(row) if k != j)


def _lower(left: Minimum, right: Minimum) -> int:
    return left.value.compare(right.value) or right.taken - left.taken


def _minimal(root: Root, t: Symbol) -> Poly:
    return Poly(list(reversed(root.polynomial)), t, domain=QQ)


def _value(above: Poly, below: Poly, at: Root) -> Root:
    """above/below at an algebraic number: a root of a resultant, found by shrinking the interval of the argument."""
    if at.fraction is not None:
        x = QQ(at.fraction.numerator, at.fraction.denominator)
        value = above.rep.eval(x) / below.rep.eval(x)
        return Root.rational(Fraction(int(QQ.numer(value)), int(QQ.denom(value))))
    t, v = above.gen, Symbol("_v")
    norm = Poly(_minimal(at, t).as_expr(), t, v).resultant(Poly(above.as_expr() - v * below.as_expr(), t, v))
    roots = cells.real_roots(Poly(norm.as_expr(), v, domain=QQ))
    bits = 32
    while True:  # ends: the enclosure shrinks to one of the roots
        tight = at.refine(bits)
        low, high = _enclose(above, below, tight.low, tight.high)
        left = [r for r in roots if r.compare(low) >= 0 and r.compare(high) <= 0]
        if len(left) == 1:
            return left[0]
        bits *= 2


def _enclose(above: Poly, below: Poly, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """Bounds of above/below on an interval so small that the denominator keeps its sign."""

    def bounds(poly: Poly) -> tuple[Fraction, Fraction]:
        least = most = Fraction(0)
        for c in poly.rep.to_list():
            products = [x * y for x in (least, most) for y in (low, high)]
            value = Fraction(int(QQ.numer(c)), int(QQ.denom(c)))
            least, most = min(products) + value, max(products) + value
        return least, most

    top, bottom = bounds(above), bounds(below)
    if bottom[0] <= 0 <= bottom[1]:
        return Fraction(-(10**30)), Fraction(10**30)
    quotients = [x / y for x in top for y in bottom]
    return min(quotients), max(quotients)
