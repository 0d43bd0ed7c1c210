"""The author's claims against what was found: exact comparisons, each with a reason where the claim is false."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from rkblocks.diagnostics import Diagnostic, diagnostic
from rkblocks.escape import count
from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root, real
from rkblocks.exact.work import TooLarge
from rkblocks.tableau import Claimed
from rkblocks.verify import trees
from rkblocks.verify.facts import Facts
from rkblocks.verify.radius import negative_at
from rkblocks.verify.report import ClaimReport
from rkblocks.verify.values import bounds_text, off, off_root, root_text, short, why_absent

Judged = tuple[ClaimReport, Diagnostic | None]
_FALSE = {"ssp": "RK402", "declared_ssp": "RK403", "variance": "RK404", "rho": "RK360"}
"""The code of a false claim."""


def order_claim(facts: Facts) -> Iterator[Judged]:
    """The claimed order must be the highest that holds."""
    claimed = facts.tableau.claims.order
    if claimed is None:
        return
    found = facts.order.value
    report = ClaimReport("order", str(claimed), str(found), claimed == found)
    if claimed == found:
        yield report, None
        return
    witness = facts.order.witness
    right = facts.field.rational(witness.right)
    sides = f"{short(facts.field, witness.left)} instead of {witness.right}{off(facts.field, witness.left, right)}"
    reason = (
        f"the tree {trees.text(witness.tree)} with {count(trees.nodes(witness.tree), 'node')} gives {sides}"
        if claimed > found
        else f"all conditions up to order {found} hold"
    )
    message = f"order {claimed} is claimed, but the order is {found}: {reason}"
    yield report, diagnostic("RK401", message, path="/claims/order", help=f'"order": {found}')


def ssp_claim(facts: Facts) -> Iterator[Judged]:
    """The claimed optimal coefficient must be R; a claim above it is refuted by a negative entry."""
    claimed = facts.tableau.claims.ssp
    if claimed is None:
        return
    if facts.effective:
        yield _ssp_of_family(facts, claimed)
        return
    crossing = facts.at_init.optimal
    if facts.at_init.bracket is not None:
        yield _ssp_in_bracket(facts.at_init, claimed)
        return
    if crossing is None:
        yield _judged("ssp", claimed, None, False, "there is no finite coefficient")
        return
    found, holds = root_text(crossing.root), agrees(facts.field, claimed, crossing.root)
    reason = f"{crossing.entry} is negative just above it"
    value, member = claimed.value, facts.at_init
    if not holds and value is not None and not facts.field.free_parameters(value):
        at = facts.field.number(value)
        negative = negative_at(member.reduced, at) if member.field.sign(at) > 0 else None
        if negative is not None:
            reason = f"at r = {claimed.text} the entry {negative.entry} is {short(member.field, negative.value)}"
    apart = _apart(facts.field, claimed, crossing.root)
    yield _judged("ssp", claimed, found, holds, reason, apart)


def _ssp_in_bracket(facts: Facts, claimed: Claimed) -> Judged:
    """A claim outside proven bounds is false; inside them it is not decided."""
    assert facts.bracket is not None
    low, high = facts.bracket
    text = f"in {bounds_text(low, high)}"
    if claimed.value is not None:
        inside = facts.field.sign(claimed.value - facts.field.rational(low)) >= 0
        inside &= facts.field.sign(claimed.value - facts.field.rational(high)) < 0
    else:
        least, most = _digits(claimed.digits or "0")
        inside = most > low and least < high
    if not inside:
        return _judged("ssp", claimed, text, False, "proved by exact evaluation at both bounds")
    return _undecided("ssp", claimed, f"the claimed SSP coefficient was not decided; it is {text}")


def _ssp_of_family(facts: Facts, claimed: Claimed) -> Judged:
    cases, field = facts.cases, facts.field
    if isinstance(cases, TooLarge):
        reason = f"the claimed SSP coefficient was not decided: it {why_absent(cases)}"
        return _undecided("ssp", claimed, reason)
    known = [case.value for case in cases]
    shown = "; ".join("an algebraic function" if v is None else field.text(v) for v in known)
    holds = claimed.value is not None and all(v is not None and v == claimed.value for v in known)
    return _judged("ssp", claimed, shown, holds, "it must hold for every value in the domain")


def declared_claim(facts: Facts) -> Iterator[Judged]:
    """The claimed coefficient of the form as written."""
    claimed, field = facts.tableau.claims.declared_ssp, facts.field
    if claimed is None:
        return
    if facts.tableau.shu_osher is None:
        yield _judged(
            "declared_ssp", claimed, None, False, "the file has no alpha and beta that could certify anything"
        )
        return
    if facts.tableau.parameters:
        region = facts.region
        assert region is not None
        cfl = region.cfl
        if cfl is None and region.inside is not False:
            yield _undecided("declared_ssp", claimed, "the claimed declared_ssp was not decided")
            return
        reason = "the form is not nonnegative on the whole domain" if cfl is None else "the least of alpha/beta"
        holds = cfl is not None and claimed.value is not None and claimed.value == cfl
        yield _judged("declared_ssp", claimed, None if cfl is None else field.text(cfl), holds, reason)
        return
    found = facts.declared
    assert found is not None
    if found.cfl is None:
        yield _judged("declared_ssp", claimed, None, False, "an entry of the form is negative")
        return
    holds = agrees(field, claimed, real(field, found.cfl))
    apart = "" if claimed.value is None else off(field, claimed.value, found.cfl)
    yield _judged(
        "declared_ssp", claimed, short(field, found.cfl), holds, "the least of alpha/beta over beta > 0", apart
    )


def variance_claim(facts: Facts) -> Iterator[Judged]:
    """The claimed growth by Lemma 3, for a family as an identity in the parameters."""
    claimed, field = facts.tableau.claims.variance, facts.field
    if claimed is None:
        return
    if isinstance(facts.tried_growth, TooLarge):
        reason = f"the claimed growth was not decided: it {why_absent(facts.tried_growth)}"
        yield _undecided("variance", claimed, reason)
        return
    growth = facts.growth.growth
    if field.free_parameters(growth):
        holds = claimed.value is not None and claimed.value == growth
    elif claimed.value is not None:
        holds = claimed.value == growth
    else:
        low, high = _digits(claimed.digits or "0")
        holds = field.sign(growth - field.rational(low)) >= 0 and field.sign(growth - field.rational(high)) < 0
    apart = "" if claimed.value is None else off(field, claimed.value, growth)
    yield _judged("variance", claimed, short(field, growth), holds, "the formula of Lemma 3", apart)


def rho_claim(facts: Facts) -> Iterator[Judged]:
    """The claimed radius of circle contractivity."""
    claimed = facts.tableau.claims.rho
    if claimed is None:
        return
    if facts.effective:
        cases = facts.rho_cases
        known = None if isinstance(cases, TooLarge) else {piece.text for piece in cases}
        if known is None or (len(known) == 1 and None in known):
            reason = why_absent(cases) or "is a root without a formula"
            yield _undecided("rho", claimed, f"the claimed rho was not decided: it {reason}")
            return
        shown = "; ".join(sorted(text or "an algebraic function" for text in known))
        same = claimed.value is not None and known == {facts.field.text(claimed.value)}
        yield _judged("rho", claimed, shown, same, "it must hold for every value in the domain")
        return
    found = facts.at_init.contractivity
    if found is None:
        yield _judged("rho", claimed, None, False, "nothing limits it")
    elif isinstance(found, TooLarge):
        yield _undecided("rho", claimed, "the claimed rho was not decided: the numbers are too large")
    else:
        reason = "beyond it B + r M is not semidefinite" if found.stage is None else "a weight is not positive"
        holds = agrees(facts.field, claimed, found.root)
        yield _judged("rho", claimed, root_text(found.root), holds, reason)


CLAIMS: tuple[Callable[[Facts], Iterator[Judged]], ...] = (
    order_claim,
    ssp_claim,
    declared_claim,
    rho_claim,
    variance_claim,
)
"""Adding a kind of claim is one function here."""


def judge(facts: Facts) -> tuple[tuple[ClaimReport, ...], tuple[Diagnostic, ...]]:
    """All claims with what was found, and a diagnostic for each that is false or undecided."""
    judged = [one for claim in CLAIMS for one in claim(facts)]
    return tuple(report for report, _ in judged), tuple(d for _, d in judged if d is not None)


def agrees(field: Field, claimed: Claimed, found: Root) -> bool:
    """Whether the claimed value is the number found, or its digits are the leading ones of it; exactly."""
    if claimed.value is not None:
        depends = field.free_parameters(claimed.value)
        return not depends and _number(field, claimed.value).compare(found) == 0
    assert claimed.digits is not None
    low, high = _digits(claimed.digits)
    return found.compare(low) >= 0 and found.compare(high) < 0


def _apart(field: Field, claimed: Claimed, found: Root) -> str:
    """How far a claimed number is from the one found, where the two look the same."""
    exact = claimed.value is not None and not field.free_parameters(claimed.value)
    return off_root(field, claimed.value, found) if exact else ""


def _number(field: Field, value: Element) -> Root:
    return real(field.constants, field.number(value))


def _digits(digits: str) -> tuple[Fraction, Fraction]:
    """The half-open interval of the numbers that begin with these digits."""
    unit = Fraction(1, 10 ** len(digits.partition(".")[2]))
    return Fraction(digits), Fraction(digits) + unit


def _undecided(name: str, claimed: Claimed, message: str) -> Judged:
    return ClaimReport(name, claimed.text, None, None), diagnostic("RK405", message, path=f"/claims/{name}")


def _judged(name: str, claimed: Claimed, found: str | None, holds: bool, reason: str, apart: str = "") -> Judged:
    report = ClaimReport(name, claimed.text, found, holds)
    if holds:
        return report, None
    message = f"{name} {claimed.text} is claimed, but {found or 'nothing of the kind'} was found{apart}: {reason}"
    help = f'"{name}": "{found}"' if found else f'leave "{name}" out'
    return report, diagnostic(_FALSE[name], message, path=f"/claims/{name}", help=help)
