"""Properties of a sound method or family that its author should know: warnings and remarks, never errors."""

from __future__ import annotations

from collections.abc import Iterator

from rkblocks.diagnostics import Diagnostic, Severity, diagnostic
from rkblocks.exact.roots import Root, real
from rkblocks.exact.value import Exact
from rkblocks.verify.declared import Declared, entry_at, pointer, shown
from rkblocks.verify.facts import Facts
from rkblocks.verify.values import BEYOND, bounds_text, off_root, point_text, root_text, short, to_float


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
    if found.cfl is not None and real(member.field, found.cfl).compare(optimum) == 0:
        return ""
    return ", in another form"


def unused_stages(facts: Facts) -> Iterator[Diagnostic]:
    """Stages that the result does not depend on; one that serves b_hat alone is worth a remark only."""
    unused = facts.reduced.unused
    b_hat = facts.form.b_hat
    serving: set[int] = {i for i in unused if b_hat is not None and b_hat[i]}
    for i in sorted(unused, reverse=True):
        if any(facts.form.A[k][i] for k in serving):
            serving.add(i)
    dead = [i for i in unused if i not in serving]
    if dead:
        yield diagnostic(
            "RK312",
            f"{_stages(dead)} not used: the result does not depend on {'them' if len(dead) > 1 else 'it'}",
            path=_stage_path(facts, dead[0]),
            help="order, SSP coefficient and growth are those of the method without them; as_typed has the table's",
        )
    if serving:
        ordered = sorted(serving)
        yield diagnostic(
            "RK314",
            f"{_stages(ordered)} used by the embedded method alone",
            path=_stage_path(facts, ordered[0]),
            help="SSP coefficient and growth are those of the method (A, b) without it",
        )


def equal_stages(facts: Facts) -> Iterator[Diagnostic]:
    """Stages that repeat an earlier one; the growth of Lemma 3 would count them twice."""
    equal = [(i, k) for i, k in facts.reduced.equal if i not in facts.reduced.unused]
    if equal:
        i, k = equal[0]
        more = f", and {len(equal) - 1} more" if len(equal) > 1 else ""
        yield diagnostic(
            "RK313",
            f"stage u{i} equals stage u{k}{more}: F is evaluated there once",
            path=_stage_path(facts, i),
            help="order, SSP coefficient and growth are those of the method with equal stages merged",
        )


def negative_entries(facts: Facts) -> Iterator[Diagnostic]:
    """Negative entries of a declared form of numbers: no SSP statement follows from it as it is written."""
    form = facts.tableau.shu_osher
    if form is None or facts.tableau.parameters or facts.declared is None:
        return
    for name, code, help in (
        ("alpha", "RK315", "a negative weight makes no convex combination, so the form says nothing about stability"),
        (
            "beta",
            "RK316",
            "it needs a downwind operator: another F that is stable for negative steps (Shu & Osher 1988)",
        ),
    ):
        places = [place for place in facts.declared.negative if place[0] == name]
        if places:
            more = f", and {len(places) - 1} more" if len(places) > 1 else ""
            if name == "beta" and facts.declared.downwind:
                more += "; with a downwind operator there the form certifies c = "
                more += short(facts.field, facts.declared.downwind)
            value = entry_at(form, places[0])
            yield diagnostic(
                code,
                f"{shown(places[0])} = {short(facts.field, value)} is negative{more}{_optimum_clause(facts)}",
                path=pointer(places[0]),
                help=help,
            )


def certifies_less(facts: Facts) -> Iterator[Diagnostic]:
    """A nonnegative declared form with a coefficient below the optimum: another form of the same method is better."""
    found = facts.declared if not facts.tableau.parameters else None
    if found is None or not found.nonnegative or found.cfl is None or facts.optimal is None:
        return
    certified = real(facts.field, found.cfl)
    if certified.compare(facts.optimal.root) < 0 and not _negligible(facts, certified, facts.optimal.root):
        assert found.limiting is not None
        reason = " (alpha is 0 there)" if not found.cfl else ""
        apart = off_root(facts.field, found.cfl, facts.optimal.root)
        yield diagnostic(
            "RK318",
            f"as written the form certifies c = {short(facts.field, found.cfl)}, limited by "
            f"{shown(found.limiting)}{reason}; the method has C = {root_text(facts.optimal.root)}{apart} in another "
            "form",
            path=pointer(found.limiting),
            help="`rkblocks canonical` writes that form, as a corrected file",
        )


def decimal_table(facts: Facts) -> Iterator[Diagnostic]:
    """What is rigorous of a table of decimals, and what is a property of the digits."""
    if not facts.tableau.tolerance or facts.tableau.parameters:
        return
    order, field = facts.order, facts.field
    sentences = []
    if order.verdict == "tolerance":
        residual = to_float(field, order.residual)
        exactly = f"exactly only order {order.exact}" if order.exact else "no order exactly"
        sentences.append(f"order {order.value} holds within the tolerance, {exactly} (largest residual {residual:.3g})")
    if facts.optimal is not None and facts.optimal.root.fraction != 0:
        sentences.append(
            f"C = {root_text(facts.optimal.root)} is exact for these digits, but may move by far more than they do"
        )
    elif facts.optimal is not None:
        sentences.append(f"C = 0 is exact for these digits: {facts.optimal.entry} is negative for small r")
    if facts.declared is not None and facts.declared.cfl:
        rows = ""
        if facts.alpha_defect:
            rows = f", with rows of alpha that sum to 1 within {Exact(field, facts.alpha_defect).above(3)}"
        sentences.append(
            f"alpha and beta certify c = {short(field, facts.declared.cfl)}, which moves no more than they do{rows}"
        )
    if sentences:
        yield diagnostic("RK319", "table of decimals: " + "; ".join(sentences), path="/tolerance")


def not_isolated(facts: Facts) -> Iterator[Diagnostic]:
    """An optimum that is bounded, but whose exact value would take too long to isolate."""
    if not facts.tableau.parameters and facts.bracket is not None:
        low, high = facts.bracket
        yield diagnostic(
            "RK324",
            f"the optimal SSP coefficient lies in {bounds_text(low, high)}, both proved; the number itself {BEYOND}",
            path="/b" if facts.tableau.butcher is not None else "/beta",
        )


FINDINGS = (
    not_isolated,
    unused_stages,
    equal_stages,
    negative_entries,
    certifies_less,
    decimal_table,
    without_effect,
    family_domain,
)
"""Adding a finding is one function here; each yields diagnostics about one tableau."""


def _optimum_clause(facts: Facts) -> str:
    if facts.optimal is None or facts.optimal.root.fraction == 0:
        return ""
    return f"; yet the method has C = {root_text(facts.optimal.root)} in another form"


def _negligible(facts: Facts, low: Root, high: Root) -> bool:
    """Whether a difference is one of the digits, not of the form: within 1000 tolerances of a decimal table, or within
    1e-9 of an optimum that no file can write (`canonical` takes a decimal just below it).
    """
    margin = facts.tableau.tolerance * 1000
    if Exact.root(high).text is None:
        margin = max(margin, high.refine(64).low / 10**9)
    return bool(margin) and high.refine(200).high - low.refine(200).low <= margin


def _stages(stages: list[int]) -> str:
    names = ", ".join(f"u{i}" for i in stages)
    return f"stages {names} are" if len(stages) > 1 else f"stage {names} is"


def _stage_path(facts: Facts, stage: int) -> str:
    """The row that computes a stage; u0 is x itself and has a row in the Butcher form only."""
    if facts.tableau.butcher is not None:
        return f"/A/{stage}"
    return f"/beta/{stage - 1}" if stage else "/beta"
