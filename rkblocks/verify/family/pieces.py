"""Pieces of a piecewise function put together: neighbours with one formula joined, every end point decided exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

from sympy import Poly
from sympy.polys.domains import QQ

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root, real
from rkblocks.forms import Method
from rkblocks.verify.family.line import Interval, R
from rkblocks.verify.radius import ResolventEntry, entry_polynomial


@dataclass(frozen=True)
class Case(Interval):
    """R on one interval of the parameter.

    R is ``value`` (a field element: an expression in the parameter) or, where that is None, the root in r of
    ``polynomial`` (field elements, constant term first) that is ``sample[1]`` at the parameter value ``sample[0]``.
    """

    value: Element | None
    polynomial: tuple[Element, ...]
    sample: tuple[Fraction, Root] | None


@dataclass(frozen=True)
class Piece:
    """R on an open cell or at a cut: the same root of the same factor."""

    factor: Poly | None = None
    value: Element | None = None
    root: Root | None = None
    at: Fraction | None = None
    place: ResolventEntry | None = None


@dataclass(frozen=True)
class Family(Method):
    """A reduced method (A, b) that depends on the one parameter ``name``."""

    name: str


def element(field: Field, expression: Any) -> Element:
    """A sympy expression in the parameter, with rational numbers only, as an element of the field."""
    return field.domain.from_sympy(expression)


def merge(family: Family, pieces: Sequence[tuple[Root | None, Root | None, Piece]]) -> tuple[Case, ...]:
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


def _case(field: Field, low: Root | None, high: Root | None, piece: Piece) -> Case:
    polynomial: tuple[Element, ...] = ()
    if piece.factor is not None:
        in_r = Poly(piece.factor.as_expr(), R)
        polynomial = tuple(element(field, c) for c in reversed(in_r.all_coeffs()))
    sample = None if piece.at is None or piece.root is None else (piece.at, piece.root)
    return Case(low, high, False, False, piece.value, polynomial, sample)


def _number(field: Field, piece: Piece) -> Element | None:
    """R at a point that belongs to neither side, where it is rational."""
    return None if piece.root is None or piece.root.fraction is None else field.rational(piece.root.fraction)


def _continues(family: Family, case: Case, piece: Piece, cut: Root, at_cut: Piece) -> bool:
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
        return at_cut.root.compare(real(field.constants, value)) == 0
    return at_cut.factor is not None and _case(field, None, None, at_cut).polynomial == case.polynomial


def _continues_irrational(family: Family, piece: Piece, cut: Root) -> bool:
    """Whether the formula beside an irrational cut gives R there, provably.

    R there is at least the limit of R beside it, since nonnegative entries stay so in the limit.  It is not more if the
    limiting entry still changes sign there: if its derivative in r (for R = 0 its lowest coefficient) does not vanish.
    """
    field = family.field
    if piece.place is None or piece.value is None or field.roots or not _same_pattern(family, cut):
        return False
    coefficients = entry_polynomial(family, piece.place)
    if not piece.value:
        return not is_zero_at(next(c for c in coefficients if c), cut)
    slope = sum((k * c * piece.value ** (k - 1) for k, c in enumerate(coefficients) if k and c), field.zero)
    return not is_zero_at(slope, cut)


def _same_pattern(family: Family, cut: Root) -> bool:
    """Whether no entry vanishes and no two stages become equal at the cut, so that nothing can be reduced there."""
    if any(entry and is_zero_at(entry, cut) for row in (*family.A, family.b) for entry in row):
        return False
    return all(
        any(x - y and not is_zero_at(x - y, cut) for x, y in zip(left, right, strict=True))
        for left, right in combinations(family.A, 2)
    )


def is_zero_at(a: Element, at: Root) -> bool:
    """Whether an element of a field without square roots vanishes at an algebraic value of its one parameter."""
    poly = Poly(a.numer.as_expr(), domain=QQ) if not a.numer.is_ground else None
    if poly is None:
        return not a
    return bool(poly.rem(Poly(list(reversed(at.polynomial)), poly.gen, domain=QQ)).is_zero)


def _same(left: Case, right: Case) -> bool:
    if left.value is not None or right.value is not None:
        return bool(left.value == right.value)
    return left.polynomial == right.polynomial
