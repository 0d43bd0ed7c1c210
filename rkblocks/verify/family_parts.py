"""The parts of a report that only families have, apart from `parts` so that other tableaus do not wait for them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from rkblocks.exact.roots import Root
from rkblocks.verify.facts import Facts
from rkblocks.verify.inequality import value_at
from rkblocks.verify.minimum import least_growth
from rkblocks.verify.parts import declared_part, euclidean_part, optimal_part
from rkblocks.verify.pieces import Interval
from rkblocks.verify.places import entry_at, pointer
from rkblocks.verify.report import (
    AnyNormReport,
    CaseReport,
    ContractivityReport,
    DeclaredReport,
    EuclideanReport,
    OptimalReport,
    RhoCase,
    SspReport,
)
from rkblocks.verify.values import root_exact, root_float


def ssp_part(facts: Facts) -> SspReport:
    """Declared and optimal SSP coefficients on the whole domain, with the region of nonnegativity."""
    region = facts.region
    listed = None
    if region is not None:
        listed = tuple(f"{facts.field.text(entry)} >= 0" for _, entry in region.conditions)
    return SspReport(_declared(facts), _optimal(facts), listed)


def contractivity_part(facts: Facts) -> ContractivityReport:
    """C and rho of a family; the numbers are those at its start."""
    optimal, start = _optimal(facts), euclidean_part(facts.at_init)
    shown = None
    if facts.rho_cases is not None:
        name = facts.effective[0].name
        shown = tuple(
            RhoCase(case_text(name, piece), piece.text, None if piece.text else piece.polynomial)
            for piece in facts.rho_cases
        )
    whole = shown[0].rho if shown is not None and len(shown) == 1 else None
    euclidean = EuclideanReport(
        whole, start.rho_float, None, rho_at_init_float=start.rho_float, cases=shown, at_init=start
    )
    return ContractivityReport(AnyNormReport(optimal.cfl, optimal.cfl_float), euclidean)


def minimum_part(facts: Facts) -> Mapping[str, Any] | None:
    """The least growth over the closure of the domain, where one parameter has an effect."""
    minimum = least_growth(facts.field, facts.growth.growth, facts.effective)
    if minimum is None:
        return None
    return {
        "growth": root_exact(minimum.value),
        "growth_float": root_float(minimum.value),
        "at": {facts.effective[0].name: None if minimum.at is None else root_exact(minimum.at)},
        "inside": minimum.inside,
    }


def remaining_part(facts: Facts) -> tuple[str, ...]:
    """The different expressions that must vanish for the next order."""
    conditions = facts.conditions
    failing = conditions.failing(facts.order.value + 1)
    return tuple(dict.fromkeys(facts.field.text(conditions.residual(tree)) for tree in failing))


def case_text(name: str, case: Interval) -> str:
    """The interval of one case, as "1/2 <= beta10 < 1"."""
    if case.low is not None and case.high is not None and case.low == case.high:
        return f"{name} = {_bound(case.low)}"
    left = "" if case.low is None else f"{_bound(case.low)} {'<=' if case.low_closed else '<'} "
    right = "" if case.high is None else f" {'<=' if case.high_closed else '<'} {_bound(case.high)}"
    return f"{left}{name}{right}" if left or right else f"every {name}"


def _bound(root: Root) -> str:
    return root.text or f"{root.to_float():.12g}"


def _declared(facts: Facts) -> DeclaredReport | None:
    region, form = facts.region, facts.tableau.shu_osher
    start = declared_part(facts.at_init)
    if region is None or form is None or start is None:
        return None
    text = facts.field.text
    counterexample = None
    if region.violations:
        v = region.violations[0]
        counterexample = {
            "entry": pointer(v.entry),
            "value": text(value_at(facts.field, entry_at(form, v.entry), v.point)),
            "at": {parameter: str(value) for parameter, value in v.point.items()},
        }
    return DeclaredReport(
        nonnegative=region.inside,
        cfl=None if region.cfl is None else text(region.cfl),
        cfl_float=start.cfl_float,
        nonnegative_at_init=start.nonnegative,
        cfl_at_init=start.cfl,
        trained=facts.trained,
        counterexample=counterexample,
        least_of=tuple(map(text, region.ratios)) if region.inside and region.cfl is None else None,
    )


def _optimal(facts: Facts) -> OptimalReport:
    start = optimal_part(facts.at_init)
    cases = facts.cases
    if cases is None:
        if not facts.effective:
            return start
        bound = facts.guarantee
        least = _at_least(facts)
        zero = None if bound is None or bound.zero_at is None else {k: str(v) for k, v in bound.zero_at.items()}
        proved = None if least is None else str(least)
        return OptimalReport(None, start.cfl_float, None, at_least=proved, zero_at=zero, at_init=start)
    name, text = facts.effective[0].name, facts.field.text
    shown = tuple(
        CaseReport(
            when=case_text(name, case),
            cfl=None if case.value is None else text(case.value),
            polynomial=tuple(map(text, case.polynomial)) if case.value is None else None,
        )
        for case in cases
    )
    whole = shown[0].cfl if len(shown) == 1 else None
    return OptimalReport(whole, start.cfl_float, None, cases=shown, at_init=start)


def _at_least(facts: Facts) -> Fraction | None:
    """The largest bound of C that is proved on the whole domain: by itself, or by the declared form (c <= C)."""
    bound, region = facts.guarantee, facts.region
    found = [] if bound is None else [bound.least]
    if region is not None and region.inside and region.cfl is not None and facts.field.is_rational(region.cfl):
        found.append(facts.field.fraction(region.cfl))
    return max(found, default=None)
