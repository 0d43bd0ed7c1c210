"""The parts of a report, written from the facts: exact values become text here and nowhere earlier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rkblocks.exact.field import Element, Field
from rkblocks.forms import Row, Rows
from rkblocks.verify import trees
from rkblocks.verify.crossing import Crossing
from rkblocks.verify.facts import Facts
from rkblocks.verify.family import Case
from rkblocks.verify.inequality import value_at
from rkblocks.verify.minimum import least_growth
from rkblocks.verify.order import Conditions, Order, principal_error, stage_order
from rkblocks.verify.report import (
    CaseReport,
    Certificate,
    DeclaredReport,
    OptimalReport,
    OrderReport,
    SspReport,
    TypedReport,
    VarianceReport,
    Witness,
)
from rkblocks.verify.stability import imaginary_interval, linear_order, linear_threshold, real_interval
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
    remaining = _remaining(facts.conditions, facts.order.value + 1) if facts.tableau.parameters else None
    return OrderReport(
        **{
            **vars(report),
            "stage_order": stage_order(facts.field, facts.reduced.A, facts.reduced.b, _row_sums(facts)),
            "principal_error": square,
            "remaining": remaining,
        }
    )


def embedded_part(facts: Facts) -> OrderReport | None:
    """The order of the embedded method, where there is one."""
    return None if facts.embedded is None else _order(facts.field, facts.embedded)


def ssp_part(facts: Facts) -> SspReport:
    """Declared and optimal SSP coefficients, and the linear threshold."""
    region = None
    if facts.tableau.parameters and facts.region is not None:
        region = tuple(f"{facts.field.text(entry)} >= 0" for _, entry in facts.region.conditions)
    linear = None
    if not facts.tableau.parameters:
        crossing = linear_threshold(facts.field, facts.stability)
        linear = None if crossing is None else {**(root_json(crossing.root) or {}), "entry": crossing.entry}
    return SspReport(_declared(facts), _optimal_part(facts), region, linear)


def variance_part(facts: Facts) -> VarianceReport:
    """Growth by Lemma 3, with its minimum over a family that has one effective parameter."""
    minimum = least_growth(facts.field, facts.growth.growth, facts.effective)
    shown = None
    if minimum is not None:
        (parameter,) = facts.effective
        shown = {
            "growth": root_exact(minimum.value),
            "growth_float": root_float(minimum.value),
            "at": {parameter.name: None if minimum.at is None else root_exact(minimum.at)},
            "inside": minimum.inside,
        }
    return _variance(facts, facts.growth, shown)


def stability_part(facts: Facts) -> Mapping[str, Any] | None:
    """The stability polynomial and the intervals; for a family the polynomial alone."""
    polynomial = tuple(exact_text(facts.field, c) for c in facts.stability)
    order = linear_order(facts.field, facts.stability)
    if facts.tableau.parameters:
        return {"polynomial": polynomial, "linear_order": order}
    return {
        "polynomial": polynomial,
        "linear_order": order,
        "real": root_json(real_interval(facts.field, facts.stability)),
        "imaginary": root_json(imaginary_interval(facts.field, facts.stability)),
    }


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


def case_text(name: str, case: Case) -> str:
    """The interval of one case, as "1/2 <= beta10 < 1"."""
    if case.low is not None and case.high is not None and case.low == case.high:
        return f"{name} = {_bound(case.low)}"
    left = "" if case.low is None else f"{_bound(case.low)} {'<=' if case.low_closed else '<'} "
    right = "" if case.high is None else f" {'<=' if case.high_closed else '<'} {_bound(case.high)}"
    return f"{left}{name}{right}" if left or right else f"every {name}"


def _bound(root: Any) -> str:
    return root.text or f"{root.to_float():.12g}"


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


def _remaining(conditions: Conditions, n: int) -> tuple[str, ...]:
    """The different expressions that must vanish for order n, in a family."""
    texts = [conditions.weights.field.text(conditions.residual(tree)) for tree in conditions.failing(n)]
    return tuple(dict.fromkeys(texts))


def _declared(facts: Facts) -> DeclaredReport | None:
    if facts.tableau.shu_osher is None:
        return None
    member = facts.at_init
    start = member.declared
    assert start is not None
    start_text = None if start.cfl is None else exact_text(member.field, start.cfl)
    start_float = None if start.cfl is None else to_float(member.field, start.cfl)
    if not facts.tableau.parameters:
        return DeclaredReport(start.nonnegative, start_text, start_float)
    region = facts.region
    assert region is not None
    counterexample = None
    if region.violations:
        v = region.violations[0]
        name, i, k = v.entry
        rows = facts.tableau.shu_osher.alpha if name == "alpha" else facts.tableau.shu_osher.beta
        counterexample = {
            "entry": f"/{name}/{i}/{k}",
            "value": facts.field.text(value_at(facts.field, rows[i][k], v.point)),
            "at": {parameter: str(value) for parameter, value in v.point.items()},
        }
    single = region.cfl
    return DeclaredReport(
        nonnegative=region.inside,
        cfl=None if single is None else facts.field.text(single),
        cfl_float=start_float,
        nonnegative_at_init=start.nonnegative,
        cfl_at_init=start_text,
        counterexample=counterexample,
        least_of=tuple(map(facts.field.text, region.ratios)) if region.inside and single is None else None,
    )


def _optimal_part(facts: Facts) -> OptimalReport:
    member = facts.at_init
    start = _optimal(member.field, member.optimal)
    if not facts.effective:
        return start
    cases = facts.cases
    if cases is None:
        return OptimalReport(None, start.cfl_float, None, None, start)
    name, text = facts.effective[0].name, facts.field.text
    shown = tuple(
        CaseReport(
            case_text(name, case),
            None if case.value is None else text(case.value),
            tuple(map(text, case.polynomial)) if case.value is None else None,
        )
        for case in cases
    )
    whole = shown[0].cfl if len(shown) == 1 else None
    return OptimalReport(whole, start.cfl_float, None, shown, start)


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
