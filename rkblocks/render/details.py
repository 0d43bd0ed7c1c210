"""What `check --verbose` adds: stage order, error norm, linear stability, and the growth stage by stage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkblocks.render.verdict_lines import WIDTH, exact

if TYPE_CHECKING:
    from fractions import Fraction

    from rkblocks.verify.report import (
        DownwindReport,
        InternalReport,
        OrderReport,
        Report,
        ResidualReport,
        RootReport,
        StabilityReport,
        VarianceReport,
    )


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
