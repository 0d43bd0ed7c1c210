"""Syntax trees to elements of a field. The size of a result is estimated before it is computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import TYPE_CHECKING

from rkblocks.escape import count
from rkblocks.files.expression import (
    MOST_BITS,
    EntryError,
    Expression,
    Literal,
    Name,
    Power,
    Product,
    SquareRoot,
    Sum,
    division_by_zero,
    is_rational,
    names,
    radicands,
    rational,
    too_large,
)

if TYPE_CHECKING:
    from rkblocks.exact.field import Element, Field

MOST_DEGREE = 16
"""Highest total degree, in the parameters, of numerator or denominator of an entry."""
MOST_TERMS = 1000
"""Most monomials that a numerator or denominator may have."""
MOST_TERMS_WITH_ROOTS = 35
"""The same where square roots occur beside parameters: there sympy's greatest common divisors cost seconds."""


def terms(expression: Expression) -> int:
    """A bound on the number of monomials in numerator or denominator of an entry, from its syntax alone."""
    if is_rational(expression):
        return 1
    size = _size(expression)
    variables = len({name.name for name in names(expression)})
    return comb(max(size.above, size.below) + variables, variables)


def evaluate(expression: Expression, field: Field) -> Element:
    """The exact value of an entry in a field that holds its parameters and square roots.

    Raises EntryError for a division by zero and where the result would be unreasonably large.
    """
    if is_rational(expression):
        return field.rational(rational(expression))
    size = _size(expression)
    variables = len({name.name for name in names(expression)})
    degree = max(size.above, size.below)
    most = MOST_TERMS_WITH_ROOTS if radicands(expression) else MOST_TERMS
    if degree > MOST_DEGREE or comb(degree + variables, variables) > most:
        message = f"an expression of degree {degree} in {count(variables, 'parameter')} is too large"
        raise EntryError("RK219", message, expression.at, f"at most degree {MOST_DEGREE} and {most} terms are accepted")
    if size.bits > 4 * MOST_BITS:
        raise too_large(expression.at)
    return _value(expression, field)


def _value(expression: Expression, field: Field) -> Element:
    match expression:
        case Literal():
            return field.rational(expression.value)
        case Name():
            return field.parameter(expression.name)
        case SquareRoot():
            return field.sqrt(expression.radicand)
        case Sum():
            total = field.zero
            for sign, term in zip(expression.signs, expression.terms, strict=True):
                value = _value(term, field)
                total = total + value if sign > 0 else total - value
            return total
        case Product():
            product = field.one
            for divides, at, factor in zip(expression.divides, expression.operators, expression.factors, strict=True):
                value = _value(factor, field)
                if divides and not value:
                    raise division_by_zero(at)
                product = product / value if divides else product * value
            return product
        case Power():
            base = _value(expression.base, field)
            if expression.exponent < 0 and not base:
                raise division_by_zero(expression.at)
            raised = _power(base, abs(expression.exponent), field)
            return raised if expression.exponent >= 0 else field.one / raised
    raise TypeError(f"unknown expression {expression}")


def _power(base: Element, exponent: int, field: Field) -> Element:
    """By repeated squaring, reduced at each step: sympy raises algebraic numbers first and reduces last."""
    result = field.one
    while exponent:
        if exponent & 1:
            result = result * base
        exponent >>= 1
        base = base * base if exponent else base
    return result


@dataclass(frozen=True, slots=True)
class _Size:
    """Bounds on a quotient of polynomials: degree of numerator and denominator, bits of a coefficient."""

    above: int
    below: int
    bits: int


def _size(expression: Expression) -> _Size:
    """Bounds from the syntax alone, so that (2**999)**999 or (a + b)**999 is never begun."""
    if is_rational(expression):
        return _Size(0, 0, _bits(rational(expression)))
    match expression:
        case Name():
            return _Size(1, 0, 1)
        case SquareRoot():
            return _Size(0, 0, _bits(expression.radicand))
        case Sum():
            return _add(map(_size, expression.terms))
        case Product():
            total = _Size(0, 0, 1)
            for divides, factor in zip(expression.divides, expression.factors, strict=True):
                s = _size(factor)
                above, below = (s.below, s.above) if divides else (s.above, s.below)
                total = _Size(total.above + above, total.below + below, total.bits + s.bits)
            return total
        case Power():
            s, n = _size(expression.base), abs(expression.exponent)
            above, below = (s.above, s.below) if expression.exponent >= 0 else (s.below, s.above)
            return _Size(above * n, below * n, max(1, s.bits * n))
    raise TypeError(f"unknown expression {expression}")


def _add(sizes: Iterable[_Size]) -> _Size:
    total = _Size(0, 0, 1)
    for s in sizes:
        above = max(total.above + s.below, s.above + total.below)
        total = _Size(above, total.below + s.below, total.bits + s.bits + 1)
    return total


def _bits(value: Fraction) -> int:
    return max(1, value.numerator.bit_length() + value.denominator.bit_length())
