"""Findings about families: parameters without effect, and a declared form that does not stay nonnegative."""

from __future__ import annotations

from collections.abc import Iterator

from rkblocks.diagnostics import Diagnostic, Severity, diagnostic
from rkblocks.exact.roots import Root
from rkblocks.verify.declared import Declared
from rkblocks.verify.facts import Facts
from rkblocks.verify.family import cells
from rkblocks.verify.pointers import entry_at, pointer, shown
from rkblocks.verify.values import point_text, root_text, short


def without_effect(facts: Facts) -> Iterator[Diagnostic]:
    """Parameters that cancel in the Butcher form; a learnable one has zero gradient up to rounding noise."""
    for p in facts.ineffective:
        yield diagnostic(
            "RK321",
            f"the parameter {p.name} has no effect: it cancels in the result of a step, and its gradient is zero",
            path=f"/parameters/{p.name}",
            help="in floats the gradient is rounding noise, which Adam amplifies: fix the parameter or derive it",
            severity=Severity.WARNING if p.learnable else Severity.INFO,
        )


def family_domain(facts: Facts) -> Iterator[Diagnostic]:
    """A declared form that is not nonnegative for every value that training can reach, with a counterexample."""
    form = facts.tableau.shu_osher
    region = facts.region if facts.tableau.parameters else None
    if region is None or form is None:
        return
    from rkblocks.verify.family.inequality import value_at

    if region.violations:
        v = region.violations[0]
        value = value_at(facts.field, entry_at(form, v.entry), v.point)
        at = f" at {point_text(v.point)}" if v.point else ""
        yield diagnostic(
            "RK322",
            f"the declared form is not nonnegative on the whole domain: {shown(v.entry)} = "
            f"{short(facts.field, value)}{at}; {_at_init(facts)}{_fixed(facts)}",
            path=pointer(v.entry),
            help="the region where it is nonnegative is listed; narrow the domain, or derive the coefficients",
        )
    elif region.undecided:
        yield diagnostic(
            "RK323",
            f"whether {shown(region.undecided[0])} is nonnegative on the whole domain could not be decided; "
            f"{_at_init(facts)}",
            path=pointer(region.undecided[0]),
        )


def _fixed(facts: Facts) -> str:
    """What the fixed parameters leave to training."""
    fixed = [p.name for p in facts.tableau.parameters if not p.learnable]
    if not fixed or facts.trained not in ("nowhere", "somewhere"):
        return ""
    reach = "no value" if facts.trained == "nowhere" else "some values only"
    return f"; with {', '.join(fixed)} fixed there, {reach} of the learned parameter makes the form nonnegative"


def _at_init(facts: Facts) -> str:
    """What holds at the initial values: the declared form there, and the method itself."""
    member = facts.at_init
    found, optimal = member.declared, member.optimal
    assert found is not None
    assert member.tableau.shu_osher is not None
    if found.nonnegative:
        words = "at the initial values it is nonnegative"
        if found.cfl is not None:
            words += f" and certifies c = {short(member.field, found.cfl)}"
    else:
        value = short(member.field, entry_at(member.tableau.shu_osher, found.negative[0]))
        words = f"at the initial values {shown(found.negative[0])} = {value} is negative"
    if optimal is None:
        return words
    if optimal.root.fraction == 0:
        return f"{words}; the method itself has C = 0 there, in every form"
    return (
        f"{words}; the method itself has C = {root_text(optimal.root)} there{_other_form(found, member, optimal.root)}"
    )


def _other_form(found: Declared, member: Facts, optimum: Root) -> str:
    if found.cfl is not None and cells.number(member.field, found.cfl).compare(optimum) == 0:
        return ""
    return ", in another form"
