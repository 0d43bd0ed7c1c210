"""The parts of a report that only families have: other tableaus do not wait for them."""

from __future__ import annotations

from fractions import Fraction

from rkblocks.exact.roots import Root
from rkblocks.exact.value import Exact, all_exact
from rkblocks.exact.work import TooLarge, within
from rkblocks.verify.declared import entry_at
from rkblocks.verify.facts import Facts
from rkblocks.verify.family.inequality import value_at
from rkblocks.verify.family.line import Interval
from rkblocks.verify.family.minimum import least_growth
from rkblocks.verify.report import (
    AnyNormReport,
    CaseReport,
    ContractivityReport,
    Counterexample,
    DeclaredReport,
    EuclideanReport,
    MinimumReport,
    OptimalReport,
    RhoCase,
    RootSample,
    SspReport,
)
from rkblocks.verify.values import why_absent


def ssp_part(facts: Facts, declared: DeclaredReport | None, optimal: OptimalReport) -> SspReport:
    """Declared and optimal SSP coefficients on the whole domain, beside those at its start, and where they hold."""
    region = facts.region
    conditions = None if region is None else all_exact(facts.field, [c for _, c in region.conditions])
    return SspReport(_declared(facts, declared), _optimal(facts, optimal), conditions)


def contractivity_part(facts: Facts, optimal: OptimalReport, rho: EuclideanReport) -> ContractivityReport:
    """C and rho of a family, beside those at its start."""
    shown, cases = None, facts.rho_cases
    if not isinstance(cases, TooLarge):
        name = facts.effective[0].name
        shown = tuple(
            RhoCase(case_text(name, piece), piece.text)
            if piece.text is not None or piece.sample is None
            else RhoCase(case_text(name, piece), None, piece.polynomial, RootSample(name, *piece.sample))
            for piece in cases
        )
    found = EuclideanReport(None, cases=shown, at_init=rho, absent=why_absent(cases))
    return ContractivityReport(AnyNormReport(_optimal(facts, optimal)), found)


def minimum_part(facts: Facts) -> MinimumReport | str | None:
    """The least growth over the closure of the domain, or why there is none; None where no parameter has an effect."""
    if not facts.effective:
        return None
    minimum = within(lambda: least_growth(facts.field, facts.growth.growth, facts.effective, facts.reduced))
    if isinstance(minimum, TooLarge):
        return why_absent(minimum)
    place = None if minimum.at is None else Exact.root(minimum.at)
    return MinimumReport(Exact.root(minimum.value), facts.effective[0].name, place, minimum.inside, minimum.taken)


def remaining_part(facts: Facts) -> tuple[Exact, ...]:
    """The different expressions that must vanish for the next order."""
    conditions = facts.conditions
    failing = conditions.failing(facts.order.value + 1)
    return all_exact(facts.field, list(dict.fromkeys(map(conditions.residual, failing))))


def case_text(name: str, case: Interval) -> str:
    """The interval of one case, as "1/2 <= beta10 < 1"."""
    if case.low is not None and case.high is not None and case.low == case.high:
        return f"{name} = {_bound(case.low)}"
    left = "" if case.low is None else f"{_bound(case.low)} {'<=' if case.low_closed else '<'} "
    right = "" if case.high is None else f" {'<=' if case.high_closed else '<'} {_bound(case.high)}"
    return f"{left}{name}{right}" if left or right else f"every {name}"


def _bound(root: Root) -> str:
    return root.text or f"{root.to_float():.12g}"


def _declared(facts: Facts, start: DeclaredReport | None) -> DeclaredReport | None:
    region, form = facts.region, facts.tableau.shu_osher
    if region is None or form is None or start is None:
        return None
    counterexample = None
    if region.violations:
        v = region.violations[0]
        value = Exact(facts.field, value_at(facts.field, entry_at(form, v.entry), v.point))
        counterexample = Counterexample(v.entry, value, v.point)
    return DeclaredReport(
        nonnegative=region.inside,
        number=None if region.cfl is None else Exact(facts.field, region.cfl),
        nonnegative_at_init=start.nonnegative,
        at_init=start.number,
        trained=facts.trained,
        counterexample=counterexample,
        least_of=all_exact(facts.field, region.ratios) if region.inside and region.cfl is None else None,
    )


def _optimal(facts: Facts, start: OptimalReport) -> OptimalReport:
    cases = facts.cases
    if isinstance(cases, TooLarge):
        if not facts.effective:
            return start
        bound = facts.lower_bound
        zero = None if isinstance(bound, TooLarge) else bound.zero_at
        least = _at_least(facts)
        return OptimalReport(
            None,
            at_least=least,
            zero_at=zero,
            at_init=start,
            absent=why_absent(cases),
            at_least_absent=why_absent(bound) if least is None else None,
        )
    name = facts.effective[0].name
    shown = tuple(
        CaseReport(
            when=case_text(name, case),
            number=None if case.value is None else Exact(facts.field, case.value),
            polynomial=all_exact(facts.field, case.polynomial) if case.value is None else None,
            root=None if case.value is not None or case.sample is None else RootSample(name, *case.sample),
        )
        for case in cases
    )
    whole = shown[0].number if len(shown) == 1 else None
    return OptimalReport(whole, cases=shown, at_init=start)


def _at_least(facts: Facts) -> Fraction | None:
    """The largest bound of C that is proved on the whole domain: by itself, or by the declared form (c <= C)."""
    bound, region = facts.lower_bound, facts.region
    found = [] if isinstance(bound, TooLarge) else [bound.least]
    if region is not None and region.inside and region.cfl is not None and facts.field.is_rational(region.cfl):
        found.append(facts.field.fraction(region.cfl))
    return max(found, default=None)
