"""Budgets as exact fractions: read from text and numbers, written as people write them."""

from __future__ import annotations

import re
from fractions import Fraction

from rkblocks.diagnostics import fail
from rkblocks.escape import shown

LARGEST = 1_000_000  # of eps and bounds: no box of pixels is larger, and steps of it stay far within float32
_LARGE = "pixels lie in [0, 1]: eps=8/255"
_NUMBER = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?([eE][-+]?[0-9]{1,2})?(/[0-9]{1,40})?")


def parse_fraction(value: str | int | float | Fraction, what: str, at_most: int = LARGEST) -> Fraction:
    """Return `value` as an exact fraction: "8/255", "0.1", 8, or a float, which is read as its shortest decimal.

    Raises RkblocksError RK803 where it is no finite nonnegative number, or more than `at_most`.
    """
    text = str(value).strip()
    if isinstance(value, bool) or not _NUMBER.fullmatch(text):
        help = (
            f"write {what} as a fraction (8/255) or a decimal (0.03)" if isinstance(value, bool) else _help(text, what)
        )
        fail("RK803", f"{what} is {shown(text, width=60)}; expected from 0 to {at_most}", help=help)
    head, _, denominator = text.partition("/")
    if denominator and not int(denominator):
        fail(
            "RK803", f"{what} is {text!r}, a division by zero", help="write a denominator that is not zero, such as 255"
        )
    number = Fraction(head) / (int(denominator) if denominator else 1)
    if number > at_most:
        fail("RK803", f"{what} is {text[:80]}; expected from 0 to {at_most}", help=_LARGE)
    return number


def _help(text: str, what: str) -> str:
    """How to mend a text that is no finite nonnegative number of at most 40 digits."""
    if text[:1] in ("-", "+") and _NUMBER.fullmatch(text[1:]):
        return f"write it without a sign: {text[1:]}"
    if text.lower().lstrip("+") in ("inf", "infinity") or re.fullmatch(r"[0-9.]+[eE]\+?[0-9]+", text):
        return _LARGE
    if re.fullmatch(r"[0-9.eE/-]+", text):
        return "a number has at most 40 digits on either side of its point, and 2 in its exponent"
    return f"write {what} as a fraction (8/255) or a decimal (0.03)"


def fraction_text(value: Fraction) -> str:
    """Return the way people write the budget: k/255 where pixels have 8 bits (8/255, 15/255), else the fraction."""
    if 255 % value.denominator == 0 and value.denominator not in (1, 5):
        return f"{value * 255}/255"
    return str(value)
