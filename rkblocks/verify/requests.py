"""What a report holds on request only: all residuals, internal stability polynomials, the downwind splitting.

An internal stability polynomial says what an error made in one stage becomes in the result of the step.  On x' = lambda
x with z = dt lambda, an error in stage j changes the result by Q_j(z) times itself.  It depends on the form in which
the method is computed, unlike the stability polynomial (Ketcheson, Loczi & Parsani 2014, SIAM J. Numer. Anal. 52,
2227-2249).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Coefficients
from rkblocks.exact.value import Exact
from rkblocks.forms import Method, Row, ShuOsher
from rkblocks.verify import trees
from rkblocks.verify.downwind import MOST_STAGES, splitting
from rkblocks.verify.facts import Facts
from rkblocks.verify.report import DownwindReport, InternalReport, Report, ResidualReport

MOST_ORDER = 10
"""There are 719 trees of this order, and 1842 of the next."""


@dataclass(frozen=True)
class Requests:
    """``residuals``: all order conditions up to this order, 0 for none; ``internal``: the polynomials of both forms;
    ``downwind``: the optimal splitting with downwind operators."""

    residuals: int = 0
    internal: bool = False
    downwind: bool = False


NONE = Requests()


def residuals(facts: Facts, order: int) -> tuple[ResidualReport, ...]:
    """Every condition up to the order, smaller trees first, each with both sides and what is left over."""
    found = []
    for n in range(1, order + 1):
        for tree in trees.trees(n):
            condition = facts.conditions.condition(tree)
            left, rest = (Exact(facts.field, v) for v in (condition.left, facts.conditions.residual(tree)))
            found.append(ResidualReport(trees.text(tree), n, left, condition.right, rest))
    return tuple(found)


def internal_stability(facts: Facts) -> InternalReport:
    """The polynomials of the table as written, in the Butcher form and in the declared one."""
    field, form, declared = facts.field, facts.form, facts.tableau.shu_osher

    def exact(polynomials: tuple[tuple[object, ...], ...]) -> tuple[tuple[Exact, ...], ...]:
        return tuple(tuple(Exact(field, c) for c in polynomial) for polynomial in polynomials)

    butcher = exact(of_butcher(Method(field, form.A, form.b)))
    return InternalReport(butcher, None if declared is None else exact(of_shu_osher(field, declared)))


def downwind(facts: Facts) -> DownwindReport:
    """The optimal downwind splitting of the reduced method of rational numbers; else why there is none."""
    field, A, b = facts.field, facts.reduced.A, facts.reduced.b
    if facts.tableau.parameters or not all(field.is_rational(entry) for row in (*A, b) for entry in row):
        return DownwindReport(reason="only methods of rational numbers are split")
    if len(b) > MOST_STAGES:
        return DownwindReport(reason=f"{len(b)} stages, at most {MOST_STAGES} are split")
    found = splitting([list(map(field.fraction, row)) for row in A], list(map(field.fraction, b)))
    if found is None:
        return DownwindReport(reason="no limit was found")
    return DownwindReport((found.low, found.high), found.up, found.down)


def answered(report: Report, facts: Facts, requests: Requests) -> Report:
    """The report with what was asked for."""
    return replace(
        report,
        residuals=residuals(facts, requests.residuals) if requests.residuals else None,
        internal_stability=internal_stability(facts) if requests.internal else None,
        downwind=downwind(facts) if requests.downwind else None,
    )


def of_butcher(method: Method) -> tuple[Coefficients, ...]:
    """Q_0 to Q_(m-1) of the Butcher form, ``z (b (I - zA)^-1)_j``, coefficients from the constant one up."""
    field, A, b = method.field, method.A, method.b
    m = len(b)
    powers: list[Row] = [tuple(field.zero for _ in b), b]
    for _ in range(m - 1):
        last = powers[-1]
        powers.append(tuple(sum((last[i] * A[i][j] for i in range(m)), field.zero) for j in range(m)))
    return tuple(_trimmed(tuple(power[j] for power in powers)) for j in range(m))


def of_shu_osher(field: Field, form: ShuOsher) -> tuple[Coefficients, ...]:
    """Q_0 to Q_(m-1) of a Shu-Osher form; Q_0 is the stability polynomial, since u0 = x is a stage like the others."""
    m = len(form.alpha)
    found: list[list[Element]] = [[field.zero] * (m + 1) for _ in range(m)] + [[field.one] + [field.zero] * m]
    for j in reversed(range(m)):
        for i in range(j, m):
            a, weight, later = form.alpha[i][j], form.beta[i][j], found[i + 1]
            for k in range(m + 1):
                found[j][k] = found[j][k] + a * later[k]
                if k < m:
                    found[j][k + 1] = found[j][k + 1] + weight * later[k]
    return tuple(_trimmed(tuple(polynomial)) for polynomial in found[:m])


def _trimmed(polynomial: Coefficients) -> Coefficients:
    """Without zeros at the end; (0,) for the zero polynomial."""
    last = max((k for k, c in enumerate(polynomial) if c), default=0)
    return polynomial[: last + 1]
