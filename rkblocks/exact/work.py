"""Bounds on work, counted in steps of the algorithms and never in seconds: a file gets the same report everywhere.

Whoever computes one part of a report opens a `budget`; the algorithms below it `spend` what they are about to do, and
`TooLarge` ends the part, with bounds that are proved by then.  A part has its own budget, whatever was computed before
it and whoever asks first, so that neither caches nor the order of questions change a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

T = TypeVar("T")

PART = 12_000_000
"""Steps that one part of a report may take: about a second."""
UNIT = 500
"""Bits of an integer that cost as much again as the step itself."""
SQUARE = 90_000
"""The same for a product: bits of one factor times bits of the other."""


class TooLarge(Exception):  # noqa: N818 (a limit, not an error)
    """The number asked for would take too much work; where ``low`` is known, it lies in [low, high).

    ``reason`` says what is too large, where it is not the number of steps.
    """

    def __init__(self, low: Fraction | None = None, high: Fraction | None = None, reason: str = "") -> None:
        super().__init__("too large")
        self.low = low
        self.high = high
        self.reason = reason

    @property
    def bounds(self) -> tuple[Fraction, Fraction] | None:
        """Both bounds, where they are known."""
        return None if self.low is None or self.high is None else (self.low, self.high)


@dataclass
class Work:
    """Steps spent of a ``limit``; ``total`` has those of budgets opened inside as well, which have their own limit."""

    limit: int
    spent: int = 0
    total: int = 0


_current: ContextVar[Work | None] = ContextVar("work", default=None)


@contextmanager
def budget(limit: int) -> Iterator[Work]:
    """A budget of its own for what is computed inside: TooLarge is raised beyond ``limit`` steps of about 0.1 us."""
    work, outer = Work(limit), _current.get()
    token = _current.set(work)
    try:
        yield work
    finally:
        _current.reset(token)
        work.total += work.spent
        if outer is not None:
            outer.total += work.total


def within(compute: Callable[[], T], limit: int = PART) -> T | TooLarge:
    """What ``compute`` returns, or how far it came within the budget of one part."""
    try:
        with budget(limit):
            return compute()
    except TooLarge as found:
        return found


def price(steps: int, bits: int = 0, by: int = 0) -> int:
    """What ``steps`` on integers of so many ``bits`` (products ``by`` so many) take from a budget."""
    return steps * (1 + bits // UNIT + bits * by // SQUARE)


def spend(steps: int, bits: int = 0, by: int = 0) -> None:
    """Take the `price` of these steps from the budget in force, if any.

    Raises TooLarge where it exceeds what is left.
    """
    work = _current.get()
    if work is not None:
        work.spent += price(steps, bits, by)
        if work.spent > work.limit:
            raise TooLarge
