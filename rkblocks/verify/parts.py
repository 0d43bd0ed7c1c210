"""The parts of a report, written from the facts: exact values become text here and nowhere earlier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rkblocks.exact.field import Element, Field
from rkblocks.forms import Row, Rows
from rkblocks.verify import trees
from rkblocks.verify.crossing import Coefficients, Crossing, TooLarge
from rkblocks.verify.facts import Facts
from rkblocks.verify.order import Order, principal_error, stage_order
from rkblocks.verify.report import (
    AnyNormReport,
    Certificate,
    ContractivityReport,
    DeclaredReport,
    EuclideanReport,
    OptimalReport,
    OrderReport,
    RhoCertificate,
    SspReport,
    TypedReport,
    VarianceReport,
    Witness,
)
from rkblocks.verify.stability import imaginary_interval, linear_order, meant, real_interval
from rkblocks.verify.threshold import linear_threshold
from rkblocks.verify.values import (
    exact_text,
    int_text,
    interval_text,
    root_exact,
    root_float,
    root_json,
    scientific,
    short,
    to_float,
)
from rkblocks.verify.variance import ASSUMPTIONS, Growth

MOST_ERROR_ORDER = 8
"""The principal error is computed up to this order; that of order 9 needs all the 719 trees with 10 nodes."""


def order_part(facts: Facts) -> OrderReport:
    """The order, with stage order and principal error."""
    report = _order(facts.field, facts.order)
    square = None
    if 0 < facts.order.value <= MOST_ERROR_ORDER:
        error = principal_error(facts.conditions, facts.order.value)
        square = {"square": exact_text(facts.field, error), "float": _root_of(facts, error)}
    remaining = None
    if facts.tableau.parameters:
        from rkblocks.verify import family_parts

        remaining = family_parts.remaining_part(facts)
    return OrderReport(
        **{
            **vars(report),
            "stage_order": stage_order(
                facts.field, facts.reduced.A, facts.reduced.b, _row_sums(facts), facts.tableau.tolerance
            ),
            "principal_error": square,
            "remaining": remaining,
        }
    )


def embedded_part(facts: Facts) -> OrderReport | None:
    """The order of the embedded method, where there is one."""
    return None if facts.embedded is None else _order(facts.field, facts.embedded)


def ssp_part(facts: Facts) -> SspReport:
    """Declared and optimal SSP coefficients, and the linear threshold."""
    if facts.tableau.parameters:
        from rkblocks.verify import family_parts

        return family_parts.ssp_part(facts)
    try:
        crossing = linear_threshold(facts.field, facts.stability)
    except TooLarge:
        crossing = None
    linear = None if crossing is None else {**(root_json(crossing.root) or {}), "entry": crossing.entry}
    return SspReport(declared_part(facts), optimal_part(facts), None, linear)


def contractivity_part(facts: Facts) -> ContractivityReport:
    """How long a step does not expand differences: in any norm (C), and in the Euclidean one (rho)."""
    if not facts.effective:
        start = facts.at_init
        optimal = optimal_part(start)
        return ContractivityReport(AnyNormReport(optimal.cfl, optimal.cfl_float), euclidean_part(start))
    from rkblocks.verify import family_parts

    return family_parts.contractivity_part(facts)


def euclidean_part(facts: Facts) -> EuclideanReport:
    """rho of a tableau without parameters, or its bounds."""
    found, field = facts.contractivity, facts.field
    if isinstance(found, TooLarge):
        bracket = None if found.low is None else (str(found.low), str(found.high))
        return EuclideanReport(None, None if found.low is None else float(found.low), None, bracket)
    if found is None:
        return EuclideanReport(None, None, None)
    root, weight = found.root, None
    if found.stage is not None:
        kept = facts.reduced.kept[found.stage]
        weight = f"b[{kept}] = {short(field, facts.reduced.b[found.stage])}"
    certificate = RhoCertificate(
        polynomial=tuple(map(int_text, root.polynomial)),
        interval=interval_text(root),
        direction=tuple(exact_text(field, x) for x in found.direction) or None,
        weight=weight,
    )
    return EuclideanReport(root_exact(root), root_float(root), certificate)


def variance_part(facts: Facts) -> VarianceReport:
    """Growth by Lemma 3, with its minimum over a family that has one effective parameter."""
    minimum = None
    if facts.tableau.parameters:
        from rkblocks.verify import family_parts

        minimum = family_parts.minimum_part(facts)
    return _variance(facts, facts.growth, minimum)


def stability_part(facts: Facts) -> Mapping[str, Any] | None:
    """The stability polynomial and the intervals; for a family the polynomial alone."""
    polynomial = tuple(exact_text(facts.field, c) for c in facts.stability)
    exact = linear_order(facts.field, facts.stability)
    if facts.tableau.parameters:
        return {"polynomial": polynomial, "linear_order": exact}
    order = linear_order(facts.field, facts.stability, facts.tableau.tolerance)
    found = {"polynomial": polynomial, "linear_order": order, **_intervals(facts.field, facts.stability)}
    if order > exact:
        found["linear_order_exact"] = exact
        found["meant"] = _intervals(facts.field, meant(facts.field, facts.stability, order))
    return found


def _intervals(field: Field, psi: Coefficients) -> dict[str, Any]:
    """The real and the imaginary stability interval of a polynomial; None for one that is too large to isolate."""
    found: dict[str, Any] = {}
    for name, interval in (("real", real_interval), ("imaginary", imaginary_interval)):
        try:
            found[name] = root_json(interval(field, psi))
        except TooLarge:
            found[name] = None
    return found


def method_part(facts: Facts) -> Mapping[str, Any]:
    """The reduced method, which is all that a certificate speaks of."""
    text = facts.field.text
    A = tuple(tuple(text(entry) for entry in row[:i]) for i, row in enumerate(facts.reduced.A))
    return {"A": A, "b": tuple(map(text, facts.reduced.b))}


def typed_part(facts: Facts) -> TypedReport | None:
    """The figures of the table as written, where stages were removed from it."""
    if not facts.was_reduced:
        return None
    optimal = None if facts.tableau.parameters else _optimal(facts.field, facts.optimal_as_typed)
    return TypedReport(facts.tableau.stages, optimal, _variance(facts, facts.growth_as_typed, None))


def _order(field: Field, found: Order) -> OrderReport:
    witness = found.witness
    return OrderReport(
        value=found.value,
        verdict=found.verdict,
        residual=exact_text(field, found.residual) or scientific(field, found.residual),
        residual_float=None if field.free_parameters(found.residual) else to_float(field, found.residual),
        witness=Witness(
            tree=trees.text(witness.tree),
            order=trees.nodes(witness.tree),
            left=exact_text(field, witness.left) or short(field, witness.left),
            right=str(witness.right),
        ),
        exact=found.exact,
    )


def declared_part(facts: Facts) -> DeclaredReport | None:
    found = facts.declared
    if found is None:
        return None
    if found.cfl is None:
        return DeclaredReport(found.nonnegative, None, None)
    return DeclaredReport(found.nonnegative, exact_text(facts.field, found.cfl), to_float(facts.field, found.cfl))


def optimal_part(facts: Facts) -> OptimalReport:
    """The optimal coefficient of a tableau without parameters, or its bounds."""
    if facts.bracket is None:
        return _optimal(facts.field, facts.optimal)
    low, high = facts.bracket
    return OptimalReport(None, float(low), None, (str(low), str(high)))


def _optimal(field: Field, crossing: Crossing | None) -> OptimalReport:
    if crossing is None:
        return OptimalReport(None, None, None)
    root = crossing.root
    certificate = Certificate(
        entry=crossing.entry,
        polynomial=tuple(map(int_text, root.polynomial)),
        interval=interval_text(root),
        entry_polynomial=tuple(exact_text(field, c) for c in crossing.polynomial),
    )
    return OptimalReport(root_exact(root), root_float(root), certificate)


def _variance(facts: Facts, growth: Growth, minimum: Mapping[str, Any] | None) -> VarianceReport:
    field, member = facts.field, facts.at_init.field
    start: Element = field.substitute(growth.growth, facts.tableau.initial())
    stages = tuple(exact_text(field, v) for v in growth.stages)
    return VarianceReport(exact_text(field, growth.growth), to_float(member, start), stages, ASSUMPTIONS, minimum)


def _root_of(facts: Facts, square: Element) -> float | None:
    """The principal error norm itself as a double, where it is a number."""
    if facts.field.free_parameters(square):
        return None
    value = to_float(facts.field, square)
    return None if value is None or value < 0 else float(value**0.5)


def _row_sums(facts: Facts) -> Row:
    A: Rows = facts.reduced.A
    return tuple(sum(row, facts.field.zero) for row in A)
