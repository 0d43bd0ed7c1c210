"""Growth of the variance over one step, stage by stage (Kim et al. 2020, Lemma 3, for any explicit method).

Assumed: ``Var[F(y)] = Var[y]``, F(y) uncorrelated with x, and the F(y_i) of one step mutually uncorrelated.  Then the
stage values have ``V_i = 1 + sum_j a_ij**2 V_j`` in units of Var[x], and a step multiplies the variance by
``1 + sum_i b_i**2 V_i``.  In trained networks the premises do not hold; the number is a design goal, not a measurement.
"""

from __future__ import annotations

from dataclasses import dataclass

from rkblocks.exact.field import Element, Field
from rkblocks.forms import Row, Rows

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


def variance_growth(field: Field, A: Rows, b: Row) -> Growth:
    """The growth of an explicit method: 2 for Euler, 9/4 for the midpoint rule, 7/4 for SSP2, 29/18 for SSP3.

    It is no invariant of the method: equal or unused stages must have been removed (`forms.reduce`).
    """
    stages: list[Element] = []
    for row in (*A, b):
        stages.append(sum((a * a * v for a, v in zip(row, stages, strict=False) if a), field.one))
    return Growth(stages[-1], tuple(stages[:-1]))
