"""`check`: everything that can be said about a tableau, as a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import PurePath

from rkblocks.diagnostics import Diagnostic, RkblocksError, Severity, diagnostic
from rkblocks.exact.decimals import decimal_text
from rkblocks.files.claims import tolerance_of
from rkblocks.tableau import Origin, Tableau
from rkblocks.verify.compared_claims import judge
from rkblocks.verify.consistency import structure
from rkblocks.verify.facts import Facts
from rkblocks.verify.findings import FINDINGS
from rkblocks.verify.report import Report
from rkblocks.verify.report_from_facts import (
    contractivity_part,
    embedded_part,
    method_part,
    order_part,
    ssp_part,
    stability_part,
    timed_part,
    typed_part,
    variance_part,
)
from rkblocks.verify.requests import MOST_ORDER, NONE, Requests, answered


def check(
    subject: Tableau | str | PurePath,
    tolerance: str | Fraction | None = None,
    *,
    residuals: int = 0,
    internal: bool = False,
    downwind: bool = False,
) -> Report:
    """The report on a tableau, a library name, a path, or "-" for standard input.

    Args:
        tolerance: a decimal below 1, taken in place of the file's for this report, which says so (RK342).
        residuals: the report has every order condition up to this order, at most 10.
        internal: the report has the internal stability polynomials.
        downwind: the report has the optimal splitting with downwind operators, and its coefficient.

    Nothing is raised for what a file may contain: one that cannot be read gives a report with ``ok`` False and the
    diagnostics.  Tableaus are examined once and remembered.

    Raises RkblocksError where there is no such scheme or file, or it cannot be opened (RK001 to RK004), or the
    tolerance is none (RK145).

    >>> check("ssp3").ssp.optimal.cfl
    '1'
    """
    if not 0 <= residuals <= MOST_ORDER:
        raise ValueError(f"residuals are listed up to order {MOST_ORDER}, not {residuals}")
    report = check_argument(subject, tolerance, Requests(residuals, internal, downwind))
    missing = [d for d in report.diagnostics if d.code in _MISSING]
    if missing:
        raise RkblocksError(missing, report.source)
    return report


_MISSING = ("RK001", "RK002", "RK003", "RK004")


def check_argument(
    subject: Tableau | str | PurePath,
    tolerance: str | Fraction | None = None,
    requests: Requests = NONE,
) -> Report:
    """As `check`, but for an argument of the command line: one that names nothing has a report as well."""
    if isinstance(subject, Tableau):
        source = subject.origin.source if subject.origin is not None else ""
        return _report(subject, tolerance, requests, source, subject.origin, ())
    from rkblocks.files.reader import read

    reading = read(subject)
    if reading.tableau is None:
        return Report(reading.source, reading.name, False, None, None, None, None, (), reading.diagnostics)
    return _report(reading.tableau, tolerance, requests, reading.source, reading.origin, reading.diagnostics)


def _report(
    tableau: Tableau,
    tolerance: str | Fraction | None,
    requests: Requests,
    source: str,
    origin: Origin | None,
    before: tuple[Diagnostic, ...],
) -> Report:
    if tolerance is not None:
        value = tolerance_of(tolerance)
        own = decimal_text(tableau.tolerance) if tableau.tolerance else "0"
        message = f"checked with the tolerance {decimal_text(value)}, in place of the file's {own}"
        help = "blocks, sources and training read the file: write it there to keep it"
        before = (*before, diagnostic("RK342", message, help=help))
        tableau = replace(tableau, tolerance=value)
    report = _whole(tableau)
    if report.order is not None and requests != NONE:
        report = answered(report, Facts(tableau), requests)
    return _placed(report, source, origin, before)


def _whole(tableau: Tableau) -> Report:
    """The report without source and places; of a family with a pole that no reader finds, at the point that met it."""
    try:
        return _examine(tableau)
    except ZeroDivisionError as pole:
        message = f"{pole}, within the domain of its parameters"
        help = "narrow the domain; a pole may lie at an end point, which training never reaches"
        found = diagnostic("RK218", message, path="/parameters", help=help)
        return Report("", tableau.name, False, tableau.stages, None, None, None, (), (found,))


@lru_cache(maxsize=256)
def _examine(tableau: Tableau) -> Report:
    """The report without source and places: what depends on the tableau alone."""
    facts = Facts(tableau)
    problems, usable = structure(facts)
    if not usable:
        return Report("", tableau.name, False, tableau.stages, None, None, None, (), problems)
    claims, false_claims = judge(facts)
    remarks = [found for finding in FINDINGS for found in finding(facts)]
    diagnostics = (*problems, *false_claims, *remarks)
    return Report(
        source="",
        name=tableau.name,
        ok=not any(d.severity is Severity.ERROR for d in diagnostics),
        stages=len(facts.reduced.kept),
        order=order_part(facts),
        ssp=ssp_part(facts),
        variance=variance_part(facts),
        claims=claims,
        diagnostics=diagnostics,
        ineffective=tuple(p.name for p in facts.ineffective),
        nonautonomous=timed_part(facts),
        embedded=embedded_part(facts),
        stability=stability_part(facts),
        method=method_part(facts),
        as_typed=typed_part(facts),
        contractivity=contractivity_part(facts),
    )


def _placed(report: Report, source: str, origin: Origin | None, before: tuple[Diagnostic, ...]) -> Report:
    """The report for one source: line and column of every diagnostic, in the order of the file."""
    places: Mapping[str, tuple[int, int]] = origin.positions if origin is not None else {}
    found = [_located(d, places) for d in report.diagnostics]
    return replace(report, source=source, diagnostics=(*before, *found), ok=report.ok)


def _located(found: Diagnostic, places: Mapping[str, tuple[int, int]]) -> Diagnostic:
    """The diagnostic with line and column of the value it points to, or of the nearest one around that."""
    path = found.path
    while path and path not in places:
        path = path.rpartition("/")[0]
    line, column = places.get(path, (None, None)) if path else (None, None)
    return replace(found, line=line, column=column)
