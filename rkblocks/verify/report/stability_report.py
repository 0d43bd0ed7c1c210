"""What a report says of growth and stability: Lemma 3, polynomials, intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rkblocks.exact.value import Exact
from rkblocks.verify.report.part import Part, RootReport, Table, plain


@dataclass(frozen=True)
class MinimumReport(Table):
    """The least growth over a family, where the parameter ``name`` is ``place`` (None: as it grows without bound).

    ``taken`` is False where stages coincide there: the growth is approached, and that of the member itself is larger.
    """

    number: Exact
    name: str
    place: Exact | None
    inside: bool
    taken: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        found = {
            "growth": self.number.text,
            "growth_float": self.number.nearest,
            "at": {self.name: plain(self.place)},
            "inside": self.inside,
        }
        return found if self.taken else found | {"taken": False}


@dataclass(frozen=True)
class VarianceReport(Part):
    """Growth of the variance in one step by Lemma 3, stage by stage; ``minimum`` over a family with one parameter, or
    why there is none."""

    JSON = ("growth", "growth_float", "stages", "assumptions", "minimum?", "minimum_absent?", "absent?")

    number: Exact | None
    at_init: Exact
    each: tuple[Exact, ...]
    assumptions: tuple[str, ...]
    minimum: MinimumReport | None = None
    minimum_absent: str | None = None
    absent: str | None = None

    @property
    def growth(self) -> str | None:
        """The growth as text; None where it is too long for that, or ``absent`` says why there is none."""
        return None if self.number is None else self.number.text

    @property
    def growth_float(self) -> float | None:
        """The nearest double; for a family that at the initial values."""
        return self.at_init.nearest

    @property
    def stages(self) -> tuple[str | None, ...]:
        """The growth up to each stage as text."""
        return tuple(stage.text for stage in self.each)


@dataclass(frozen=True)
class Intervals:
    """The stability intervals of a polynomial, from 0; None for one that is too large to isolate."""

    real: RootReport | None
    imaginary: RootReport | None


@dataclass(frozen=True)
class StabilityReport(Table):
    """The stability polynomial, and its intervals; where parameters occur in it ``absent`` says so, and there are none.

    ``meant`` are the intervals of the polynomial that a table of decimals was rounded from, where they may differ;
    ``rounded`` is the real one where |psi| may exceed 1 by what half a unit of the last digits can change.
    """

    coefficients: tuple[Exact, ...]
    linear_order: int
    intervals: Intervals | None = None
    linear_order_exact: int | None = None
    meant: Intervals | None = None
    rounded: RootReport | None = None
    absent: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The JSON object."""
        found: dict[str, Any] = {
            "polynomial": [c.text for c in self.coefficients],
            "linear_order": self.linear_order,
            **_intervals(self.intervals),
        }
        if self.absent is not None:
            found["absent"] = self.absent
        if self.rounded is not None:
            found["real_rounded"] = plain(self.rounded)
        if self.meant is not None:
            found |= {"linear_order_exact": self.linear_order_exact, "meant": _intervals(self.meant)}
        return found


def _intervals(found: Intervals | None) -> dict[str, Any]:
    return {} if found is None else {"real": plain(found.real), "imaginary": plain(found.imaginary)}


@dataclass(frozen=True)
class InternalReport(Part):
    """Internal stability polynomials, one a stage, constant coefficient first, of each form as written."""

    JSON = ("butcher", "shu_osher?")

    butcher: tuple[tuple[Exact, ...], ...]
    shu_osher: tuple[tuple[Exact, ...], ...] | None = None
