"""What the checker proved about a scheme, in the short form that a block and an emitted file carry."""

from __future__ import annotations

from dataclasses import dataclass

from rkblocks.exact.value import Exact
from rkblocks.verify import Report
from rkblocks.verify.report import DeclaredReport, EuclideanReport, OptimalReport

NOT_SSP = "not SSP"
_EXACT = 24
"""Exact numbers with more characters than this are shown as decimals."""


@dataclass(frozen=True)
class Summary:
    """``order``; ``ssp``: optimal SSP coefficient; ``declared``: that of the form as written; ``growth`` by Lemma 3.

    ``constant``: ``ssp`` is one number, written as a fraction or digits; ``embedded``: order of the embedded method;
    ``at_init``: all of it holds at the initial values of a family that is consistent there, but not everywhere;
    ``free_c``: c is not the row sums of A, and the order is that for residuals without time; ``rho``: radius of circle
    contractivity.
    """

    order: int
    ssp: str
    declared: str
    growth: str
    at_init: bool = False
    embedded: int | None = None
    free_c: bool = False
    rho: str = "unknown"
    constant: bool = True

    @property
    def stability(self) -> str:
        """The SSP coefficient in words."""
        return self.ssp if self.ssp.startswith(NOT_SSP) else f"SSP coefficient {self.ssp}"

    @property
    def bound(self) -> str:
        """The step sizes that are strong stability preserving, given one dt_FE for which the Euler step is."""
        if self.ssp.startswith(NOT_SSP) or self.at_init:
            return ""
        return f"SSP while dt <= {self.ssp if self.constant else 'C'} dt_FE"

    @property
    def label(self) -> str:
        """Order and SSP coefficient in one line."""
        found = f"order {self.order}, {self.stability}"
        return f"consistent at the start of training only ({found} there; RK320)" if self.at_init else found


def summary(report: Report, *, at_init: bool = False) -> Summary:
    """The summary of a report on a consistent explicit method; with ``at_init`` of a family at its initial values."""
    assert report.order is not None
    optimal = None if report.ssp is None else report.ssp.optimal
    declared = None if report.ssp is None else report.ssp.declared
    variance = report.variance
    return Summary(
        report.order.value,
        "unknown" if optimal is None else _optimum(optimal),
        "no Shu-Osher form in the file" if declared is None else _declared(declared),
        "unknown" if variance is None else number(variance.number),
        at_init,
        None if report.embedded is None else report.embedded.value,
        any(found.code == "RK311" for found in report.diagnostics),
        "unknown" if report.contractivity is None else _rho(report.contractivity.euclidean),
        optimal is not None and _is_constant(optimal),
    )


def number(exact: Exact | None) -> str:
    """An exact number as text; a long fraction, or a number that has no text, as its leading digits."""
    if exact is None:
        return "unknown"
    short = exact.text is not None and len(exact.text) <= _EXACT
    if exact.text is not None and (short or exact.fraction is None):
        return exact.text
    nearest = exact.nearest
    if nearest is None:
        return str(exact)
    digits = f"{nearest:.15g}"
    return f"{digits[:13]}…" if "e" not in digits else f"{nearest:.9g}"


def _declared(declared: DeclaredReport) -> str:
    none = "none, negative entries"
    if declared.number is not None:
        return number(declared.number)
    if declared.nonnegative_at_init is None:
        return none
    return f"{none if declared.at_init is None else number(declared.at_init)} at the start of training"


def _is_constant(optimal: OptimalReport) -> bool:
    """Whether `_optimum` is a fraction or the digits of one number."""
    if optimal.number is None:
        return optimal.bracket is not None
    return optimal.at_init is None and (optimal.number.fraction is not None or optimal.number.text is None)


def _rho(found: EuclideanReport) -> str:
    if found.at_init is None:
        return number(found.known)
    if found.rho is not None:
        return found.rho
    if found.cases and all(case.rho for case in found.cases):
        return "; ".join(f"{case.rho} for {case.when}" for case in found.cases)
    return f"{_rho(found.at_init)} at the start of training"


def _optimum(optimal: OptimalReport) -> str:
    if optimal.cases:
        if all(case.number is not None and case.number.is_zero for case in optimal.cases):
            return NOT_SSP
        return "; ".join(f"{case.number or 'a root'} for {case.when}" for case in optimal.cases)
    if optimal.at_init is not None:
        always = f", at least {optimal.at_least} whatever is learned" if optimal.at_least else ""
        return f"{_optimum(optimal.at_init)} at the start of training{always}"
    return NOT_SSP if optimal.number is not None and optimal.number.is_zero else number(optimal.known)
