"""Exact numbers and expressions as reports hold them: their text and their double are made when someone asks.

This is the one place where an exact number becomes text, so that nothing ever has to read a number back from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from functools import cached_property
from math import floor

from rkblocks.exact.field import SQRT_LIMIT, Element, Field, squarefree_part
from rkblocks.exact.roots import Root

MOST_BITS = 3300
"""The grammar of the file takes numbers of 1000 digits; longer ones have no exact text."""
DIGITS = 12
"""So many leading digits are shown of a number that has no text."""
_PLAIN = range(-5, 15)
"""Decimal exponents of numbers that are written without an exponent."""


@dataclass(frozen=True)
class Exact:
    """An element of ``field`` (a number, or an expression in its parameters), or a real algebraic number.

    >>> str(Exact.rational(Fraction(29, 18))), Exact.rational(Fraction(29, 18)).nearest
    ('29/18', 1.6111111111111112)
    """

    field: Field
    value: Element | Root

    @classmethod
    def rational(cls, value: Fraction | int) -> Exact:
        """The rational number."""
        return cls.root(Root.rational(value))

    @classmethod
    def root(cls, value: Root) -> Exact:
        """The real algebraic number."""
        return cls(Field(), value)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that occur in it."""
        return () if isinstance(self.value, Root) else self.field.free_parameters(self.value)

    @property
    def is_number(self) -> bool:
        """Whether no parameter occurs in it."""
        return not self.parameters

    @property
    def is_zero(self) -> bool:
        """Whether it is zero, identically in the parameters."""
        return not (self.value.fraction != 0 if isinstance(self.value, Root) else self.value)

    @property
    def fraction(self) -> Fraction | None:
        """The value of a rational number, None for any other."""
        if isinstance(self.value, Root):
            return self.value.fraction
        return self.field.fraction(self.value) if self.field.is_rational(self.value) else None

    @cached_property
    def nearest(self) -> float | None:
        """The double nearest to a number; None for an expression, and beyond the range of doubles."""
        if self.parameters:
            return None
        try:
            return self.value.to_float() if isinstance(self.value, Root) else self.field.to_float(self.value)
        except OverflowError:
            return None

    @cached_property
    def text(self) -> str | None:
        """It in the grammar of the tableau file; None where that cannot write it, or has no room for its digits."""
        if isinstance(self.value, Root):
            return _root_text(self.value)
        if not self.parameters:
            parts = self.field.coordinates(self.value)
        else:
            numbers = [c for part in (self.value.numer, self.value.denom) for _, c in part.terms()]
            parts = tuple(q for c in numbers for q in self.field.constants.coordinates(c))
        return None if any(map(_long, parts)) else self.field.text(self.value)

    @property
    def whole(self) -> str:
        """It in the grammar but for the length of its numbers, whatever that is; ValueError for a root without text."""
        if self.fraction is not None:
            return fraction_text(self.fraction)
        if isinstance(self.value, Root):
            raise ValueError(f"{self} is no number that the grammar can write")
        return self.field.text(self.value)

    def __str__(self) -> str:
        """The text where there is one, else the leading digits of a number: always something to show."""
        if self.text is not None:
            return self.text
        return f"an expression in {', '.join(self.parameters)}" if self.parameters else self.digits()

    def brief(self, width: int) -> str:
        """It in about ``width`` characters: a longer number as its nearest double, an expression without its middle."""
        text = self.text
        if text is not None and len(text) <= width:
            return text
        if self.parameters:
            return str(self) if text is None else f"{text[: width // 2]}…{text[-width // 4 :]}"
        return f"{self.nearest:.12g}" if self.nearest or self.is_zero else self.digits()

    def above(self, count: int = 6) -> str:
        """A nonnegative number as a short decimal that is not below it, such as "2.22046e-16"."""
        high = self.value.refine(4096).high if isinstance(self.value, Root) else self.field.enclose(self.value, 4096)[1]
        context = Context(prec=count, rounding=ROUND_CEILING)
        return str(context.divide(Decimal(high.numerator), Decimal(high.denominator))).lower() if high else "0"

    def digits(self, count: int = DIGITS) -> str:
        """The leading digits of a number, cut off: "2.65062919040…"; a decimal that ends there has no ellipsis."""
        bits = 64
        while True:  # ends: a number is no decimal, or both ends of its enclosure are
            if isinstance(self.value, Root):
                tight = self.value.refine(bits)
                low, high = tight.low, tight.high
            else:
                low, high = self.field.enclose(self.value, bits)
            shown = _leading(low, count)
            if shown == _leading(high, count):
                return shown
            bits *= 2


def _root_text(root: Root) -> str | None:
    """A real algebraic number in the grammar of the file; None where that cannot write it, or has no room.

    A quadratic one is written by hand: an algebraic field of sympy takes a tenth of a second to set up.
    """
    if any(c.bit_length() > MOST_BITS for c in root.polynomial):
        return None
    if root.fraction is not None:
        return str(root.fraction)
    if len(root.polynomial) != 3:
        return None
    c, b, a = root.polynomial
    discriminant = b * b - 4 * a * c
    if discriminant > SQRT_LIMIT:
        return None
    s, d = squarefree_part(discriminant)
    centre = Fraction(-b, 2 * a)
    factor = abs(Fraction(s, 2 * a))
    sign = "" if root.compare(centre) > 0 else "-"
    surd = ("" if factor.numerator == 1 else f"{factor.numerator}*") + f"sqrt({d})"
    surd += "" if factor.denominator == 1 else f"/{factor.denominator}"
    return f"{centre} {sign or '+'} {surd}" if centre else f"{sign}{surd}"


def int_text(value: int) -> str:
    """The digits of an integer of any size; Python's own conversion stops at 4300."""
    return str(value) if value.bit_length() < 14000 else f"{Decimal(value):f}"


def fraction_text(value: Fraction) -> str:
    """The digits of a rational number of any size."""
    return f"{int_text(value.numerator)}/{int_text(value.denominator)}".removesuffix("/1")


def _long(value: Fraction) -> bool:
    return max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS


def _leading(value: Fraction, count: int) -> str:
    """The first significant digits of a number, cut off."""
    if not value:
        return "0"
    sign, size = ("-", -value) if value < 0 else ("", value)
    exponent = _exponent(size)
    scaled = size * Fraction(10) ** (count - 1 - exponent)
    more = "" if scaled.denominator == 1 else "…"
    digits = str(floor(scaled))
    if exponent not in _PLAIN:
        return f"{sign}{_trimmed(digits[0], digits[1:], more)}e{exponent}"
    if exponent < 0:
        return sign + _trimmed("0", "0" * (-exponent - 1) + digits, more)
    if exponent >= count:
        return f"{sign}{digits}{'0' * (exponent + 1 - count)}{more}"
    return sign + _trimmed(digits[: exponent + 1], digits[exponent + 1 :], more)


def _trimmed(whole: str, rest: str, more: str) -> str:
    return f"{whole}.{rest}…" if more else f"{whole}.{rest}".rstrip("0").rstrip(".")


def _exponent(size: Fraction) -> int:
    """The e with 10**e <= size < 10**(e + 1)."""
    guess = floor((size.numerator.bit_length() - size.denominator.bit_length()) * 0.30103) - 1
    while size >= Fraction(10) ** (guess + 1):
        guess += 1
    while size < Fraction(10) ** guess:
        guess -= 1
    return guess


def all_exact(field: Field, entries: Sequence[Element]) -> tuple[Exact, ...]:
    """The elements of a row."""
    return tuple(Exact(field, entry) for entry in entries)
