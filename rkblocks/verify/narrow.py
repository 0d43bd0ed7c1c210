"""The part of a family's domain on which a step length is guaranteed, as a tableau whose parameters cannot leave it.

At a fixed r the conditions r <= C (every entry of P(r) and d(r) nonnegative) and r <= rho (the weights positive,
B + r M semidefinite) are inequalities between rational functions of the parameter.  On the interval between two
neighbouring zeros of those functions, of det(B + r M) and of the weights, they hold everywhere or nowhere: eigenvalues
of a continuous symmetric matrix change sign only through a zero of the determinant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from sympy.polys.matrices import DomainMatrix

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root, real
from rkblocks.exact.work import TooLarge, within
from rkblocks.forms import Method, resolvent
from rkblocks.tableau import Parameter, Tableau
from rkblocks.verify.contractivity import matrix, semidefinite
from rkblocks.verify.facts import Facts
from rkblocks.verify.family import cells

BITS = 30
"""An irrational end of the interval is taken inside it, at most 2**-BITS away."""
SHRUNK = Fraction(1, 1 << 20)
"""An end that was cut is moved inside by this share of its size: what float32 can make of a saturated sigmoid."""
MOST_STAGES = 6


def narrowed(tableau: Tableau, r: Fraction, *, euclidean: bool) -> Tableau | None:
    """The tableau with the domain of its one effective learnable parameter cut to where r <= rho, or r <= C.

    None where its start is not inside, or the family has more parameters or stages than are solved, or takes more steps
    than the budget of a part of a report has.  A tableau without
    effective learnable parameters is returned as it is if its own method allows r.
    """
    facts = Facts(tableau)
    learnable = [p for p in facts.effective if p.learnable]
    fixed = {p.name: p.init for p in tableau.parameters if p not in learnable}
    family = tableau.at(fixed) if fixed and learnable else tableau
    found = within(lambda: narrowed_members(family, r, euclidean))
    if isinstance(found, TooLarge):
        return None
    if found is None or not learnable:
        return None if found is None else tableau
    return replace(tableau, parameters=tuple(found if p.name == found.name else p for p in tableau.parameters))


def narrowed_members(tableau: Tableau, r: Fraction, euclidean: bool) -> Parameter | None:
    """The effective parameter with its domain cut; for a tableau without any a parameter that stands for "allowed"."""
    facts = Facts(tableau)
    field, A, b = tableau.field, facts.reduced.A, facts.reduced.b
    if len(facts.effective) > 1 or len(b) > MOST_STAGES:
        return None
    start = Facts(tableau.at(tableau.initial())).reduced
    if not _allowed(start, r, euclidean):
        return None
    if not facts.effective:
        return Parameter("", None, None, field.constants.zero)
    (parameter,) = facts.effective
    low, high = cells.bounds(field, [parameter])[parameter.name]
    conditions = _conditions(Method(field, A, b), r, euclidean)
    polys = [
        cells.integer_polynomial(field, part, [parameter.name]) for c in conditions if c for part in (c.numer, c.denom)
    ]
    init = real(field.constants, parameter.init)
    below: Root | None = low
    above: Root | None = high
    for cut in cells.inner_roots(polys, low, high):
        side = cut.compare(init)
        if side == 0:
            return None
        below, above = (cut, above) if side < 0 else (below, cut if above is high or above is None else above)
    ends = (_inside(field, below, low, parameter.low, 1), _inside(field, above, high, parameter.high, -1))
    return replace(parameter, low=ends[0], high=ends[1])


def _inside(field: Field, cut: Root | None, old: Root | None, given: Element | None, side: int) -> Element | None:
    if cut is old or cut is None:
        return given
    tight = cut.refine(BITS)
    end = tight.high if side > 0 else tight.low
    return field.constants.rational(end + side * abs(end) * SHRUNK)


def _allowed(method: Method, r: Fraction, euclidean: bool) -> bool:
    field, b = method.field, method.b
    if euclidean:
        return all(field.sign(w) > 0 for w in b) and semidefinite(field, b, matrix(method), r)[0] >= 0
    P, d = resolvent(method, field.rational(r))
    return all(field.sign(entry) >= 0 for entry in (*d, *(e for row in P for e in row)) if entry)


def _conditions(method: Method, r: Fraction, euclidean: bool) -> Sequence[Element]:
    field, b = method.field, method.b
    at = field.rational(r)
    if not euclidean:
        P, d = resolvent(method, at)
        return [*d, *(e for row in P for e in row)]
    M = matrix(method)
    m = len(b)
    rows = [[at * M[i][j] + (b[i] if i == j else field.zero) for j in range(m)] for i in range(m)]
    return [DomainMatrix(rows, (m, m), field.domain).charpoly()[-1], *b]
