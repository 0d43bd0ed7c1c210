"""What every part of a report is: a frozen value with the keys of its JSON object.

What is exact is held as an `Exact`, a `Fraction` or a `Root`; where the JSON has text and a double for it, both are
properties made from it.  So whoever needs the number takes the number, and text is for people and files alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from rkblocks.diagnostics import Diagnostic
from rkblocks.exact.roots import Root
from rkblocks.exact.value import Exact, fraction_text, int_text
from rkblocks.exact.work import TooLarge
from rkblocks.verify.values import BEYOND, bounds_text


class Part:
    """One object of the JSON; ``JSON`` has its keys in order, a question mark behind one that is left out where it
    would be null or empty."""

    JSON: ClassVar[tuple[str, ...]]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object; a new one at every call."""
        found = {}
        for key in self.JSON:
            name = key.rstrip("?")
            value = getattr(self, name)
            if name == key or not (value is None or value == () or value == {}):
                found[name] = plain(value)
        return found


@dataclass(frozen=True)
class Radius(Part):
    """The largest step of a scheme: its number, or proven bounds of it, or why there is none."""

    number: Exact | None
    bracket: tuple[Fraction, Fraction] | None = None
    absent: str | None = None

    @property
    def known(self) -> Exact | None:
        """The number, or the lower one of its proven bounds."""
        return self.number if self.bracket is None else Exact.rational(self.bracket[0])

    @property
    def nearest(self) -> float | None:
        """The double nearest to what is known."""
        return None if self.known is None else self.known.nearest


class Table(Part, Mapping[str, Any]):
    """A part that can be read by the keys of its JSON, too."""

    def __getitem__(self, key: str) -> Any:
        return self.to_dict()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_dict())

    def __len__(self) -> int:
        return len(self.to_dict())


def plain(value: Any) -> Any:
    if isinstance(value, Part | Diagnostic):
        return value.to_dict()
    if isinstance(value, Exact):
        return value.text
    if isinstance(value, Fraction):
        return fraction_text(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


@dataclass(frozen=True)
class RootReport(Table):
    """A real algebraic number, with what defines it; ``entry`` names the condition that fails beyond it.

    Where it is beyond the budget, ``root`` has what is proved: low <= number < high.
    """

    root: Root | TooLarge
    entry: str | None = None

    @property
    def number(self) -> Exact | None:
        """The number; None beyond the budget."""
        return None if isinstance(self.root, TooLarge) else Exact.root(self.root)

    @property
    def absent(self) -> str | None:
        """Why there is no number."""
        return BEYOND if isinstance(self.root, TooLarge) else None

    @property
    def bounds(self) -> str | None:
        """The proved bounds of a number beyond the budget, for a message."""
        return bounds_text(self.root.low or Fraction(0), self.root.high) if isinstance(self.root, TooLarge) else None

    @property
    def nearest(self) -> float | None:
        """The nearest double, where it is known."""
        if not isinstance(self.root, TooLarge):
            return Exact.root(self.root).nearest
        ends = {Exact.rational(end).nearest for end in (self.root.low, self.root.high) if end is not None}
        return ends.pop() if len(ends) == 1 and self.root.bounds is not None else None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        if isinstance(self.root, TooLarge):
            low, high = self.root.low or Fraction(0), self.root.high
            proved = [fraction_text(low), None if high is None else fraction_text(high)]
            absent = {"bounds": self.bounds, "absent": self.absent}
            return {"value": None, "float": self.nearest, "polynomial": None, "interval": proved, **absent}
        polynomial, interval = map(list, definition(self.root))
        found = {
            "value": Exact.root(self.root).text,
            "float": self.nearest,
            "polynomial": polynomial,
            "interval": interval,
        }
        return found if self.entry is None else found | {"entry": self.entry}


@dataclass(frozen=True)
class RootSample(Part):
    """A root of a family's polynomial in r by its value for one value of the parameter."""

    name: str
    at: Fraction
    root: Root

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "at": {self.name: fraction_text(self.at)},
            "float": Exact.root(self.root).nearest,
            "interval": list(definition(self.root)[1]),
        }


def definition(root: Root) -> tuple[tuple[str, ...], tuple[str, str]]:
    """What defines a root: its minimal polynomial over the integers, and an interval that holds no other root of it."""
    low, high = fraction_text(root.low), fraction_text(root.high)
    return tuple(int_text(c) for c in root.polynomial), (low, high)
