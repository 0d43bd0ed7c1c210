"""Exact numbers as text for messages."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from math import floor

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root
from rkblocks.exact.value import Exact
from rkblocks.exact.work import PART, TooLarge

DIGITS = 10
BEYOND = f"takes more than the {PART:,} steps that a part of a report may take"


def why_absent(found: object) -> str | None:
    """Why a part is absent, in words that follow "it"; None where it is there."""
    return (found.reason or BEYOND) if isinstance(found, TooLarge) else None


"""Why a number is absent from a report, or only bounded."""
LONGEST = 24
"""Exact numbers longer than this are shown in messages by their digits."""


def to_float(field: Field, a: Element) -> float | None:
    """The double nearest to a number, None beyond the range of doubles."""
    try:
        return field.to_float(a)
    except OverflowError:
        return None


def decimal(low: Fraction, digits: int = DIGITS) -> str:
    """The digits of a nonnegative number, cut off: "2.6506291904…"; exact decimals without the ellipsis."""
    scaled = floor(low * 10**digits)
    whole, rest = divmod(scaled, 10**digits)
    if Fraction(scaled, 10**digits) == low:
        return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")
    return f"{whole}.{rest:0{digits}d}…"


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


def bounds_text(low: Fraction, high: Fraction | None) -> str:
    """Proved bounds low <= x < high (None: no bound) for a message, rounded away from each other."""
    below, above = (Context(prec=DIGITS + 2, rounding=rounding) for rounding in (ROUND_FLOOR, ROUND_CEILING))
    least = below.divide(Decimal(low.numerator), Decimal(low.denominator))
    if high is None:
        return f"[{least}, oo)"
    return f"[{least}, {above.divide(Decimal(high.numerator), Decimal(high.denominator))})"


def short(field: Field, a: Element) -> str:
    """The element as text for a message: exact where that is short, else about 12 significant digits."""
    found = Exact(field, a)
    return str(found) if found.parameters else found.brief(LONGEST)


ALIKE = 10**6
"""Two numbers look the same in a message where they differ by less than one part in so many."""


def off(field: Field, found: Element, other: Element) -> str:
    """Return " (off by 2.22e-16)" where two different numbers look the same in a message, else ""."""
    difference = found - other
    if not difference or any(map(field.free_parameters, (found, other))):
        return ""
    size = difference if field.sign(difference) > 0 else -difference
    alike = bool(other) and field.sign(size * size * ALIKE**2 - other * other) < 0
    return f" (off by {Exact(field, size).above(3)})" if alike else ""


def beside(field: Field, found: Element, other: Element) -> str:
    """As `short`, for a number that is not the other: "1 - 2.22e-16" where the two look the same."""
    if not off(field, found, other):
        return short(field, found)
    difference = found - other
    sign, size = ("+", difference) if field.sign(difference) > 0 else ("-", -difference)
    return f"{short(field, other)} {sign} {Exact(field, size).above(3)}"


def off_root(field: Field, found: Element, root: Root) -> str:
    """As `off`, for a number beside a real algebraic number."""
    low, high = field.enclose(found, 256)
    tight = root.refine(256)
    difference = abs((low + high) / 2 - (tight.low + tight.high) / 2)
    alike = 0 < difference * ALIKE < abs(tight.high)
    return f" (off by {Exact.rational(difference).above(3)})" if alike else ""


def root_text(root: Root) -> str:
    """A real algebraic number for a message: exact where that is short, else its digits."""
    text = Exact.root(root).text
    return text if text is not None and len(text) <= LONGEST else root_digits(root)


def point_text(point: Mapping[str, Fraction]) -> str:
    """The values of parameters for a message."""
    return ", ".join(
        f"{name} = {value if len(str(value)) <= 20 else decimal_signed(value)}" for name, value in point.items()
    )


def decimal_signed(value: Fraction, digits: int = DIGITS) -> str:
    """As `decimal`, for a number of either sign."""
    return f"-{decimal(-value, digits)}" if value < 0 else decimal(value, digits)
