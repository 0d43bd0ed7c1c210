"""What a report says of the order: conditions, witnesses, norms of errors."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from rkblocks.exact.value import Exact
from rkblocks.verify.report.part import Part, Table
from rkblocks.verify.values import BEYOND

LONG = 64
"""Beside a longer text, or none, the JSON of a witness has the nearest double."""


@dataclass(frozen=True)
class Witness(Part):
    """The first condition that fails: tree as brackets, its number of nodes, and both sides."""

    JSON = ("tree", "order", "left", "right", "left_float?")

    tree: str
    order: int
    value: Exact
    expected: Fraction

    @property
    def left(self) -> str:
        """The left side as text."""
        return self.value.brief(0) if self.value.text is None else self.value.text

    @property
    def right(self) -> str:
        """The right side as text."""
        return str(self.expected)

    @property
    def left_float(self) -> float | None:
        """The double nearest to a left side that is long as text, or too long for any."""
        return self.value.nearest if self.value.text is None or len(self.value.text) > LONG else None


@dataclass(frozen=True)
class ErrorNorm(Table):
    """The norm of the principal error, by its ``square``; None where that is beyond the budget."""

    square: Exact | None

    @property
    def absent(self) -> str | None:
        """Why there is no norm."""
        return BEYOND if self.square is None else None

    @property
    def nearest(self) -> float | None:
        """The norm as a double, where it is a number."""
        value = None if self.square is None else self.square.nearest
        return None if value is None or value < 0 else float(value**0.5)

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        if self.square is None:
            return {"square": None, "float": None, "absent": self.absent}
        return {"square": self.square.text, "float": self.nearest}


@dataclass(frozen=True)
class OrderReport(Part):
    """The highest order that holds; ``exact`` is the highest that holds without the tolerance.

    ``remaining`` are the expressions that must vanish for the next order, in a family.
    """

    JSON: ClassVar[tuple[str, ...]] = (
        *("value", "verdict", "residual", "witness", "exact"),
        *("residual_float?", "stage_order?", "principal_error?", "remaining?"),
    )

    value: int
    verdict: str
    largest: Exact
    witness: Witness
    exact: int
    stage_order: int | None = None
    principal_error: ErrorNorm | None = None
    remaining: tuple[Exact, ...] | None = None

    @property
    def residual(self) -> str:
        """The largest residual of the conditions that hold, as text."""
        return self.largest.text if self.largest.text is not None else self.largest.above()

    @property
    def residual_float(self) -> float | None:
        """The double nearest to the largest residual."""
        return self.largest.nearest


@dataclass(frozen=True)
class TimedReport(Part):
    """The order for F(x, t) with the declared c; ``witness`` None: that for F(x) is no higher.
    Beyond the budget ``value`` is what is proved, ``most`` the order for F(x), and ``absent`` says why it ends there.

    In its tree ``t`` stands for a derivative of F with respect to time, which gives c where a leaf gives A e.
    """

    JSON = ("value", "verdict", "residual", "witness", "exact", "most?", "absent?")

    value: int
    verdict: str
    exact: int
    largest: Exact
    witness: Witness | None
    most: int | None = None

    @property
    def absent(self) -> str | None:
        """Why it was not decided whether the order is higher."""
        return None if self.most is None else BEYOND

    @property
    def residual(self) -> str:
        """The largest residual of the conditions that hold, as text."""
        return self.largest.text if self.largest.text is not None else self.largest.above()


@dataclass(frozen=True)
class ResidualReport(Part):
    """One order condition: the tree as brackets, its number of nodes, both sides, and left - right."""

    JSON = ("tree", "order", "left", "right", "residual", "residual_float")

    tree: str
    order: int
    value: Exact
    expected: Fraction
    rest: Exact

    @property
    def left(self) -> str:
        """The left side as text."""
        return str(self.value)

    @property
    def right(self) -> str:
        """The right side as text."""
        return str(self.expected)

    @property
    def residual(self) -> str:
        """left - right as text."""
        return str(self.rest)

    @property
    def residual_float(self) -> float | None:
        """The nearest double, None in a family."""
        return self.rest.nearest
