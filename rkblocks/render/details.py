"""What `check --verbose` adds: stage order, error norm, linear stability, and the growth stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rkblocks.render.verdicts import cut, exact

if TYPE_CHECKING:
    from rkblocks.verify.report import OrderReport, Report, VarianceReport


def details(report: Report) -> Iterator[tuple[str, list[str]]]:
    """Yield (label, lines) for the figures that the short report leaves out."""
    if report.order is not None:
        lines = list(_accuracy(report.order))
        if lines:
            yield "accuracy", lines
    stability = list(_stability(report.stability or {}))
    if report.ssp is not None and report.ssp.linear:
        stability.append(f"linear threshold factor {_value(report.ssp.linear)}")
    if stability:
        yield "stability", stability
    if report.variance is not None:
        yield "variance", list(_variance(report.variance))


def _accuracy(order: OrderReport) -> Iterator[str]:
    if order.stage_order is not None:
        yield f"stage order {order.stage_order}"
    if order.principal_error:
        error = order.principal_error
        number = error.get("float")
        size = "" if number is None else f" = {number:.6g}"
        yield f"principal error norm sqrt({cut(error['square'])}){size}"


def _stability(stability: Mapping[str, Any]) -> Iterator[str]:
    if "linear_order" in stability:
        exactly = stability.get("linear_order_exact")
        more = "" if exactly is None else f", within the tolerance (exactly {exactly})"
        yield f"order {stability['linear_order']} for linear problems{more}"
    if stability.get("polynomial"):
        terms = [cut(text) for text in stability["polynomial"]]
        yield f"polynomial, constant first: {', '.join(terms)}"
    for axis, start in (("real", "real axis: stable from 0 to -"), ("imaginary", "imaginary axis: stable up to ")):
        if stability.get(axis):
            meant = (stability.get("meant") or {}).get(axis)
            yield start + _value(stability[axis]) + _apart(stability[axis], meant)


def _apart(digits: Mapping[str, Any], meant: Mapping[str, Any] | None) -> str:
    """What the interval is where the conditions met within the tolerance hold exactly, if that is another number."""
    if meant is None or abs(meant["float"] - digits["float"]) <= 1e-6 * meant["float"]:
        return ""
    return f" for these digits, {_value(meant)} where the conditions met within the tolerance hold exactly"


def _value(found: Mapping[str, Any]) -> str:
    return exact(found.get("value"), found.get("float"))


def _variance(variance: VarianceReport) -> Iterator[str]:
    yield f"of the stages: {', '.join(cut(stage or 'unknown') for stage in variance.stages)}"
    if variance.minimum:
        least, inside = variance.minimum, variance.minimum.get("inside")
        at = ", ".join(f"{name} = {value}" for name, value in least["at"].items())
        edge = "" if inside else ", on the edge of the domain"
        yield f"least growth of the family {exact(least['growth'], least.get('growth_float'))} at {at}{edge}"
    yield from (f"assumes {assumption}" for assumption in variance.assumptions)
