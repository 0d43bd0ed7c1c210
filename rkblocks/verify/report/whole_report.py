"""The report on one tableau, with the keys of the JSON of `rkblocks check --format json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from rkblocks.diagnostics import Diagnostic
from rkblocks.exact.value import Exact
from rkblocks.shown import Typeset
from rkblocks.verify.report.contractivity_report import ContractivityReport
from rkblocks.verify.report.order_report import OrderReport, ResidualReport, TimedReport
from rkblocks.verify.report.part import Part, Table
from rkblocks.verify.report.ssp_report import DownwindReport, OptimalReport, SspReport
from rkblocks.verify.report.stability_report import InternalReport, StabilityReport, VarianceReport


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
