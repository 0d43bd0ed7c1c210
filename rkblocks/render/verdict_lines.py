"""The verdicts of a report as short lines: what was found, how certain it is, and the witness where it ends.

`details` is what `check --verbose` adds: stage order, error norm, linear stability, and the growth stage by stage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rkblocks.escape import line
from rkblocks.exact.value import Exact, int_text

if TYPE_CHECKING:
    from fractions import Fraction

    from rkblocks.verify.report import (
        CaseReport,
        ClaimReport,
        DeclaredReport,
        DownwindReport,
        EmbeddedReport,
        EuclideanReport,
        InternalReport,
        OptimalReport,
        OrderReport,
        Report,
        ResidualReport,
        RhoCase,
        RootReport,
        SspReport,
        StabilityReport,
        TimedReport,
        VarianceReport,
        Witness,
    )


WIDTH = 64
"""Longest exact number shown in full; the JSON holds all digits."""

EASY = 24
"""Longest left side of a condition that is shown without the nearest decimal."""


def facts(report: Report) -> Iterator[tuple[str, list[str]]]:
    """Yield (label, lines) for every verdict that the report holds."""
    if report.stages is not None:
        typed = "" if report.as_typed is None else f", {report.as_typed.stages} as typed"
        yield "stages", [f"{report.stages}{typed}"]
    if report.order is not None:
        yield "order", [*_order(report.order), *_timed(report.nonautonomous)]
    if report.embedded is not None:
        yield "embedded", list(_embedded(report.embedded))
    if report.ssp is not None:
        yield "SSP", list(_ssp(report.ssp))
    if report.contractivity is not None:
        yield "l2", list(_euclidean(report.contractivity.euclidean))
    if report.variance is not None:
        variance = report.variance
        missing = f"{variance.at_init.brief(WIDTH)} at the initial values; no formula: it {variance.absent}"
        yield "growth", [missing if variance.absent else exact(variance.number, variance.growth_float)]
    if report.ineffective:
        yield "no effect", [f"{', '.join(report.ineffective)}: the method does not depend on it"]
    if report.claims:
        yield "claims", list(_claims(report.claims))


def exact(number: Exact | None, start: float | None = None) -> str:
    """Return "29/18 = 1.61111": the exact number as far as it is short, and its nearest decimal where that differs.

    start: of an expression, its value at the initial values of the parameters.
    """
    if number is None:
        return "unknown"
    nearest = start if number.parameters else number.nearest
    decimal = (
        ""
        if nearest is None or not (nearest or number.is_zero)
        else f"{nearest:.6g}" + (" at the initial values" if number.parameters else "")
    )
    if number.text is None or len(number.text) > WIDTH:
        return decimal or number.brief(WIDTH)
    return number.text if decimal in ("", number.text) else f"{number.text} = {decimal}"


def cut(text: str) -> str:
    """Return the text; where it is too long without its middle."""
    return text if len(text) <= WIDTH else f"{text[: WIDTH // 2]}…{text[-WIDTH // 4 :]}"


def _order(order: OrderReport) -> Iterator[str]:
    yield _holds(order)
    witness = order.witness
    yield f"not {witness.order}: {_gives(witness)}"
    if order.remaining and not any(left.is_number for left in order.remaining):  # a number left over never vanishes
        yield f"{witness.order} where {' and '.join(f'{left.brief(WIDTH)} = 0' for left in order.remaining)}"


def _embedded(embedded: EmbeddedReport) -> Iterator[str]:
    yield f"order {_holds(embedded)}"
    if embedded.optimal is not None:
        error = embedded.principal_error
        norm = "" if error is None or error.nearest is None else f", principal error norm {error.nearest:.6g}"
        growth = exact(embedded.number, embedded.growth_float)
        yield f"C = {exact(embedded.optimal.number, embedded.optimal.cfl_float)}, growth {growth}{norm}"


def _gives(witness: Witness) -> str:
    """What a condition gives instead of what it should, and by how much the two differ where they look the same."""
    apart, left, right = "", witness.value.fraction, witness.expected
    if left is not None and abs(left - right) * 10**6 < right:
        apart = f" (off by {witness.value.rational(abs(left - right)).above(3)})"
    found = witness.value.brief(WIDTH) if len(witness.left) <= EASY or apart else exact(witness.value)
    return f"the tree {witness.tree} gives {found} instead of {witness.right}{apart}"


def _timed(timed: TimedReport | None) -> Iterator[str]:
    if timed is not None:
        exactly = f", within the tolerance; exactly {timed.exact}" if timed.verdict == "tolerance" else ""
        least = "" if timed.most is None else "at least "
        yield f"for F(x, t), with the c of the file: {least}{timed.value or 'none'}{exactly}"
        if timed.absent is not None:
            yield f"up to {timed.most} there was not decided: it {timed.absent}"
        if timed.witness is not None:
            yield f"not {timed.witness.order} there: {_gives(timed.witness)}"


def _holds(order: OrderReport) -> str:
    if order.verdict == "tolerance":
        residual = exact(order.largest)
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
    if optimal.number is None and (optimal.cases or optimal.at_init is not None):
        yield from _varies("optimal", optimal.cfl_float, optimal.absent)
        if optimal.at_least_absent:
            yield f"  no bound on the whole domain: it {optimal.at_least_absent}"
        if optimal.at_least:
            yield f"  at least {optimal.at_least} on the whole domain"
        if optimal.zero_at:
            yield f"  0 at {', '.join(f'{name} = {value}' for name, value in optimal.zero_at.items())}"
        for case in optimal.cases or ():
            yield f"  {_root(case) if case.number is None else case.number.brief(WIDTH)} where {case.when}"
    elif optimal.bracket is not None:
        yield f"optimal {optimal.cfl_float:.6g}"
    else:
        yield f"optimal {exact(optimal.number, optimal.cfl_float)}{_certificate(optimal)}"


def _varies(what: str, initially: float | None, absent: str | None) -> Iterator[str]:
    """What is said of a radius of a family, before its cases."""
    yield f"{what} depends on the parameters{'' if initially is None else f', initially {initially:.6g}'}"
    if absent:
        yield f"  no formula: it {absent}"


def _root(case: CaseReport | RhoCase) -> str:
    """Return which root of which polynomial the coefficient is: the one with the value that is given for a member."""
    found = _joined([_factor(str(c)) for c in case.polynomial or ()])
    if case.root is None:
        return f"a root of {cut(found)}"
    member, root = case.root, Exact.root(case.root.root).brief(0)
    return f"the root of {cut(found)} that is {root} at {member.name} = {Exact.rational(member.at).brief(WIDTH)},"


def _factor(text: str) -> str:
    return f"({text})" if any(mark in text[1:] for mark in "+-") else text


def _certificate(optimal: OptimalReport) -> str:
    certificate = optimal.certificate
    if certificate is None or optimal.number is None:
        return ""
    if optimal.number.is_zero:
        return f", {certificate.entry} is negative for every small r > 0"
    if optimal.cfl is not None:
        return f", beyond it {certificate.entry} is negative"
    return f", beyond it {certificate.entry} is negative; root of {cut(polynomial(certificate.root.polynomial))}"


def _euclidean(found: EuclideanReport) -> Iterator[str]:
    certificate = found.certificate
    if found.at_init is not None:
        if found.rho is not None:
            start = "" if found.rho_float is None else f" = {found.rho_float:.6g} at the initial values"
            yield f"rho {cut(found.rho)}{start}"
            return
        yield from _varies("rho", found.rho_float, found.absent)
        for case in found.cases or ():
            yield f"  {_root(case) if case.rho is None else cut(case.rho)} where {case.when}"
    elif found.bracket is not None:
        yield f"rho {found.rho_float:.6g} or a little more, both bounds proved"
    elif found.number is None:
        yield f"rho not computed: it {found.absent}"
    elif certificate is not None and certificate.weight is not None:
        yield f"rho 0, the weight {certificate.weight} is not positive"
    elif certificate is None:
        yield f"rho {exact(found.number)}"
    else:
        root = "" if found.rho is not None else f"; root of {cut(polynomial(certificate.root.polynomial))}"
        yield f"rho {exact(found.number)}, beyond it B + r M is indefinite{root}"


def _declared(declared: DeclaredReport) -> Iterator[str]:
    if declared.nonnegative:
        rows = declared.row_sums_within
        within = "" if rows is None else f", rows of alpha sum to 1 within {rows}"
        if declared.least_of:
            least = ", ".join(ratio.brief(WIDTH) for ratio in declared.least_of)
            yield f"declared the least of {least}, every entry nonnegative{within}"
        else:
            yield f"declared {exact(declared.number, declared.cfl_float)}, every entry nonnegative{within}"
    elif declared.nonnegative is None:
        yield "declared: undecided whether every entry is nonnegative"
    elif declared.nonnegative_at_init is None:
        yield "declared none: an entry is negative"
    elif declared.nonnegative_at_init:
        start = "" if declared.at_init is None else f", {declared.at_init.brief(WIDTH)} there"
        yield f"declared none on the whole domain; every entry is nonnegative at the initial values{start}"
    else:
        yield "declared none: an entry is negative, also at the initial values"


def _claims(claims: Sequence[ClaimReport]) -> Iterator[str]:
    shown = [f"{claim.claim} {line(str(claim.claimed))}" for claim in claims]
    true = [text for text, claim in zip(shown, claims, strict=True) if claim.holds]
    if true:
        yield f"true: {', '.join(true)}"
    for text, claim in zip(shown, claims, strict=True):
        found = "" if claim.found is None else f", found {cut(claim.found)}"
        if claim.holds is False:
            yield f"FALSE: {text}{found}"
        elif claim.holds is None:
            yield f"undecided: {text}{found}"


def polynomial(coefficients: Sequence[int]) -> str:
    """Return "3 - 2 r + r^2" for the coefficients (3, -2, 1), from the constant term up."""
    return _joined([int_text(c) for c in coefficients])


def _joined(coefficients: Sequence[str]) -> str:
    result = ""
    for power, text in enumerate(coefficients):
        if text == "0":
            continue
        sign, size = ("-", text[1:]) if text.startswith("-") else ("+", text)
        variable = ("", "r", f"r^{power}")[min(power, 2)]
        term = variable if size == "1" and variable else f"{size} {variable}".rstrip()
        result += f" {sign} {term}" if result else f"{'-' if sign == '-' else ''}{term}"
    return result or "0"


def details(report: Report) -> Iterator[tuple[str, list[str]]]:
    """Yield (label, lines) for the figures that the short report leaves out."""
    if report.order is not None:
        lines = list(_accuracy(report.order))
        if lines:
            yield "accuracy", lines
    stability = [] if report.stability is None else list(_stability(report.stability))
    if report.ssp is not None and report.ssp.linear is not None:
        stability.append(f"linear threshold factor {_number(report.ssp.linear)}")
    if report.ssp is not None and report.ssp.linear_absent is not None:
        stability.append(f"linear threshold factor not computed: the polynomial {report.ssp.linear_absent}")
    if stability:
        yield "stability", stability
    if report.variance is not None:
        yield "variance", list(_variance(report.variance))


def requested(report: Report) -> Iterator[tuple[str, list[str]]]:
    """Yield (label, lines) for what was asked for with an option of its own."""
    if report.residuals is not None:
        yield "residuals", list(_residuals(report.residuals))
    if report.internal_stability is not None:
        yield "internal", list(_internal(report.internal_stability))
    if report.downwind is not None:
        yield "downwind", [_downwind(report.downwind)]


def _downwind(found: DownwindReport) -> str:
    if found.bracket is None:
        return f"not computed: {found.reason}"
    low, high = found.bracket
    if not low:
        return "optimal 0, with any splitting"
    return f"optimal {_short(low)} or a little more, less than {float(high):.10g}: both proved"


def _short(value: Fraction) -> str:
    return str(value) if value.denominator < 1000 else f"{float(value):.10g}"


def _residuals(found: tuple[ResidualReport, ...]) -> Iterator[str]:
    for one in found:
        left = one.value.brief(WIDTH)
        rest = "holds" if one.rest.is_zero else f"left over {exact(one.rest)}"
        yield f"{one.tree}  {left} for {one.right}: {rest}"


def _internal(found: InternalReport) -> Iterator[str]:
    for name, polynomials in (("Butcher form", found.butcher), ("form as declared", found.shu_osher or ())):
        for j, polynomial in enumerate(polynomials):
            yield f"{name}, an error in u{j}: {', '.join(c.brief(WIDTH) for c in polynomial)}"


def _accuracy(order: OrderReport) -> Iterator[str]:
    if order.stage_order is not None:
        yield f"stage order {order.stage_order}"
    error = order.principal_error
    if error is not None and error.square is None:
        yield f"principal error norm not computed: it {error.absent}"
    elif error is not None and error.square is not None:
        square, norm = error.square, error.nearest
        yield f"principal error norm sqrt({square.brief(WIDTH)}){'' if norm is None else f' = {norm:.6g}'}"


def _stability(stability: StabilityReport) -> Iterator[str]:
    exactly = stability.linear_order_exact
    more = "" if exactly is None else f", within the tolerance (exactly {exactly})"
    yield f"order {stability.linear_order} for linear problems{more}"
    yield f"polynomial, constant first: {', '.join(c.brief(WIDTH) for c in stability.coefficients)}"
    if stability.absent is not None:
        yield f"intervals not computed: the polynomial {stability.absent}"
    if stability.intervals is None:
        return
    digits, meant = stability.intervals, stability.meant or stability.intervals
    for start, found, other in (
        ("real axis: stable from 0 to -", digits.real, meant.real),
        ("imaginary axis: stable up to ", digits.imaginary, meant.imaginary),
    ):
        if found is not None:
            yield start + _number(found) + _apart(found, other)
    if stability.rounded is not None and digits.real is not None:
        near, far = digits.real.nearest, stability.rounded.nearest
        if near is not None and far is not None and far > near * (1 + 1e-6):
            yield f"real axis, the rounding of the digits allowed for: stable from 0 to -{_number(stability.rounded)}"


def _apart(digits: RootReport, meant: RootReport | None) -> str:
    """What the interval is where the conditions met within the tolerance hold exactly, if that is another number."""
    if meant is None or meant.nearest is None or digits.nearest is None:
        return ""
    if abs(meant.nearest - digits.nearest) <= 1e-6 * meant.nearest:
        return ""
    return f" for these digits, {_number(meant)} where the conditions met within the tolerance hold exactly"


def _number(found: RootReport) -> str:
    """The number, or what is proved of one beyond the budget."""
    if found.number is None:
        return f"a number in {found.bounds}, both proved; the number itself {found.absent}"
    return exact(found.number)


def _variance(variance: VarianceReport) -> Iterator[str]:
    if variance.each:
        yield f"of the stages: {', '.join(stage.brief(WIDTH) for stage in variance.each)}"
    if variance.minimum is not None:
        least = variance.minimum
        at = "as it grows without bound" if least.place is None else f"= {least.place.brief(WIDTH)}"
        edge = "" if least.inside else ", on the edge of the domain"
        edge += "" if least.taken else ", approached but not taken: stages coincide there"
        yield f"least growth of the family {exact(least.number)} at {least.name} {at}{edge}"
    if variance.minimum_absent is not None:
        yield f"least growth of the family not computed: the growth {variance.minimum_absent}"
    yield from (f"assumes {assumption}" for assumption in variance.assumptions)
