"""Decimals as people write them: their digits, and the fractions that rounded ones may stand for.

These are the simplest ones within half a unit of the last digit.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor

DOUBLE = 15
"""A decimal of so many digits may be that of a double, which is itself half a unit in its 53rd bit off."""
SIGNIFICANT = 1000
"""A fraction p/q is taken for the one that was meant where the numbers so close to one with so small a denominator are
at most one in so many."""

LONG = 5
"""Decimals of fewer places are taken for what they are."""


def places(value: Fraction) -> int | None:
    """Decimal places of a number, None where it is no decimal."""
    twos = (value.denominator & -value.denominator).bit_length() - 1
    rest, fives = value.denominator >> twos, 0
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    return max(twos, fives) if rest == 1 else None


def unit(value: Fraction, shown: int) -> Fraction:
    """How far a number may lie from its decimal ``value`` of ``shown`` places."""
    half = Fraction(1, 2 * 10**shown)
    return half + (abs(value) / 2**53 if abs(value) * 10**shown >= 10 ** (DOUBLE - 1) else 0)


def meant(value: Fraction) -> Fraction | None:
    """The fraction that a decimal was probably rounded from, itself for 0.25; None where no fraction stands out.

    >>> meant(Fraction("0.6666666666666666"))
    Fraction(2, 3)
    """
    shown = places(value)
    if shown is None:
        return None
    margin = unit(value, shown)
    found = simplest(value - margin, value + margin)
    if found == value or found.denominator**2 * margin * SIGNIFICANT <= 1:
        return found
    return value if shown < LONG else None


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of least denominator in [low, high], of those the least by size."""
    if low <= 0 <= high:
        return Fraction(0)
    if high < 0:
        return -simplest(-high, -low)
    whole = floor(low)
    if whole == low or whole + 1 <= high:
        return Fraction(whole if whole == low else whole + 1)
    return whole + 1 / simplest(1 / (high - whole), 1 / (low - whole))


def decimal_digits(value: Fraction) -> str:
    """A decimal fraction in digits, exactly: "-0.25".  ValueError for one that has no end."""
    shown = _counted(value)
    if not shown:
        return str(value)
    sign, digits = "-" if value < 0 else "", str(abs(int(value * 10**shown))).rjust(shown + 1, "0")
    return f"{sign}{digits[:-shown]}.{digits[-shown:]}"


def decimal_text(value: Fraction) -> str:
    """A decimal fraction as digits and an exponent: "1e-15".  ValueError for one that has no end."""
    shown = _counted(value)
    return f"{int(value * 10**shown)}e-{shown}"


def _counted(value: Fraction) -> int:
    shown = places(value)
    if shown is None:
        raise ValueError(f"{value} is no decimal fraction")
    return shown
