"""Growth of the variance over one step, stage by stage (Kim et al. 2020, Lemma 3, for any explicit method).

Assumed: ``Var[F(y)] = Var[y]``, F(y) uncorrelated with x, and the F(y_i) of one step mutually uncorrelated.  Then the
stage values have ``V_i = 1 + sum_j a_ij**2 V_j`` in units of Var[x], and a step multiplies the variance by
``1 + sum_i b_i**2 V_i``.  In trained networks the premises do not hold; the number is a design goal, not a measurement.
"""

from __future__ import annotations

from dataclasses import dataclass

from rkblocks.exact.field import Element, Field
from rkblocks.exact.work import spend
from rkblocks.forms import Method, Row

LOWEST = 6
"""Steps for each pair of terms of a rational function that is brought to lowest terms."""
ASSUMPTIONS = (
    "Var[F(y)] = Var[y] at every stage value y",
    "Cov[x, F(y)] = 0",
    "the values F(y_i) of one step are mutually uncorrelated",
)


@dataclass(frozen=True)
class Growth:
    """``growth`` of one step and ``stages`` V_1..V_m, in units of Var[x]; field elements, expressions for a family."""

    growth: Element
    stages: Row


def variance_growth(method: Method) -> Growth:
    """The growth of an explicit method: 2 for Euler, 9/4 for the midpoint rule, 7/4 for SSP2, 29/18 for SSP3.

    It is no invariant of the method: equal or unused stages must have been removed (`forms.reduce`).  Raises TooLarge
    for a family beyond the budget in force.
    """
    field, A, b = method.field, method.A, method.b
    stages: list[Element] = []
    for row in (*A, b):
        total = field.one
        for a, v in ((a, v) for a, v in zip(row, stages, strict=False) if a):
            if field.parameters:
                _charge(field, a, v)
            total = total + a * a * v
        stages.append(total)
    return Growth(stages[-1], tuple(stages[:-1]))


def _charge(field: Field, a: Element, v: Element) -> None:
    """Take the product ``a * a * v`` and its sum with as large a number, in lowest terms, from the budget in force."""
    terms, bits = 1, 0
    for factor, times in ((a, 2), (v, 1)):
        numbers = [c for part in (factor.numer, factor.denom) for _, c in part.terms()]
        terms *= max(1, len(factor.numer), len(factor.denom)) ** times
        parts = (q for c in numbers for q in field.constants.coordinates(c))
        longest = (max(q.numerator.bit_length(), q.denominator.bit_length()) for q in parts)
        bits += times * max(longest, default=0)
    spend(LOWEST * terms * terms << 2 * len(field.roots), bits, bits)
