"""Bounds on the work that one tableau may ask for, so that every file is answered in bounded time and memory.

The measures depend on the file alone, never on a clock: the same file always gets the same report.  Files beyond
`too_large` are refused; each part of a report that goes beyond `PART` says so, with the bounds proved by then.
"""

from __future__ import annotations

from collections.abc import Callable
from math import comb
from typing import TypeVar

from rkblocks.exact.field import Field
from rkblocks.exact.work import TooLarge, budget
from rkblocks.forms import Rows
from rkblocks.verify.integral import ring

T = TypeVar("T")

PART = 12_000_000
"""Steps that one part of a report may take (`exact.work`): about a second."""
MOST_BITS = 200_000
"""Largest bits of the common denominator times stages (and the degree of the field squared); Verner's pair of order 9
with square roots, 16 stages, needs 105,000 and is by far the largest in the library."""
MOST_WORK = 300_000_000
"""Largest product of those bits with entries times stages, the steps of one elimination; the pair needs 200,000,000."""
MOST_ROOT_PRODUCTS = 100_000
"""Largest number of entries times stages (and the degree of the field squared) beside square roots."""
MOST_TERMS = 12_000
"""Largest number of terms of a polynomial in the parameters, times stages squared, that a family may lead to."""


def within(compute: Callable[[], T], limit: int = PART) -> T | TooLarge:
    """What ``compute`` returns, or how far it came within the budget of one part."""
    try:
        with budget(limit):
            return compute()
    except TooLarge as found:
        return found


def too_large(field: Field, rows: Rows) -> str:
    """Why a form with these rows (A and b, or alpha and beta) is too large, in words; "" where it is not."""
    entries = [entry for row in rows for entry in row if entry]
    m = max(map(len, rows))
    if not field.parameters:
        _, denominator = ring(field).clear(entries)
        degree_squared = (1 << len(field.roots)) ** 2
        bits = denominator.bit_length() * m * degree_squared
        products = len(entries) * m
        if field.roots and products * degree_squared > MOST_ROOT_PRODUCTS:
            return f"{m} stages with square roots in {len(entries)} entries"
        digits = denominator.bit_length() * 3 // 10
        large = bits > MOST_BITS or bits * products > MOST_WORK
        return f"{m} stages, {len(entries)} entries over a common denominator of {digits} digits" if large else ""
    free = {name for entry in entries for name in field.free_parameters(entry)}
    degree = max((max(map(sum, part), default=0) for e in entries for part in (e.numer, e.denom)), default=0)
    terms = comb(degree * m + len(free), len(free)) if free else 1
    roots = (1 << len(field.roots)) ** 2
    if terms * m * m * roots > MOST_TERMS:
        return f"{m} stages with entries of degree {degree} in {len(free)} parameters"
    return ""
