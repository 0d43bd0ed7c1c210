"""The whole report on one tableau, with what it says of the order, of stability, of growth and of claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar

from rkblocks.diagnostics import Diagnostic
from rkblocks.exact.value import Exact
from rkblocks.shown import Typeset
from rkblocks.verify.report.part import Part, RootReport, Table, plain
from rkblocks.verify.report.radii import ContractivityReport, DownwindReport, OptimalReport, SspReport
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


class Holding(Part):
    """Conditions that hold, some of them within the tolerance: ``largest`` is the largest residual."""

    largest: Exact

    @property
    def residual(self) -> str:
        """The largest residual of the conditions that hold, as text."""
        return self.largest.text if self.largest.text is not None else self.largest.above()


@dataclass(frozen=True)
class OrderReport(Holding):
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
    def residual_float(self) -> float | None:
        """The double nearest to the largest residual."""
        return self.largest.nearest


@dataclass(frozen=True)
class TimedReport(Holding):
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


@dataclass(frozen=True)
class EmbeddedReport(OrderReport):
    """The order of (A, b_hat), with the figures of this method; ``optimal`` and ``growth`` of a family's are at its
    initial values.  They are None where it is not consistent."""

    JSON: ClassVar[tuple[str, ...]] = (*OrderReport.JSON, "ssp?", "growth?", "growth_float?")

    optimal: OptimalReport | None = None
    number: Exact | None = None
    initially: Exact | None = None

    @property
    def ssp(self) -> Mapping[str, Any] | None:
        """The optimal SSP coefficient, as `SspReport` has it."""
        return None if self.optimal is None else {"optimal": self.optimal}

    @property
    def growth(self) -> str | None:
        """Growth of the variance in one step by Lemma 3, as text."""
        return None if self.number is None else self.number.text

    @property
    def growth_float(self) -> float | None:
        """The nearest double; for a family that at the initial values."""
        return None if self.initially is None else self.initially.nearest


@dataclass(frozen=True)
class MethodReport(Table):
    """The reduced method, which is all that a certificate speaks of; rows of A below the diagonal."""

    A: tuple[tuple[Exact, ...], ...]
    b: tuple[Exact, ...]

    def to_dict(self) -> dict[str, Any]:
        """The JSON object; all digits of every entry, however many."""
        return {"A": [[entry.whole for entry in row] for row in self.A], "b": [entry.whole for entry in self.b]}


@dataclass(frozen=True)
class TypedReport(Part):
    """The figures of the table as written, where stages were removed."""

    JSON = ("stages", "optimal", "variance")

    stages: int
    optimal: OptimalReport | None
    variance: VarianceReport


@dataclass(frozen=True)
class ClaimReport(Part):
    """One claim of the file; ``holds`` is None where it could not be decided."""

    JSON = ("claim", "claimed", "found", "holds")

    claim: str
    claimed: str
    found: str | None
    holds: bool | None


@dataclass(frozen=True)
class Report(Typeset, Part):
    """Everything `check` found; parts that could not be computed are None.

    `to_dict` is the JSON object of `rkblocks check --format json`.
    """

    JSON = (
        *("source", "name", "ok", "stages", "order", "ssp", "variance", "claims", "diagnostics"),
        *("ineffective?", "nonautonomous?", "embedded?", "stability?", "method?", "as_typed?", "contractivity"),
        *("residuals?", "internal_stability?", "downwind?"),
    )

    source: str
    name: str | None
    ok: bool
    stages: int | None
    order: OrderReport | None
    ssp: SspReport | None
    variance: VarianceReport | None
    claims: tuple[ClaimReport, ...]
    diagnostics: tuple[Diagnostic, ...]
    ineffective: tuple[str, ...] | None = None
    nonautonomous: TimedReport | None = None
    embedded: EmbeddedReport | None = None
    stability: StabilityReport | None = None
    method: MethodReport | None = None
    as_typed: TypedReport | None = None
    contractivity: ContractivityReport | None = None
    residuals: tuple[ResidualReport, ...] | None = None
    internal_stability: InternalReport | None = None
    downwind: DownwindReport | None = None

    @cached_property
    def status(self) -> int:
        """The exit status that this report alone leads to: 0, 1 or 2."""
        return max((d.status for d in self.diagnostics), default=0)
