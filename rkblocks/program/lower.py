"""From a tableau to the program that runs; what is no consistent explicit method is refused here."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from fractions import Fraction

from rkblocks import files, verify
from rkblocks.diagnostics import Diagnostic, Severity, TableauError, fail
from rkblocks.exact.field import Element
from rkblocks.forms import Method, reduce
from rkblocks.program.construction import error_weights
from rkblocks.program.driver import Compiled, choose, fixed
from rkblocks.program.ir import Program
from rkblocks.program.scheme_summary import Summary, summary
from rkblocks.tableau import Tableau
from rkblocks.verify import Report

Source = Tableau | str | os.PathLike[str]


def tableau_of(source: Source) -> Tableau:
    """The tableau itself, or the one that a name, an alias or a path leads to."""
    return source if isinstance(source, Tableau) else files.load(source)


@dataclass(frozen=True)
class Admission:
    """The report on a consistent explicit method; ``at_init``: it speaks of the initial values of a family that is
    consistent there, and that learning may lead away from consistency."""

    report: Report
    at_init: bool = False


def admit(tableau: Tableau, *, inconsistent: bool = False) -> Admission:
    """The report on a method that can be built, as a whole family where that is consistent, else at its initial values.

    inconsistent: whether an explicit method may be of order 0, as a control in experiments.

    Raises:
        TableauError: with the diagnostics that `check` gives, if it is no consistent explicit method even there.
    """
    report = verify.check(tableau)
    if _consistent(report) or (inconsistent and report.order is not None):
        return Admission(report)
    errors = [d for d in report.diagnostics if d.severity is Severity.ERROR]
    if report.order is not None and tableau.parameters and not errors:
        narrowed = verify.check(fixed(tableau))
        if _consistent(narrowed):
            return Admission(narrowed)
        start = verify.check(tableau.at(tableau.initial()))
        if _consistent(start):
            return Admission(start, at_init=True)
    found = [_with_switch(d) if report.order is not None else d for d in errors or report.diagnostics]
    raise TableauError(found, report.source or tableau.name)


def _with_switch(found: Diagnostic) -> Diagnostic:
    """The diagnostic, which also says how to build such a method all the same."""
    switch = "; as a control in experiments, inconsistent=True (net.inconsistent = true in a recipe) builds it"
    return replace(found, help=found.help + switch) if found.code == "RK304" else found


def _consistent(report: Report) -> bool:
    return report.order is not None and report.order.value >= 1


def proved(tableau: Tableau, *, inconsistent: bool = False) -> Summary:
    """What is proved about a method that can be built, in short.  Arguments and TableauError as in `admit`."""
    found = admit(tableau, inconsistent=inconsistent)
    return summary(found.report, at_init=found.at_init)


def step_size(dt: float | Fraction | str) -> Fraction:
    """The step size as an exact number.  RK501 unless it is a positive finite number."""
    try:
        value = Fraction(dt)
        sound = value > 0 and math.isfinite(float(value))
    except (ValueError, OverflowError, TypeError, ZeroDivisionError):
        sound = False
    if not sound:
        fail("RK501", f"the step size is {dt!r}, expected a positive finite number", help="dt=1.0 is the plain block")
    return value


def lower(
    source: Source,
    *,
    dt: float | Fraction | None = 1,
    time: bool = False,
    error: bool = False,
    inconsistent: bool = False,
) -> Program:
    """The cheapest program of one step, each of its passes proved to keep the method.

    Args:
        source: a tableau, or the name or path of one.
        dt: the step size; None for one handed in at run time.
        time: whether the residual takes the time, F(x, t).
        error: whether the program returns the error estimate of an embedded method as well.
        inconsistent: whether an explicit method may be of order 0, as a control in experiments.

    Raises:
        TableauError: for what is no consistent explicit method, with the diagnostics of `check`.
        RkblocksError: RK501 for a step size that is not positive, RK507 for a method that estimates no error.

    Example:
        >>> import rkblocks
        >>> rkblocks.lower("ark").calls
        2
    """
    return explain(source, dt=dt, time=time, error=error, inconsistent=inconsistent)[-1].program


def explain(
    source: Source,
    *,
    dt: float | Fraction | None = 1,
    time: bool = False,
    error: bool = False,
    inconsistent: bool = False,
) -> tuple[Compiled, ...]:
    """The program as lowered and after every pass, with its cost; arguments and errors as in `lower`."""
    tableau = tableau_of(source)
    report = admit(tableau, inconsistent=inconsistent).report
    size = None if dt is None else step_size(dt)
    if error:
        _check_embedded(tableau)
    return choose(tableau, dt=size, time=time, ssp=_rational_optimum(tableau, report), error=error)


def _check_embedded(tableau: Tableau) -> None:
    """RK507 unless there are embedded weights, and they make another method than the weights themselves."""
    if tableau.butcher_form.b_hat is None:
        fail(
            "RK507",
            f"{tableau.name} has no embedded weights b_hat, so its error cannot be estimated",
            help="`rkblocks list` shows embedded methods: bs3, dopri5, tsit5, ...",
        )
    if not any(reduce(Method(tableau.field, tableau.butcher_form.A, error_weights(tableau))).b):
        fail("RK507", f"the embedded weights of {tableau.name} make the same method as b: the estimate is always zero")


def _rational_optimum(tableau: Tableau, report: Report) -> Element | None:
    """The optimal SSP coefficient, where it is a positive rational number and no family's."""
    if tableau.parameters or report.ssp is None or report.ssp.optimal is None or report.ssp.optimal.number is None:
        return None
    value = report.ssp.optimal.number.fraction
    return fixed(tableau).field.rational(value) if value else None
