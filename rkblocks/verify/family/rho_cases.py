"""The radius of circle contractivity of a family with one effective parameter, as a piecewise function on its domain.

rho(t) is the least positive root r of det(B + r M), a polynomial in r and t, where every weight is positive, and 0
elsewhere.  The line of t is cut for it (`line`), and where a weight vanishes; between two cuts rho is the same root of
the same factor, found exactly at a rational sample.  At a rational cut it is computed anew; an irrational cut belongs
to no piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import sympy
from sympy import Poly, Symbol
from sympy.polys.domains import QQ

from rkblocks.exact.roots import Root
from rkblocks.exact.value import Exact
from rkblocks.exact.work import spend
from rkblocks.forms import Method
from rkblocks.tableau import Parameter
from rkblocks.verify.contractivity import circle_contractivity, determinant, matrix
from rkblocks.verify.family import cells
from rkblocks.verify.family.line import Interval, R, cleared, line_of, vanishes


@dataclass(frozen=True)
class RhoPiece(Interval):
    """rho on one interval: ``text`` an expression in the parameter, or None and a root in r of ``polynomial``.

    ``sample`` is a value of the parameter with the root there, which says which one it is.
    """

    text: str | None
    polynomial: tuple[str, ...]
    expression: sympy.Expr | None = None
    sample: tuple[Fraction, Root] | None = None


def rho_cases(method: Method, parameter: Parameter) -> tuple[RhoPiece, ...]:
    """rho as a piecewise function of the one parameter on which the reduced method depends.

    Raises TooLarge as `line_of` does.
    """
    field, A, b, name = method.field, method.A, method.b, parameter.name

    def polynomials() -> Iterator[Poly]:
        longest = max(len(part) for row in (*A, b) for entry in row for part in (entry.numer, entry.denom))
        spend(len(b) ** 4 * longest**2 * 4 ** len(field.roots))
        yield from cleared(field, determinant(field, b, matrix(method)), name)
        for weight in b:
            for part in (weight.numer, weight.denom):
                yield cells.integer_polynomial(field, part, [name])

    line = line_of(method, parameter, polynomials)
    pieces: list[RhoPiece] = []
    for left, right in line.steps():
        if left is None or left is not right:
            pieces.append(_open(method, name, left, right, line.basis))
        elif left.fraction is not None:
            pieces.append(_point(method, name, left))
    return _merged(pieces, name)


def _at(method: Method, at: Fraction) -> Root | None:
    found = circle_contractivity(method.member(dict.fromkeys(method.field.parameters, at)))
    return None if found is None else found.root


def _point(method: Method, name: str, at: Root) -> RhoPiece:
    assert at.fraction is not None
    try:
        root = _at(method, at.fraction)
    except ZeroDivisionError:
        root = None
    text = None if root is None else Exact.root(root).text
    polynomial = () if root is None else tuple(map(str, root.polynomial))
    return RhoPiece(
        at,
        at,
        True,
        True,
        text,
        polynomial,
        None if text is None else sympy.sympify(text),
        None if root is None else (at.fraction, root),
    )


def _open(method: Method, name: str, left: Root | None, right: Root | None, basis: Sequence[Poly]) -> RhoPiece:
    sample = cells.between(left, right)
    root = _at(method, sample)
    empty = RhoPiece(left, right, False, False, None, ())
    if root is None:
        return empty
    if root.fraction == 0:
        return replace(empty, text="0", expression=sympy.Integer(0))
    t = Symbol(name)
    for factor in basis:
        at_sample = Poly(factor.as_expr().subs(t, sympy.Rational(sample.numerator, sample.denominator)), R, domain=QQ)
        if vanishes(at_sample, root):
            coefficients = Poly(factor.as_expr(), R).all_coeffs()
            shown = tuple(str(c) for c in reversed(coefficients))
            expression = _solved(coefficients, at_sample, root)
            return replace(
                empty,
                polynomial=shown,
                expression=expression,
                text=None if expression is None else str(expression),
                sample=(sample, root),
            )
    return replace(empty, text=Exact.root(root).text, polynomial=tuple(map(str, root.polynomial)))


def _solved(coefficients: Sequence[sympy.Expr], at_sample: Poly, root: Root) -> sympy.Expr | None:
    """The root of a factor linear or quadratic in r as an expression in the parameter."""
    if len(coefficients) == 2:
        return sympy.factor(-coefficients[1] / coefficients[0])
    if len(coefficients) != 3:
        return None
    a, b, c = coefficients
    numbers = [Fraction(int(QQ.numer(x)), int(QQ.denom(x))) for x in at_sample.rep.to_list()]
    if len(numbers) != 3:
        return None
    sign = root.compare(-numbers[1] / (2 * numbers[0])) * (1 if numbers[0] > 0 else -1)
    root = sign * sympy.sqrt(sympy.factor(b * b - 4 * a * c))
    if not a.free_symbols:
        return (-b + root) / (2 * a)
    forms = [sympy.factor(sign * 2 * c) / (sign * (-b - root)) for sign in (1, -1)]  # no pole where a vanishes
    return min(forms, key=lambda form: len(str(form)))


def _merged(pieces: Sequence[RhoPiece], name: str) -> tuple[RhoPiece, ...]:
    """Neighbours with one formula joined; a point joins the piece whose formula has its value there."""
    merged: list[RhoPiece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if last is not None and last.high is not None and last.high == piece.low:
            if piece.low == piece.high and _agrees(last, piece, name):
                merged[-1] = replace(last, high_closed=True)
                continue
            if last.low == last.high and _agrees(piece, last, name):
                piece, last = replace(piece, low_closed=True), None
                merged.pop()
                last = merged[-1] if merged else None
            if last is not None and last.high_closed and last.expression is not None and piece.expression is not None:
                same = sympy.simplify(last.expression - piece.expression) == 0
                if same and last.low != last.high:
                    merged[-1] = replace(last, high=piece.high, high_closed=piece.high_closed)
                    continue
        merged.append(piece)
    return tuple(merged)


def _agrees(piece: RhoPiece, point: RhoPiece, name: str) -> bool:
    """Whether a formula has the value found at a rational end of its interval."""
    if piece.expression is None or point.expression is None or point.low is None or point.low.fraction is None:
        return False
    at = sympy.Rational(point.low.fraction.numerator, point.low.fraction.denominator)
    value = piece.expression.subs(Symbol(name), at)
    return bool(value.is_finite and sympy.radsimp(sympy.expand(value - point.expression)) == 0)
