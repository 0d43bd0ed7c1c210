"""The SSP coefficient of a family with one effective parameter, as an exact piecewise function on its domain.

The entries of P(r) and d(r) are polynomials in r whose coefficients are rational functions of the parameter t, and the
line of t is cut for them (`line`).  Of which factor R(t) is a root between two cuts is found exactly at a rational
sample.  At every rational cut R is computed anew, which decides to which side the point belongs; an irrational cut
belongs to a side whose limiting entry provably changes sign there, or to none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from sympy import Poly, Symbol
from sympy.polys.domains import QQ

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root
from rkblocks.forms import Method
from rkblocks.tableau import Parameter
from rkblocks.verify.family import cells
from rkblocks.verify.family.line import R, cleared, line_of, vanishes
from rkblocks.verify.family.pieces import Case, Family, Piece, element, merge
from rkblocks.verify.radius import entry_polynomial, places, ssp_coefficient


def ssp_cases(method: Method, parameter: Parameter) -> tuple[Case, ...]:
    """R as a piecewise function of the one parameter on which the reduced method depends.

    Raises TooLarge as `line_of` does.
    """
    field, name = method.field, parameter.name

    def polynomials() -> Iterator[Poly]:
        for place in places(len(method.b)):
            coefficients = entry_polynomial(method, place)
            if coefficients:
                yield from cleared(field, coefficients, name)

    line = line_of(method, parameter, polynomials)
    pieces: list[tuple[Root | None, Root | None, Piece]] = []
    for left, right in line.steps():
        cut = left is not None and left is right
        at = left.fraction if cut and left is not None else cells.between(left, right)
        pieces.append((left, right, Piece() if at is None else _at(method, name, at, line.basis)))
    return merge(Family(field, method.A, method.b, name), pieces)


def _at(method: Method, name: str, at: Fraction, basis: Sequence[Poly]) -> Piece:
    """R at a rational value of the parameter, and the factor of which it is a root there."""
    field = method.field
    member = method.member(dict.fromkeys(field.parameters, at))
    crossing = ssp_coefficient(member)
    if crossing is None:
        return Piece(at=at)
    root, place = crossing.root, crossing.entry if len(member.b) == len(method.b) else None
    if root.fraction == 0:
        return Piece(None, field.zero, root, at, place)
    t = Symbol(name)
    for factor in basis:
        if vanishes(Poly(factor.as_expr().subs(t, QQ.to_sympy(QQ(at.numerator, at.denominator))), R, domain=QQ), root):
            return Piece(factor, _solved(field, factor, name), root, at, place)
    return Piece(None, field.rational(root.fraction) if root.fraction is not None else None, root, at)


def _solved(field: Field, factor: Poly, name: str) -> Element | None:
    """The root in r of a factor that is linear in r, as a field element (also where r occurs alone)."""
    if factor.degree(R) != 1:
        return None
    in_r = Poly(factor.as_expr(), R)
    return element(field, -in_r.nth(0)) / element(field, in_r.nth(1))
