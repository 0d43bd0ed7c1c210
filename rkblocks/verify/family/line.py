"""The line of one parameter t, cut where a coefficient of the method may change its formula.

Both C and rho are roots in r of polynomials whose coefficients are rational functions of t.  The domain is cut at the
roots of leading and lowest coefficients, of discriminants and of pairwise resultants of their irreducible factors
(McCallum 1988; Brown 2001), and where two stages become equal.  Between two cuts the factors' roots in r keep their
number and order, so that the coefficient is a root of one and the same factor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from sympy import Poly, Symbol
from sympy.polys.domains import QQ

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root
from rkblocks.exact.work import TooLarge
from rkblocks.forms import Method
from rkblocks.tableau import Parameter
from rkblocks.verify.family import cells

R = Symbol("_r")  # no parameter of a file can have this name
MOST_STAGES = 6
MOST_FACTORS = 24
MOST_DEGREE = 40
"""Bounds on the irreducible factors and on the degree of any projection, which grows like the product of theirs."""


@dataclass(frozen=True)
class Interval:
    """An interval of the parameter, None for no end, or one point (``low == high``, both closed)."""

    low: Root | None
    high: Root | None
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True)
class Line:
    """The cuts of the domain, its ends (None for no bound) among the ``marks``, and the irreducible factors in r."""

    basis: Sequence[Poly]
    marks: Sequence[Root | None]

    def steps(self) -> Iterator[tuple[Root | None, Root | None]]:
        """Yield the ends of the open intervals from left to right, and between two of them their cut twice."""
        for number, (left, right) in enumerate(pairwise(self.marks)):
            if number:
                yield left, left
            yield left, right


def line_of(method: Method, parameter: Parameter, polynomials: Callable[[], Iterable[Poly]]) -> Line:
    """The line of the one parameter on which a reduced method depends, cut for polynomials in r and t.

    Raises TooLarge, with the reason, where the method has too many stages, or the polynomials too high a degree, for
    this to be practical, or beyond the budget.
    """
    if len(method.b) > MOST_STAGES:
        raise TooLarge(reason=f"has {len(method.b)} stages; a formula is sought for up to {MOST_STAGES}")
    name = parameter.name
    found = [*polynomials(), *equal_rows(method, name)]
    everything = cells.factors(Poly(p.as_expr(), R, Symbol(name), domain=QQ) for p in found)
    basis = [p for p in everything if p.degree(R) > 0]
    still = [Poly(p.as_expr(), Symbol(name), domain=QQ) for p in everything if p.degree(R) == 0]
    limited(basis, name)
    low, high = cells.bounds(method.field, [parameter])[name]
    return Line(basis, [low, *cells.inner_roots([*still, *projection(basis, name)], low, high), high])


def equal_rows(method: Method, name: str) -> list[Poly]:
    """For each pair of stages a polynomial that vanishes where they become equal, so that the method reduces there."""
    found = []
    for left, right in combinations(method.A, 2):
        common = None
        for difference in (x - y for x, y in zip(left, right, strict=True) if x - y):
            poly = cells.integer_polynomial(method.field, difference.numer, [name])
            common = poly if common is None else common.gcd(poly)
        if common is not None and common.degree() > 0:
            found.append(common)
    return found


def cleared(field: Field, coefficients: Sequence[Element], name: str) -> list[Poly]:
    """What vanishes where a polynomial in r with these coefficients, the constant one first, does or has a pole."""
    common = field.domain.field.to_ring().one
    for c in coefficients:
        common = common.lcm(c.denom)
    numerators = [c.numer * common.exquo(c.denom) for c in coefficients]
    return [cells.integer_polynomial(field, common, [name]), bivariate(field, numerators, name)]


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


def vanishes(poly: Poly, root: Root) -> bool:
    """Whether a rational polynomial in r vanishes at the number."""
    if poly.is_zero:
        return False
    minimal = Poly(list(reversed(root.polynomial)), R, domain=QQ)
    return bool(poly.rem(minimal).is_zero)
