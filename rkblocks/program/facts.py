"""What the checker proved about a scheme, in the short form that a block and an emitted file carry."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rkblocks.verify import Report
from rkblocks.verify.report import OptimalReport

NOT_SSP = "not SSP"


@dataclass(frozen=True)
class Facts:
    """``order``; ``ssp``: optimal SSP coefficient; ``declared``: that of the form as written; ``growth`` by Lemma 3."""

    order: int
    ssp: str
    declared: str
    growth: str

    @property
    def stability(self) -> str:
        """The SSP coefficient in words."""
        return self.ssp if self.ssp == NOT_SSP else f"SSP coefficient {self.ssp}"


def facts(report: Report) -> Facts:
    """The facts of a report on a consistent explicit method."""
    assert report.order is not None
    ssp = "unknown" if report.ssp is None or report.ssp.optimal is None else _optimum(report.ssp.optimal)
    declared = None if report.ssp is None else report.ssp.declared
    if declared is None:
        form = "no Shu-Osher form in the file"
    elif declared.nonnegative_at_init is not None:
        form = declared.cfl or f"{declared.cfl_at_init or 'none, negative entries'} at the start of training"
    else:
        form = declared.cfl or "none, negative entries"
    return Facts(report.order.value, ssp, form, (report.variance and report.variance.growth) or "unknown")


def _optimum(optimal: OptimalReport) -> str:
    if optimal.cases:
        if all(case.cfl == "0" for case in optimal.cases):
            return NOT_SSP
        return "; ".join(f"{case.cfl or 'a root'} for {case.when}" for case in optimal.cases)
    if optimal.cfl is not None:
        return NOT_SSP if optimal.cfl == "0" else optimal.cfl
    if optimal.cfl_float is not None and math.isfinite(optimal.cfl_float):
        return f"{optimal.cfl_float:.12g}…"
    if optimal.at_init is not None:
        return f"{_optimum(optimal.at_init)} at the start of training"
    return "unknown"
