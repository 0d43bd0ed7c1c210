"""Exact numbers as text for reports and messages."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from math import floor
from typing import Any

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root
from rkblocks.exact.square_roots import SQRT_LIMIT, squarefree_part

DIGITS = 10
LONGEST = 24
"""Exact numbers longer than this are shown in messages by their digits."""
MOST_BITS = 3300
"""The grammar of the file takes numbers of 1000 digits; longer ones have no exact text."""


def to_float(field: Field, a: Element) -> float | None:
    """The double nearest to a number, None beyond the range of doubles."""
    try:
        return field.to_float(a)
    except OverflowError:
        return None


def root_float(root: Root) -> float | None:
    """The double nearest to a real algebraic number, None beyond the range of doubles."""
    try:
        return root.to_float()
    except OverflowError:
        return None


def decimal(low: Fraction, digits: int = DIGITS) -> str:
    """The digits of a nonnegative number, cut off: "2.6506291904…"; exact decimals without the ellipsis."""
    scaled = floor(low * 10**digits)
    whole, rest = divmod(scaled, 10**digits)
    if Fraction(scaled, 10**digits) == low:
        return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")
    return f"{whole}.{rest:0{digits}d}…"


def exact_text(field: Field, a: Element) -> str | None:
    """The element in the grammar of the file, or None where that has no room for its digits."""
    parts = list(field.coordinates(a)) if not field.free_parameters(a) else []
    return None if any(map(_long, parts)) else field.text(a)


def _long(value: Fraction) -> bool:
    return max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS


def scientific(field: Field, a: Element, digits: int = 6) -> str:
    """A nonnegative number as a short decimal not below it, such as "2.22046e-16"."""
    _, high = field.enclose(field.number(a), 4096)
    if not high:
        return "0"
    context = Context(prec=digits, rounding=ROUND_CEILING)
    return str(context.divide(Decimal(high.numerator), Decimal(high.denominator)))


def int_text(value: int) -> str:
    """The digits of an integer of any size; Python's own conversion stops at 4300."""
    return str(value) if value.bit_length() < 14000 else f"{Decimal(value):f}"


def root_digits(root: Root, digits: int = DIGITS) -> str:
    """The digits of a nonnegative real algebraic number, cut off."""
    if root.fraction is not None:
        return decimal(root.fraction, digits)
    bits = 4 * digits
    while True:  # ends: an irrational number is no decimal
        tight = root.refine(bits)
        if floor(tight.low * 10**digits) == floor(tight.high * 10**digits):
            return f"{decimal(tight.low, digits).rstrip('…')}…"
        bits *= 2


def short(field: Field, a: Element) -> str:
    """The element as text for a message: exact where that is short, else about 12 significant digits."""
    text = exact_text(field, a)
    if text is not None and (len(text) <= LONGEST or field.free_parameters(a)):
        return text
    value = to_float(field, a)
    return "a number beyond the range of doubles" if value is None else f"{value:.12g}"


def root_exact(root: Root) -> str | None:
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


def interval_text(root: Root) -> tuple[str, str]:
    """The isolating interval for JSON."""
    low, high = (f"{int_text(e.numerator)}/{int_text(e.denominator)}".removesuffix("/1") for e in (root.low, root.high))
    return low, high


def root_text(root: Root) -> str:
    """A real algebraic number for a message: exact where that is short, else its digits."""
    text = root_exact(root)
    return text if text is not None and len(text) <= LONGEST else root_digits(root)


def root_json(root: Root | None) -> Mapping[str, Any] | None:
    """A real algebraic number for JSON: its text where the grammar has one, the double, and what defines it."""
    if root is None:
        return None
    return {
        "value": root_exact(root),
        "float": root_float(root),
        "polynomial": tuple(map(int_text, root.polynomial)),
        "interval": interval_text(root),
    }


def point_text(point: Mapping[str, Fraction]) -> str:
    """The values of parameters for a message."""
    return ", ".join(
        f"{name} = {value if len(str(value)) <= 20 else decimal_signed(value)}" for name, value in point.items()
    )


def decimal_signed(value: Fraction, digits: int = DIGITS) -> str:
    """As `decimal`, for a number of either sign."""
    return f"-{decimal(-value, digits)}" if value < 0 else decimal(value, digits)
