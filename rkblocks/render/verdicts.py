"""The verdicts of a report as short lines: what was found, how certain it is, and the witness where it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rkblocks.verify.report import (
        ClaimReport,
        DeclaredReport,
        EuclideanReport,
        OptimalReport,
        OrderReport,
        Report,
        SspReport,
    )

WIDTH = 64
"""Longest exact number shown in full; the JSON holds all digits."""


def facts(report: Report) -> Iterator[tuple[str, list[str]]]:
    """Yield (label, lines) for every verdict that the report holds."""
    if report.stages is not None:
        typed = "" if report.as_typed is None else f", {report.as_typed.stages} as typed"
        yield "stages", [f"{report.stages}{typed}"]
    if report.order is not None:
        yield "order", list(_order(report.order))
    if report.embedded is not None:
        yield "embedded", [f"order {_holds(report.embedded)}"]
    if report.ssp is not None:
        yield "SSP", list(_ssp(report.ssp))
    if report.contractivity is not None:
        yield "l2", list(_euclidean(report.contractivity.euclidean))
    if report.variance is not None:
        yield "growth", [exact(report.variance.growth, report.variance.growth_float)]
    if report.ineffective:
        yield "no effect", [f"{', '.join(report.ineffective)}: the method does not depend on it"]
    if report.claims:
        yield "claims", list(_claims(report.claims))


def exact(text: str | None, value: float | None) -> str:
    """Return "29/18 = 1.61111": the exact number as far as it is short, and its nearest decimal where that differs."""
    number = "" if value is None else f"{value:.6g}"
    if number and text is not None and _PARAMETER.search(text):
        number += " at the initial values"
    if text is None or len(text) > WIDTH:
        return number or cut(text or "unknown")
    return text if number in ("", text) else f"{text} = {number}"


_PARAMETER = re.compile(r"(?!sqrt\b)\b[A-Za-z]")


def cut(text: str) -> str:
    """Return the text; where it is too long the nearest decimal of a number, or the text without its middle."""
    if len(text) <= WIDTH:
        return text
    return f"{float(Fraction(text)):.12g}" if _is_number(text) else f"{text[: WIDTH // 2]}…{text[-WIDTH // 4 :]}"


def _is_number(text: str) -> bool:
    """Whether the text is a rational number that has a double (and is short enough for Python to read)."""
    try:
        return abs(Fraction(text)) < 10**300
    except ValueError:
        return False


def _order(order: OrderReport) -> Iterator[str]:
    yield _holds(order)
    witness = order.witness
    yield f"not {witness.order}: the tree {witness.tree} gives {cut(witness.left)} instead of {witness.right}"
    if order.remaining and not any(_is_number(text) for text in order.remaining):  # a number left over never vanishes
        yield f"{witness.order} where {' and '.join(f'{cut(text)} = 0' for text in order.remaining)}"


def _holds(order: OrderReport) -> str:
    if order.verdict == "tolerance":
        residual = exact(order.residual, order.residual_float)
        return f"{order.value}, within the tolerance (largest residual {residual}); exactly {order.exact}"
    return f"{order.value}, exactly" if order.verdict == "exact" else "none: no order condition holds"


def _ssp(ssp: SspReport) -> Iterator[str]:
    if ssp.optimal is not None:
        yield from _optimal(ssp.optimal)
    if ssp.declared is not None:
        yield from _declared(ssp.declared)
    if ssp.region and not (ssp.declared is not None and ssp.declared.nonnegative):
        yield "form nonnegative where"
        yield from (f"  {inequality}" for inequality in ssp.region)


def _optimal(optimal: OptimalReport) -> Iterator[str]:
    if optimal.cfl is None and (optimal.cases or optimal.at_init is not None):
        initially = "" if optimal.cfl_float is None else f", initially {optimal.cfl_float:.6g}"
        yield f"optimal depends on the parameters{initially}"
        if optimal.at_least not in (None, "0"):
            yield f"  at least {optimal.at_least} on the whole domain"
        if optimal.zero_at:
            yield f"  0 at {', '.join(f'{name} = {value}' for name, value in optimal.zero_at.items())}"
        for case in optimal.cases or ():
            yield f"  {cut(case.cfl) if case.cfl else 'a root of a polynomial'} where {case.when}"
    else:
        yield f"optimal {exact(optimal.cfl, optimal.cfl_float)}{_certificate(optimal)}"


def _certificate(optimal: OptimalReport) -> str:
    certificate = optimal.certificate
    if certificate is None:
        return ""
    if optimal.cfl == "0":
        return f", {certificate.entry} is negative for every small r > 0"
    if optimal.cfl is not None:
        return f", beyond it {certificate.entry} is negative"
    return f", beyond it {certificate.entry} is negative; root of {cut(polynomial(certificate.polynomial))}"


def _euclidean(found: EuclideanReport) -> Iterator[str]:
    certificate = found.certificate
    if found.at_init is not None and found.rho is None:
        initially = "" if found.rho_float is None else f", initially {found.rho_float:.6g}"
        yield f"rho depends on the parameters{initially}"
        for case in found.cases or ():
            yield f"  {case.rho or f'the root of {cut(polynomial(case.polynomial or ()))}'} where {case.when}"
    elif found.bracket is not None:
        yield f"rho {found.rho_float:.6g} or a little more, both bounds proved"
    elif found.rho is None and found.rho_float is None:
        yield "rho not computed: the numbers are too large"
    elif certificate is not None and certificate.weight is not None:
        yield f"rho 0, the weight {certificate.weight} is not positive"
    elif certificate is None:
        yield f"rho {exact(found.rho, found.rho_float)}"
    else:
        root = "" if found.rho is not None else f"; root of {cut(polynomial(certificate.polynomial))}"
        yield f"rho {exact(found.rho, found.rho_float)}, beyond it B + r M is indefinite{root}"


def _declared(declared: DeclaredReport) -> Iterator[str]:
    if declared.nonnegative:
        yield f"declared {exact(declared.cfl, declared.cfl_float)}, every entry nonnegative"
    elif declared.nonnegative is None:
        yield "declared: undecided whether every entry is nonnegative"
    elif declared.nonnegative_at_init is None:
        yield "declared none: an entry is negative"
    elif declared.nonnegative_at_init:
        start = "" if declared.cfl_at_init is None else f", {declared.cfl_at_init} there"
        yield f"declared none on the whole domain; every entry is nonnegative at the initial values{start}"
    else:
        yield "declared none: an entry is negative, also at the initial values"


def _claims(claims: Sequence[ClaimReport]) -> Iterator[str]:
    true = [f"{claim.claim} {claim.claimed}" for claim in claims if claim.holds]
    if true:
        yield f"true: {', '.join(true)}"
    for claim in claims:
        found = "" if claim.found is None else f", found {cut(claim.found)}"
        if claim.holds is False:
            yield f"FALSE: {claim.claim} {claim.claimed}{found}"
        elif claim.holds is None:
            yield f"undecided: {claim.claim} {claim.claimed}{found}"


def polynomial(coefficients: Sequence[str]) -> str:
    """Return "3 - 2 r + r^2" for the coefficients ["3", "-2", "1"], from the constant term up."""
    result = ""
    for power, text in enumerate(coefficients):
        if text == "0":
            continue
        sign, size = ("-", text[1:]) if text.startswith("-") else ("+", text)
        variable = ("", "r", f"r^{power}")[min(power, 2)]
        term = variable if size == "1" and variable else f"{size} {variable}".rstrip()
        result += f" {sign} {term}" if result else f"{'-' if sign == '-' else ''}{term}"
    return result or "0"
