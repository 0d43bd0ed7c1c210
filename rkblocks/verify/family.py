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
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

from sympy import Poly, Symbol
from sympy.polys.domains import QQ

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root
from rkblocks.forms import Row, Rows, reduce
from rkblocks.tableau import Parameter
from rkblocks.verify import cells
from rkblocks.verify.monotonicity import entry_polynomial, place_of, ssp_coefficient
from rkblocks.verify.resolvent import Place, places

MOST_STAGES = 6
MOST_FACTORS = 24
MOST_DEGREE = 40
"""Bounds on the irreducible factors and on the degree of any projection, which grows like the product of theirs."""
_R = Symbol("_r")  # no parameter of a file can have this name


@dataclass(frozen=True)
class Case:
    """R on one interval of the parameter, or at one point (``low == high``, both closed).

    R is ``value`` (a field element: an expression in the parameter) or, where that is None, the root in r of
    ``polynomial`` (field elements, constant term first) that is ``sample[1]`` at the parameter value ``sample[0]``.
    """

    low: Root | None
    high: Root | None
    low_closed: bool
    high_closed: bool
    value: Element | None
    polynomial: tuple[Element, ...]
    sample: tuple[Fraction, Root] | None


@dataclass(frozen=True)
class _Piece:
    """R on an open cell or at a cut: the same root of the same factor."""

    factor: Poly | None
    value: Element | None
    root: Root | None
    at: Fraction | None
    place: Place | None = None


def ssp_cases(field: Field, A: Rows, b: Row, parameter: Parameter) -> tuple[Case, ...] | None:
    """R as a piecewise function of the one parameter on which the reduced method (A, b) depends.

    None where the method has too many stages, or entries of too high degree, for this to be practical.
    """
    if len(b) > MOST_STAGES:
        return None
    name = parameter.name
    basis, lines = _factors(field, A, b, name)
    if len(basis) > MOST_FACTORS or _projected_degree(basis, name) > MOST_DEGREE:
        return None
    low, high = cells.bounds(field, [parameter])[name]
    cuts = cells.inner_roots([*lines, *_projection(basis, name)], low, high)
    marks = [low, *cuts, high]
    pieces: list[tuple[Root | None, Root | None, _Piece]] = []
    for k, (left, right) in enumerate(pairwise(marks)):
        if k and left is not None:
            pieces.append((left, left, _at_cut(field, A, b, name, left, basis)))
        sample = cells.between(left, right)
        pieces.append((left, right, _at(field, A, b, name, sample, basis)))
    return _merge(_Family(field, A, b, name), pieces)


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
            found.append(_bivariate(field, rows, name))
    everything = cells.factors(Poly(p.as_expr(), _R, Symbol(name), domain=QQ) for p in found)
    moving = [p for p in everything if p.degree(_R) > 0]
    still = [Poly(p.as_expr(), Symbol(name), domain=QQ) for p in everything if p.degree(_R) == 0]
    return moving, still


def _bivariate(field: Field, rows: Sequence[Any], name: str) -> Poly:
    expression = sum(row.as_expr() * _R**k for k, row in enumerate(rows))
    poly = Poly(expression, _R, Symbol(name), domain=field.ground)
    return poly.norm() if field.roots else poly


def _projected_degree(basis: Sequence[Poly], name: str) -> int:
    """The largest degree in the parameter of a resultant of two factors, or of a factor and its derivative."""
    sizes = [(p.degree(_R), p.degree(Symbol(name))) for p in basis]
    pairs = [r * t2 + r2 * t for (r, t), (r2, t2) in combinations(sizes, 2)]
    return max([*pairs, *((2 * r - 1) * t for r, t in sizes)], default=0)


def _projection(basis: Sequence[Poly], name: str) -> list[Poly]:
    t = Symbol(name)
    found = []
    for p in basis:
        ordered = p.as_expr()
        in_r = Poly(ordered, _R)
        found += [in_r.LC(), in_r.nth(0)]
        if p.degree(_R) > 1:
            found.append(p.discriminant().as_expr())
    found += [p.resultant(q).as_expr() for p, q in combinations(basis, 2)]
    return [Poly(e, t, domain=QQ) for e in found]


def _at(field: Field, A: Rows, b: Row, name: str, at: Fraction, basis: Sequence[Poly]) -> _Piece:
    """R at a rational value of the parameter, and the factor of which it is a root there."""
    numbers = field.constants

    def row(entries: Row) -> Row:
        return tuple(field.substitute(e, dict.fromkeys(field.parameters, at)) for e in entries)

    member = reduce(numbers, tuple(map(row, A)), row(b))
    crossing = ssp_coefficient(numbers, member.A, member.b)
    if crossing is None:
        return _Piece(None, None, None, at)
    root, place = crossing.root, place_of(crossing.entry) if len(member.b) == len(b) else None
    if root.fraction == 0:
        return _Piece(None, field.zero, root, at, place)
    t = Symbol(name)
    for factor in basis:
        if _vanishes(
            Poly(factor.as_expr().subs(t, QQ.to_sympy(QQ(at.numerator, at.denominator))), _R, domain=QQ), root
        ):
            return _Piece(factor, _solved(field, factor, name), root, at, place)
    return _Piece(None, field.rational(root.fraction) if root.fraction is not None else None, root, at)


def _at_cut(field: Field, A: Rows, b: Row, name: str, cut: Root, basis: Sequence[Poly]) -> _Piece:
    if cut.fraction is None:
        return _Piece(None, None, None, None)
    return _at(field, A, b, name, cut.fraction, basis)


def _vanishes(poly: Poly, root: Root) -> bool:
    """Whether a rational polynomial in r vanishes at the number."""
    if poly.is_zero:
        return False
    minimal = Poly(list(reversed(root.polynomial)), _R, domain=QQ)
    return bool(poly.rem(minimal).is_zero)


def _solved(field: Field, factor: Poly, name: str) -> Element | None:
    """The root in r of a factor that is linear in r, as a field element (also where r occurs alone)."""
    if factor.degree(_R) != 1:
        return None
    in_r = Poly(factor.as_expr(), _R)
    return _element(field, -in_r.nth(0)) / _element(field, in_r.nth(1))


def _element(field: Field, expression: Any) -> Element:
    return field.domain.from_sympy(expression)


@dataclass(frozen=True)
class _Family:
    field: Field
    A: Rows
    b: Row
    name: str


def _merge(family: _Family, pieces: Sequence[tuple[Root | None, Root | None, _Piece]]) -> tuple[Case, ...]:
    """Join neighbours with the same R; a cut goes to the side whose formula gives R there, the later one first."""
    field = family.field
    cases: list[Case] = []
    for k in range(0, len(pieces), 2):
        low, high, piece = pieces[k]
        case = _case(field, low, high, piece)
        if k:
            cut, _, at_cut = pieces[k - 1]
            assert cut is not None
            before = pieces[k - 2][2]
            fits_left = _continues(family, cases[-1], before, cut, at_cut)
            fits_right = _continues(family, case, piece, cut, at_cut)
            if fits_left and fits_right and _same(cases[-1], case):
                last = cases.pop()
                case = Case(last.low, high, last.low_closed, False, case.value, case.polynomial, case.sample)
            elif fits_right and not (fits_left and case.value == field.zero):
                case = Case(low, high, True, False, case.value, case.polynomial, case.sample)
            elif fits_left:
                last = cases.pop()
                cases.append(Case(last.low, cut, last.low_closed, True, last.value, last.polynomial, last.sample))
            elif at_cut.root is not None:
                alone = _case(field, cut, cut, at_cut)
                cases.append(Case(cut, cut, True, True, _number(field, at_cut), alone.polynomial, alone.sample))
        cases.append(case)
    return tuple(cases)


def _case(field: Field, low: Root | None, high: Root | None, piece: _Piece) -> Case:
    polynomial: tuple[Element, ...] = ()
    if piece.factor is not None:
        in_r = Poly(piece.factor.as_expr(), _R)
        polynomial = tuple(_element(field, c) for c in reversed(in_r.all_coeffs()))
    sample = None if piece.at is None or piece.root is None else (piece.at, piece.root)
    return Case(low, high, False, False, piece.value, polynomial, sample)


def _number(field: Field, piece: _Piece) -> Element | None:
    """R at a point that belongs to neither side, where it is rational."""
    return None if piece.root is None or piece.root.fraction is None else field.rational(piece.root.fraction)


def _continues(family: _Family, case: Case, piece: _Piece, cut: Root, at_cut: _Piece) -> bool:
    """Whether the formula of a case gives R at the cut."""
    field = family.field
    if cut.fraction is None:
        return _continues_irrational(family, piece, cut)
    if at_cut.root is None:
        return False
    if case.value is not None:
        try:
            value = field.substitute(case.value, dict.fromkeys(field.parameters, cut.fraction))
        except ZeroDivisionError:
            return False
        return at_cut.root.compare(cells.number(field.constants, value)) == 0
    return at_cut.factor is not None and _case(field, None, None, at_cut).polynomial == case.polynomial


def _continues_irrational(family: _Family, piece: _Piece, cut: Root) -> bool:
    """Whether the formula beside an irrational cut gives R there, provably.

    R there is at least the limit of R beside it, since nonnegative entries stay so in the limit.  It is not more if the
    limiting entry still changes sign there: if its derivative in r (for R = 0 its lowest coefficient) does not vanish.
    """
    field = family.field
    if piece.place is None or piece.value is None or field.roots or not _same_pattern(family, cut):
        return False
    coefficients = entry_polynomial(field, family.A, family.b, piece.place)
    if not piece.value:
        return not _is_zero_at(next(c for c in coefficients if c), cut)
    slope = sum((k * c * piece.value ** (k - 1) for k, c in enumerate(coefficients) if k and c), field.zero)
    return not _is_zero_at(slope, cut)


def _same_pattern(family: _Family, cut: Root) -> bool:
    """Whether no entry vanishes and no two stages become equal at the cut, so that nothing can be reduced there."""
    if any(entry and _is_zero_at(entry, cut) for row in (*family.A, family.b) for entry in row):
        return False
    return all(
        any(x - y and not _is_zero_at(x - y, cut) for x, y in zip(left, right, strict=True))
        for left, right in combinations(family.A, 2)
    )


def _is_zero_at(a: Element, at: Root) -> bool:
    """Whether an element of a field without square roots vanishes at an algebraic value of its one parameter."""
    poly = Poly(a.numer.as_expr(), domain=QQ) if not a.numer.is_ground else None
    if poly is None:
        return not a
    return bool(poly.rem(Poly(list(reversed(at.polynomial)), poly.gen, domain=QQ)).is_zero)


def _same(left: Case, right: Case) -> bool:
    if left.value is not None or right.value is not None:
        return bool(left.value == right.value)
    return left.polynomial == right.polynomial
