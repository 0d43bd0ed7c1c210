"""The syntax tree of an entry, its value, and the bounds that keep both small.

Sums and products are n-ary, so that the depth of a tree is that of its parentheses and no recursion runs away. `at` is
the offset in the entry's text that a message about the node points to.  The size of a value is estimated before it
is computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import comb, isqrt
from typing import TYPE_CHECKING

from rkblocks.escape import count

if TYPE_CHECKING:
    from rkblocks.exact.field import Element, Field


MOST_BITS = 4096
"""Longest numerator or denominator of any number written or computed: somewhat more than MOST_DIGITS digits."""
MOST_DIGITS = 1000
MOST_DEGREE = 16
"""Highest total degree, in the parameters, of numerator or denominator of an entry."""
MOST_TERMS = 1000
"""Most monomials that a numerator or denominator may have."""
MOST_TERMS_WITH_ROOTS = 35
"""The same where square roots occur beside parameters: there sympy's greatest common divisors cost seconds."""


class EntryError(Exception):
    """An entry is at fault at `offset` of its text."""

    def __init__(self, code: str, message: str, offset: int, help: str) -> None:
        super().__init__(code, message, offset, help)
        self.code, self.message, self.offset, self.help = code, message, offset, help


@dataclass(frozen=True, slots=True)
class Expression:
    at: int


@dataclass(frozen=True, slots=True)
class Literal(Expression):
    value: Fraction


@dataclass(frozen=True, slots=True)
class Name(Expression):
    name: str


@dataclass(frozen=True, slots=True)
class SquareRoot(Expression):
    """The square root of a nonnegative rational number that is no square."""

    radicand: Fraction


@dataclass(frozen=True, slots=True)
class Sum(Expression):
    """`operators[i]` is the offset of the sign before `terms[i]`, `signs[i]` is 1 or -1."""

    terms: tuple[Expression, ...]
    signs: tuple[int, ...]
    operators: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Product(Expression):
    """`divides[i]`: whether `factors[i]` is divided by; `operators[i]` is the offset of the operator before it."""

    factors: tuple[Expression, ...]
    divides: tuple[bool, ...]
    operators: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Power(Expression):
    base: Expression
    exponent: int


def nodes(expression: Expression) -> Iterator[Expression]:
    """The expression and all its parts, in the order of the text."""
    yield expression
    match expression:
        case Sum(terms=parts) | Product(factors=parts):
            for part in parts:
                yield from nodes(part)
        case Power():
            yield from nodes(expression.base)


def names(expression: Expression) -> tuple[Name, ...]:
    """Every occurrence of a parameter."""
    return tuple(node for node in nodes(expression) if isinstance(node, Name))


def radicands(expression: Expression) -> tuple[SquareRoot, ...]:
    """Every irrational square root."""
    return tuple(node for node in nodes(expression) if isinstance(node, SquareRoot))


def is_rational(expression: Expression) -> bool:
    """Whether neither a parameter nor an irrational square root is written in it."""
    return not any(isinstance(node, (Name, SquareRoot)) for node in nodes(expression))


def rational(expression: Expression) -> Fraction:
    """The value of an expression without parameters and irrational square roots.

    Raises EntryError for a division by zero and for a number beyond MOST_BITS, which is never computed.
    """
    match expression:
        case Literal():
            return expression.value
        case Sum():
            total = Fraction(0)
            for sign, term in zip(expression.signs, expression.terms, strict=True):
                total = bounded(total + sign * rational(term), expression.at)
            return total
        case Product():
            product = Fraction(1)
            for divides, at, factor in zip(expression.divides, expression.operators, expression.factors, strict=True):
                value = rational(factor)
                if divides and not value:
                    raise division_by_zero(at)
                product = bounded(product / value if divides else product * value, expression.at)
            return product
        case Power():
            return power(rational(expression.base), expression.exponent, expression.at)
    raise TypeError(f"{expression} is no rational number")


def power(base: Fraction, exponent: int, at: int) -> Fraction:
    """base**exponent, refused before it is computed where it would be too long."""
    if not base:
        if exponent < 0:
            raise division_by_zero(at)
        return Fraction(0 if exponent else 1)
    longest = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(base) != 1 and (longest - 1) * abs(exponent) > MOST_BITS:
        raise too_large(at)
    if abs(base) == 1:
        exponent %= 2
    return bounded(base**exponent, at)


def bounded(value: Fraction, at: int) -> Fraction:
    """The value itself, if numerator and denominator are within MOST_BITS."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise too_large(at)
    return value


def square_root(value: Fraction) -> Fraction | None:
    """The square root of a nonnegative rational number where it is rational."""
    p, q = isqrt(value.numerator), isqrt(value.denominator)
    return Fraction(p, q) if p * p == value.numerator and q * q == value.denominator else None


def division_by_zero(at: int) -> EntryError:
    return EntryError("RK207", "division by zero", at, "what is divided by must not cancel to zero")


def too_large(at: int) -> EntryError:
    return EntryError("RK211", f"this number has more than {MOST_DIGITS} digits", at, "no known scheme needs so many")


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
