"""The SSP coefficient of a family with one effective parameter, as an exact piecewise function on its domain.

The entries of P(r) and d(r) are polynomials in r whose coefficients are rational functions of the parameter t.  The
domain is cut where their shape may change: at the roots of leading and lowest coefficients, of discriminants and of
pairwise resultants of their irreducible factors (McCallum 1988; Brown 2001).  Between two cuts the factors' roots in r
keep their number and order, so that R(t) is a root of one and the same factor; which one is found exactly at a rational
sample.  At every rational cut R is computed anew, which decides to which side the point belongs; an irrational cut
belongs to a side whose limiting entry provably changes sign there, or to none.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

from sympy import Poly, Symbol
from sympy.polys.domains import QQ

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root
from rkblocks.exact.work import TooLarge
from rkblocks.forms import Row, Rows, reduce
from rkblocks.tableau import Parameter
from rkblocks.verify.family import cells
from rkblocks.verify.family.pieces import Case, Family, Piece, R, element, merge
from rkblocks.verify.radius import entry_polynomial, places, ssp_coefficient

MOST_STAGES = 6
MOST_FACTORS = 24
MOST_DEGREE = 40
"""Bounds on the irreducible factors and on the degree of any projection, which grows like the product of theirs."""


def ssp_cases(field: Field, A: Rows, b: Row, parameter: Parameter) -> tuple[Case, ...]:
    """R as a piecewise function of the one parameter on which the reduced method (A, b) depends.

    Raises TooLarge, with the reason, where the method has too many stages, or
    entries of too high degree, for this to be practical, or beyond the budget.
    """
    if len(b) > MOST_STAGES:
        raise TooLarge(reason=f"has {len(b)} stages; a formula is sought for up to {MOST_STAGES}")
    name = parameter.name
    basis, lines = _factors(field, A, b, name)
    limited(basis, name)
    low, high = cells.bounds(field, [parameter])[name]
    cuts = cells.inner_roots([*lines, *projection(basis, name)], low, high)
    marks = [low, *cuts, high]
    pieces: list[tuple[Root | None, Root | None, Piece]] = []
    for k, (left, right) in enumerate(pairwise(marks)):
        if k and left is not None:
            pieces.append((left, left, _at_cut(field, A, b, name, left, basis)))
        sample = cells.between(left, right)
        pieces.append((left, right, _at(field, A, b, name, sample, basis)))
    return merge(Family(field, A, b, name), pieces)


def _factors(field: Field, A: Rows, b: Row, name: str) -> tuple[list[Poly], list[Poly]]:
    """Irreducible factors over the rationals of the entries as polynomials in r and t; those without r come second."""
    found = []
    for place in places(len(b)):
        coefficients = entry_polynomial(field, A, b, place)
        if coefficients:
            common = field.domain.field.to_ring().one
            for c in coefficients:
                common = common.lcm(c.denom)
            found.append(cells.integer_polynomial(field, common, [name]))
            rows = [c.numer * common.exquo(c.denom) for c in coefficients]
            found.append(bivariate(field, rows, name))
    found += equal_rows(field, A, name)
    everything = cells.factors(Poly(p.as_expr(), R, Symbol(name), domain=QQ) for p in found)
    moving = [p for p in everything if p.degree(R) > 0]
    still = [Poly(p.as_expr(), Symbol(name), domain=QQ) for p in everything if p.degree(R) == 0]
    return moving, still


def equal_rows(field: Field, A: Rows, name: str) -> list[Poly]:
    """For each pair of stages a polynomial that vanishes where they become equal, so that the method reduces there."""
    found = []
    for left, right in combinations(A, 2):
        common = None
        for difference in (x - y for x, y in zip(left, right, strict=True) if x - y):
            poly = cells.integer_polynomial(field, difference.numer, [name])
            common = poly if common is None else common.gcd(poly)
        if common is not None and common.degree() > 0:
            found.append(common)
    return found


def bivariate(field: Field, rows: Sequence[Any], name: str) -> Poly:
    """A rational polynomial in r and the parameter that vanishes where the one with these coefficients of r does.

    It is put together from the terms: sympy reads square roots back from an expression by a search in floats, which
    fails beside numbers of 30 digits.
    """
    at = field.parameters.index(name)
    terms = {(k, monomial[at]): c for k, row in enumerate(rows) for monomial, c in row.terms()}
    poly = Poly.from_dict(terms, R, Symbol(name), domain=field.ground)
    return poly.norm() if field.roots else poly


def projected_degree(basis: Sequence[Poly], name: str) -> int:
    """The largest degree in the parameter of a resultant of two factors, or of a factor and its derivative."""
    sizes = [(p.degree(R), p.degree(Symbol(name))) for p in basis]
    pairs = [r * t2 + r2 * t for (r, t), (r2, t2) in combinations(sizes, 2)]
    return max([*pairs, *((2 * r - 1) * t for r, t in sizes)], default=0)


def limited(basis: Sequence[Poly], name: str) -> None:
    """Raise TooLarge where the resultants of these factors would be too many, or of too high degree."""
    degree = projected_degree(basis, name)
    if len(basis) > MOST_FACTORS or degree > MOST_DEGREE:
        raise TooLarge(
            reason=f"leads to {len(basis)} polynomials with resultants of degree {degree}; a formula is sought for up "
            f"to {MOST_FACTORS}, of degree {MOST_DEGREE}"
        )


def projection(basis: Sequence[Poly], name: str) -> list[Poly]:
    t = Symbol(name)
    found = []
    for p in basis:
        ordered = p.as_expr()
        in_r = Poly(ordered, R)
        found += [in_r.LC(), in_r.nth(0)]
        if p.degree(R) > 1:
            found.append(cells.eliminated(p))
    found += [cells.eliminated(p, q) for p, q in combinations(basis, 2)]
    return [Poly(e, t, domain=QQ) for e in found]


def _at(field: Field, A: Rows, b: Row, name: str, at: Fraction, basis: Sequence[Poly]) -> Piece:
    """R at a rational value of the parameter, and the factor of which it is a root there."""
    numbers = field.constants

    def row(entries: Row) -> Row:
        return tuple(field.substitute(e, dict.fromkeys(field.parameters, at)) for e in entries)

    member = reduce(numbers, tuple(map(row, A)), row(b))
    crossing = ssp_coefficient(numbers, member.A, member.b)
    if crossing is None:
        return Piece(None, None, None, at)
    root, place = crossing.root, crossing.entry if len(member.b) == len(b) else None
    if root.fraction == 0:
        return Piece(None, field.zero, root, at, place)
    t = Symbol(name)
    for factor in basis:
        if vanishes(Poly(factor.as_expr().subs(t, QQ.to_sympy(QQ(at.numerator, at.denominator))), R, domain=QQ), root):
            return Piece(factor, _solved(field, factor, name), root, at, place)
    return Piece(None, field.rational(root.fraction) if root.fraction is not None else None, root, at)


def _at_cut(field: Field, A: Rows, b: Row, name: str, cut: Root, basis: Sequence[Poly]) -> Piece:
    if cut.fraction is None:
        return Piece(None, None, None, None)
    return _at(field, A, b, name, cut.fraction, basis)


def vanishes(poly: Poly, root: Root) -> bool:
    """Whether a rational polynomial in r vanishes at the number."""
    if poly.is_zero:
        return False
    minimal = Poly(list(reversed(root.polynomial)), R, domain=QQ)
    return bool(poly.rem(minimal).is_zero)


def _solved(field: Field, factor: Poly, name: str) -> Element | None:
    """The root in r of a factor that is linear in r, as a field element (also where r occurs alone)."""
    if factor.degree(R) != 1:
        return None
    in_r = Poly(factor.as_expr(), R)
    return element(field, -in_r.nth(0)) / element(field, in_r.nth(1))
