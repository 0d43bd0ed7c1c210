"""Sample points of every cell into which polynomials divide the domain of the parameters.

An inequality between rational functions holds on an open domain exactly if it holds on a dense open part of it; so one
rational point in every full-dimensional cell decides it, and gives an exact counterexample where it fails.  The cells
come from the open cylindrical algebraic decomposition (Strzebonski 2000, J. Symb. Comput. 29, 471-480): leading
coefficients, discriminants and pairwise resultants of the irreducible factors, one variable after the other.

What sympy computes is charged to the budget in force before it starts, from degrees and lengths alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cmp_to_key
from itertools import combinations, pairwise
from math import ceil, floor, gcd, lcm, prod
from typing import Any

from sympy import Poly, Symbol
from sympy.polys.domains import QQ

from rkblocks.exact.field import Element, Field
from rkblocks.exact.integers import FACTORING
from rkblocks.exact.roots import Root, all_roots, real
from rkblocks.exact.work import spend
from rkblocks.tableau import Parameter

CLOSE = 48
"""Bits to which roots are refined before they are compared."""
PRIME = 25
"""A step for so many cubes of a bit: factors in several variables are lifted modulo a prime longer than they are."""
ELIMINATING = 200
"""Steps of a resultant for each unit of the square of both degrees, times the degree of the result."""
Bounds = Mapping[str, tuple[Root | None, Root | None]]
"""Open interval of every variable, None for no bound."""


def bounds(field: Field, parameters: Iterable[Parameter]) -> dict[str, tuple[Root | None, Root | None]]:
    """The domains of the parameters as real algebraic numbers."""

    def root(value: Element | None) -> Root | None:
        return None if value is None else real(field.constants, value)

    return {p.name: (root(p.low), root(p.high)) for p in parameters}


def integer_polynomial(field: Field, numerator: Any, names: Sequence[str]) -> Poly:
    """A polynomial over the rationals, in the given variables, that vanishes wherever the numerator does.

    The numerator is a sympy PolyElement in the field's parameters; beside square roots the norm is taken.
    """
    at = [field.parameters.index(name) for name in names]
    terms = {tuple(monomial[i] for i in at): c for monomial, c in numerator.terms()}
    poly = Poly.from_dict(terms, *map(Symbol, names), domain=field.ground)
    return poly.norm().set_domain(QQ) if field.roots else poly


def factors(polys: Iterable[Poly]) -> list[Poly]:
    """The distinct irreducible factors over the rationals of positive degree."""
    found: dict[Poly, None] = {}
    for poly in polys:
        if not poly.is_zero and not poly.is_ground:
            long = bits(poly)
            spend(FACTORING * prod(d + 1 for d in poly.degree_list()) ** 3, long)
            spend(long**3 // PRIME if len(poly.gens) > 1 else 0)
            for factor, _ in poly.factor_list()[1]:
                found[factor.set_domain(QQ).monic()] = None
    return list(found)


def bits(poly: Poly) -> int:
    """The bits of the longest numerator or denominator of a polynomial over the rationals; 0 over another field."""
    if not poly.domain.is_QQ:
        return 0
    return max((int(part).bit_length() for c in poly.rep.coeffs() for part in (QQ.numer(c), QQ.denom(c))), default=0)


def eliminated(p: Poly, q: Poly | None = None) -> Any:
    """The resultant of two polynomials in their first variable as an expression, or the discriminant of one."""
    other = p.diff() if q is None else q
    left, right = p.degree_list(), other.degree_list()
    rest = max((left[0] * t + right[0] * s for s, t in zip(left[1:], right[1:], strict=True)), default=0)
    steps = ELIMINATING * (left[0] + right[0]) ** 2 * (rest + 1) ** (len(left) - 1)
    spend(steps, left[0] * bits(other) + right[0] * bits(p))
    return (p.discriminant() if q is None else p.resultant(q)).as_expr()


def real_roots(poly: Poly) -> list[Root]:
    """All real roots of a polynomial in one variable over the rationals, ascending, each once."""
    return roots_of_factors(factors([poly]))


def roots_of_factors(irreducible: Iterable[Poly]) -> list[Root]:
    """All real roots of distinct irreducible polynomials in one variable, ascending."""
    found: dict[tuple[int, ...], None] = {}
    for factor in irreducible:
        coefficients = [Fraction(int(QQ.numer(c)), int(QQ.denom(c))) for c in factor.rep.to_list()]
        common = lcm(*(c.denominator for c in coefficients))
        dense = [int(c * common) for c in coefficients]
        content = gcd(*dense)
        found[tuple(c // content for c in reversed(dense))] = None
    return ascending(r for p in found for r in all_roots(p))


def ascending(roots: Iterable[Root]) -> list[Root]:
    """Different numbers in ascending order, each refined once; exact comparison where that does not tell them apart."""

    def order(left: Root, right: Root) -> int:
        if left.high < right.low or right.high < left.low:
            return -1 if left.high < right.low else 1
        return left.compare(right)

    return sorted((r.refine(CLOSE) for r in roots), key=cmp_to_key(order))


def simplest_between(low: Fraction | None, high: Fraction | None) -> Fraction:
    """The fraction with the least denominator strictly between two bounds, None for no bound."""
    if low is None or high is None:
        if low is not None:
            return Fraction(floor(low) + 1)
        return Fraction(ceil(high) - 1) if high is not None else Fraction(0)
    whole = floor(low)
    if whole + 1 < high:
        return Fraction(whole + 1) if not low < 0 < high else Fraction(0)
    rest, limit = low - whole, high - whole  # 0 <= rest < limit <= 1
    if not rest:
        return whole + Fraction(1, floor(1 / limit) + 1)
    return whole + 1 / simplest_between(1 / limit, 1 / rest)


def between(left: Root | None, right: Root | None) -> Fraction:
    """A simple fraction strictly between two different numbers."""
    bits = 4
    while True:
        low = None if left is None else left.refine(bits).high
        high = None if right is None else right.refine(bits).low
        if low is None or high is None or low < high:
            return simplest_between(low, high)
        bits *= 2


def inner_roots(polys: Iterable[Poly], low: Root | None, high: Root | None) -> list[Root]:
    """The real roots of polynomials in one variable inside an open interval, ascending, each once."""
    found = roots_of_factors(factors(polys))
    return [r for r in found if (low is None or r.compare(low) > 0) and (high is None or r.compare(high) < 0)]


def points(polys: Sequence[Poly], names: Sequence[str], domain: Bounds) -> Iterator[dict[str, Fraction]]:
    """Yield a rational point of every full-dimensional cell, inside the domain, of the polynomials' decomposition.

    Args:
        polys: polynomials over the rationals in the variables ``names`` (in this order).
    """
    if not names:
        yield {}
        return
    *rest, last = names
    low, high = domain[last]
    if not rest:
        marks = [low, *inner_roots(polys, low, high), high]
        for left, right in pairwise(marks):
            yield {last: between(left, right)}
        return
    symbol = Symbol(last)
    ends = [Poly(list(reversed(end.polynomial)), symbol, domain=QQ) for end in (low, high) if end is not None]
    basis = factors([*polys, *ends])
    for base in points(_project(basis, symbol, rest), rest, domain):
        values = {Symbol(name): QQ(value.numerator, value.denominator) for name, value in base.items()}
        lines = [Poly(p.as_expr().subs(values), symbol, domain=QQ) for p in basis]
        for point in points(lines, [last], domain):
            yield base | point


def _project(basis: Sequence[Poly], symbol: Symbol, rest: Sequence[str]) -> list[Poly]:
    """Polynomials in the other variables over whose cells the roots in ``symbol`` of the basis keep their order."""
    others = [Symbol(name) for name in rest]
    ordered = [Poly(p.as_expr(), symbol, *others, domain=QQ) for p in basis]
    moving = [p for p in ordered if p.degree(symbol) > 0]
    found = [p.as_expr() for p in ordered if p.degree(symbol) == 0]
    for p in moving:
        found.append(p.as_poly(symbol).LC())
        if p.degree(symbol) > 1:
            found.append(eliminated(p))
    found += [eliminated(p, q) for p, q in combinations(moving, 2)]
    return [Poly(e, *others, domain=QQ) for e in found]
