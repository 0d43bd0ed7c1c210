"""A report from the facts: what each of its parts takes from them; those of families come from `report_from_family`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from rkblocks.exact.field import Field
from rkblocks.exact.roots import Coefficients, Crossing
from rkblocks.exact.value import Exact, all_exact
from rkblocks.exact.work import TooLarge, within
from rkblocks.forms import Method, Row, Rows
from rkblocks.verify import trees
from rkblocks.verify.consistency import digits_unit
from rkblocks.verify.facts import Facts
from rkblocks.verify.order import Conditions, Order, principal_error, stage_order
from rkblocks.verify.radius import ResolventEntry
from rkblocks.verify.report import (
    AnyNormReport,
    ContractivityReport,
    DeclaredReport,
    EmbeddedReport,
    ErrorNorm,
    EuclideanReport,
    Intervals,
    MethodReport,
    MinimumReport,
    OptimalReport,
    OrderReport,
    RhoCertificate,
    RootReport,
    SspCertificate,
    SspReport,
    StabilityReport,
    TimedReport,
    TypedReport,
    VarianceReport,
    Witness,
)
from rkblocks.verify.stability import imaginary_interval, linear_order, linear_threshold, meant, real_interval, spread
from rkblocks.verify.values import short, why_absent
from rkblocks.verify.variance import ASSUMPTIONS


def order_part(facts: Facts) -> OrderReport:
    """The order, with stage order and principal error."""
    report = _order(facts.field, facts.order)
    remaining = None
    if facts.tableau.parameters:
        from rkblocks.verify import report_from_family

        remaining = report_from_family.remaining_part(facts)
    return replace(
        report,
        stage_order=stage_order(facts.reduced, _row_sums(facts), facts.tableau.tolerance),
        principal_error=_error_norm(facts.conditions, facts.order.value),
        remaining=remaining,
    )


def _error_norm(conditions: Conditions, order: int) -> ErrorNorm | None:
    if not order:
        return None
    error = within(lambda: principal_error(conditions, order))
    return ErrorNorm(None if isinstance(error, TooLarge) else Exact(conditions.weights.field, error))


def timed_part(facts: Facts) -> TimedReport | None:
    """The order for F(x, t), where the declared c is not the row sums of A."""
    found, field = facts.timed, facts.field
    if found is None:
        return None
    fails = found.witness
    witness = None if fails is None else Witness(fails.tree, fails.order, Exact(field, fails.left), fails.right)
    return TimedReport(found.value, found.verdict, found.exact, Exact(field, found.residual), witness, found.most)


def embedded_part(facts: Facts) -> EmbeddedReport | None:
    """The order of the embedded method, where there is one, with its error norm, SSP coefficient and growth."""
    if facts.embedded is None or facts.embedded_conditions is None:
        return None
    report = EmbeddedReport(**vars(_order(facts.field, facts.embedded)))
    method = facts.embedded_method
    if method is None:
        return report
    growth = method.tried_growth
    return replace(
        report,
        principal_error=_error_norm(facts.embedded_conditions, facts.embedded.value),
        optimal=optimal_part(method.at_init),
        number=None if isinstance(growth, TooLarge) else Exact(method.field, growth.growth),
        initially=Exact(method.at_init.field, method.at_init.growth.growth),
    )


def ssp_part(facts: Facts) -> SspReport:
    """Declared and optimal SSP coefficients, and the linear threshold."""
    if facts.tableau.parameters:
        from rkblocks.verify import report_from_family

        found = report_from_family.ssp_part(facts, declared_part(facts.at_init), optimal_part(facts.at_init))
    else:
        found = SspReport(declared_part(facts), optimal_part(facts))
    if facts.constant_stability is None:
        return replace(found, linear_absent=_varies(facts))
    crossing = within(partial(linear_threshold, *facts.constant_stability))
    if crossing is None:
        return found
    root = RootReport(crossing) if isinstance(crossing, TooLarge) else RootReport(crossing.root, crossing.entry)
    return replace(found, linear=root)


def _varies(facts: Facts) -> str:
    """Why what the stability polynomial decides is absent for a family, in words that follow "it"."""
    names = {name for c in facts.stability for name in facts.field.free_parameters(c)}
    return f"depends on {', '.join(p.name for p in facts.tableau.parameters if p.name in names)}; only members have it"


def contractivity_part(facts: Facts) -> ContractivityReport:
    """How long a step does not expand differences: in any norm (C), and in the Euclidean one (rho)."""
    optimal, rho = optimal_part(facts.at_init), euclidean_part(facts.at_init)
    if not facts.effective:
        return ContractivityReport(AnyNormReport(optimal), rho)
    from rkblocks.verify import report_from_family

    return report_from_family.contractivity_part(facts, optimal, rho)


def variance_part(facts: Facts) -> VarianceReport:
    """Growth by Lemma 3, with its minimum over a family that has one effective parameter."""
    minimum = None
    if facts.tableau.parameters:
        from rkblocks.verify import report_from_family

        minimum = report_from_family.minimum_part(facts)
    return _variance(facts, minimum)


def stability_part(facts: Facts) -> StabilityReport:
    """The stability polynomial and the intervals, where no parameter occurs in it."""
    polynomial = all_exact(facts.field, facts.stability)
    exact = linear_order(facts.field, facts.stability)
    if facts.constant_stability is None:
        return StabilityReport(polynomial, exact, absent=_varies(facts))
    field, psi = facts.constant_stability
    order = linear_order(field, psi, facts.tableau.tolerance)
    found = StabilityReport(polynomial, order, _intervals(field, psi), rounded=_rounded(facts))
    if order > exact:
        return replace(found, linear_order_exact=exact, meant=_intervals(field, meant(field, psi, order)))
    return found


def _rounded(facts: Facts) -> RootReport | None:
    """The real interval of a table of decimals with a tolerance, its rounding allowed for; None for another table."""
    unit = digits_unit(facts) if facts.tableau.tolerance and not facts.tableau.parameters else None
    if unit is None:
        return None
    field, A, b = facts.field, facts.reduced.A, facts.reduced.b
    root = within(partial(real_interval, field, facts.stability, spread(Method(field, A, b), unit)))
    return None if root is None else RootReport(root)


def _intervals(field: Field, psi: Coefficients) -> Intervals:
    """The real and the imaginary stability interval of a polynomial, or what is proved of one beyond the budget."""
    found = (within(partial(interval, field, psi)) for interval in (real_interval, imaginary_interval))
    return Intervals(*(None if root is None else RootReport(root) for root in found))


def method_part(facts: Facts) -> MethodReport:
    """The reduced method, which is all that a certificate speaks of."""
    A = tuple(all_exact(facts.field, row[:i]) for i, row in enumerate(facts.reduced.A))
    return MethodReport(A, all_exact(facts.field, facts.reduced.b))


def typed_part(facts: Facts) -> TypedReport | None:
    """The figures of the table as written, where stages were removed from it."""
    if not facts.was_reduced:
        return None
    optimal = None if facts.tableau.parameters else _optimal(facts.field, facts.optimal_as_typed)
    return TypedReport(facts.tableau.stages, optimal, _variance(facts, None, reduced=False))


def _order(field: Field, found: Order) -> OrderReport:
    tree, left, right = found.witness.tree, Exact(field, found.witness.left), found.witness.right
    witness = Witness(trees.text(tree), trees.nodes(tree), left, right)
    return OrderReport(found.value, found.verdict, Exact(field, found.residual), witness, found.exact)


def _variance(facts: Facts, minimum: MinimumReport | str | None, reduced: bool = True) -> VarianceReport:
    growth, at_init = ((f.tried_growth if reduced else f.tried_growth_as_typed) for f in (facts, facts.at_init))
    assert not isinstance(at_init, TooLarge)  # of numbers alone
    start = Exact(facts.at_init.field, at_init.growth)
    least, missing = (None, minimum) if isinstance(minimum, str) else (minimum, None)
    if isinstance(growth, TooLarge):
        return VarianceReport(None, start, (), ASSUMPTIONS, least, missing, why_absent(growth))
    stages = all_exact(facts.field, growth.stages)
    return VarianceReport(Exact(facts.field, growth.growth), start, stages, ASSUMPTIONS, least, missing)


def _row_sums(facts: Facts) -> Row:
    A: Rows = facts.reduced.A
    return tuple(sum(row, facts.field.zero) for row in A)


def declared_part(facts: Facts) -> DeclaredReport | None:
    """What the Shu-Osher form of a tableau without parameters certifies."""
    found = facts.declared
    if found is None:
        return None
    rows = Exact(facts.field, facts.alpha_defect) if facts.alpha_defect else None
    cfl = None if found.cfl is None else Exact(facts.field, found.cfl)
    downwind = None if found.downwind is None else Exact(facts.field, found.downwind)
    return DeclaredReport(found.nonnegative, cfl, row_sums=rows, with_downwind=downwind)


def optimal_part(facts: Facts) -> OptimalReport:
    """The optimal coefficient of a tableau without parameters, or its bounds."""
    if facts.bracket is not None:
        return OptimalReport(None, bracket=facts.bracket)
    return _optimal(facts.field, facts.optimal)


def _optimal(field: Field, crossing: Crossing[ResolventEntry] | TooLarge | None) -> OptimalReport:
    """What a coefficient is, as a report holds it."""
    if crossing is None:
        return OptimalReport(None)
    if isinstance(crossing, TooLarge):
        return OptimalReport(None, bracket=crossing.bounds, absent=None if crossing.bounds else why_absent(crossing))
    certificate = SspCertificate(crossing.entry, crossing.root, all_exact(field, crossing.polynomial))
    return OptimalReport(Exact.root(crossing.root), certificate=certificate)


def euclidean_part(facts: Facts) -> EuclideanReport:
    """rho of a tableau without parameters, or its bounds."""
    found, field = facts.contractivity, facts.field
    if isinstance(found, TooLarge):
        return EuclideanReport(None, bracket=found.bounds, absent=None if found.bounds else why_absent(found))
    if found is None:
        return EuclideanReport(None, absent="has no limit: every weight is 0")
    weight = None
    if found.stage is not None:
        kept = facts.reduced.kept[found.stage]
        weight = f"b[{kept}] = {short(field, facts.reduced.b[found.stage])}"
    certificate = RhoCertificate(found.root, all_exact(field, found.direction) or None, weight)
    return EuclideanReport(Exact.root(found.root), certificate=certificate)
