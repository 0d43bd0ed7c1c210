"""An embedded method beside a scheme: weights b_hat of lower order for the same stages, from exact linear algebra.

For fixed A the order conditions are linear in the weights, so b_hat = b + n for a vector n that every tree of order at
most q maps to zero, and the conditions of order q + 1 do not.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from sympy.polys.matrices import DomainMatrix

from rkblocks.exact.field import Element, Field
from rkblocks.forms import Butcher, Row
from rkblocks.synthesis.file_text import DIGITS
from rkblocks.tableau import Tableau
from rkblocks.verify.facts import Facts
from rkblocks.verify.order import Conditions, order_of
from rkblocks.verify.trees import trees

SHARE = Fraction(1, 2)
"""How far b_hat goes from b towards the first weight that would turn negative."""


def with_embedded(tableau: Tableau, order: int) -> Tableau | None:
    """The tableau with embedded weights of exactly this order, None where its stages have no room for them.

    Where b is positive, b_hat is nonnegative; in decimals b_hat is rounded as the tableau is.
    """
    facts = Facts(tableau)
    field, form = facts.field, facts.form
    for direction in _directions(facts, order):
        step = _step(field, form.b, direction)
        b_hat = tuple(w + step * n for w, n in zip(form.b, direction, strict=True))
        if tableau.tolerance:
            b_hat = _rounded(field, b_hat)
        if order_of(Conditions(facts.conditions.weights, b_hat), tableau.tolerance).value == order:
            return replace(tableau, butcher=Butcher(form.A, form.b, None, b_hat))
    return None


def _directions(facts: Facts, order: int) -> list[tuple[Element, ...]]:
    """A basis of the vectors that are orthogonal to ``Phi(t)`` for all trees with at most ``order`` nodes."""
    weights, element = facts.conditions.weights, facts.conditions.ring.element
    rows = [[element(entry) for entry in weights.phi(tree).entries] for n in range(1, order + 1) for tree in trees(n)]
    matrix = DomainMatrix(rows, (len(rows), len(facts.form.b)), facts.field.domain)
    return [tuple(row) for row in matrix.to_field().nullspace().to_list()]


def _step(field: Field, b: Row, direction: Row) -> Element:
    """How far to go: half-way to the first weight that turns negative; to a change of 1/2 where none is positive."""
    limits = [-w / n for w, n in zip(b, direction, strict=True) if n and field.sign(w) > 0 > field.sign(n)]
    if limits:
        return field.rational(SHARE) * min(limits, key=field.to_float)
    largest = max(direction, key=lambda n: abs(field.to_float(n)))
    return field.rational(SHARE) / largest


def _rounded(field: Field, weights: Row) -> Row:
    """The weights in decimals, with the same sum exactly."""
    scale = 10**DIGITS
    near = [Fraction(round(field.fraction(w) * scale), scale) for w in weights]
    near[0] += field.fraction(sum(weights, field.zero)) - sum(near)
    return tuple(map(field.rational, near))
