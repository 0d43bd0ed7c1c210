"""The syntax tree of an entry, its value where it is a rational number, and the bounds that keep both small.

Sums and products are n-ary, so that the depth of a tree is that of its parentheses and no recursion runs away. `at` is
the offset in the entry's text that a message about the node points to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

MOST_BITS = 4096
"""Longest numerator or denominator of any number written or computed: somewhat more than MOST_DIGITS digits."""
MOST_DIGITS = 1000


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
