"""The coefficients of one method as a report holds them: declared and optimal C, and rho, or what is proved of them.

Those of a family hold these of its member at the initial values beside their formulas.
"""

from __future__ import annotations

from collections.abc import Sequence

from rkblocks.exact.field import Element, Field
from rkblocks.exact.value import Exact
from rkblocks.exact.work import TooLarge
from rkblocks.verify.crossing import Crossing
from rkblocks.verify.facts import Facts
from rkblocks.verify.radius import Place
from rkblocks.verify.report import Certificate, DeclaredReport, EuclideanReport, OptimalReport, RhoCertificate
from rkblocks.verify.values import short, why_absent


def all_exact(field: Field, entries: Sequence[Element]) -> tuple[Exact, ...]:
    """The elements as a report holds them."""
    return tuple(Exact(field, entry) for entry in entries)


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
    return optimal_of(facts.field, facts.optimal)


def optimal_of(field: Field, crossing: Crossing[Place] | TooLarge | None) -> OptimalReport:
    """What a coefficient is, as a report holds it."""
    if crossing is None:
        return OptimalReport(None)
    if isinstance(crossing, TooLarge):
        return OptimalReport(None, bracket=crossing.bounds, absent=None if crossing.bounds else why_absent(crossing))
    certificate = Certificate(crossing.entry, crossing.root, all_exact(field, crossing.polynomial))
    return OptimalReport(Exact.root(crossing.root), certificate)


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
    return EuclideanReport(Exact.root(found.root), certificate)
