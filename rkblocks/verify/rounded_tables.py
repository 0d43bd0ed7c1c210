"""Decimals without a tolerance: whether their digits alone cost a table its order, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import factorial

from rkblocks.exact.decimals import LONG, meant, places, unit
from rkblocks.verify import trees
from rkblocks.verify.declared import Place, shown
from rkblocks.verify.facts import Facts

NEAR = 1000
"""Residuals of at most so many units of the last digit are those of rounding, unless they are larger than the right
side 1/n! of the tall tree divided by the same number: then they may be chance."""
SHOWN = 4
"""So many fractions are named."""


@dataclass(frozen=True)
class Rounded:
    """A table that looks rounded: the ``order`` of what was meant, the largest ``defect`` of the digits, the least
    ``tolerance`` (a power of ten) that covers it, and the ``fractions`` that some decimals may stand for."""

    order: int
    defect: Fraction
    tolerance: Fraction
    fractions: tuple[tuple[Place, Fraction], ...]


def rounded(facts: Facts) -> Rounded | None:
    """What a table of rational numbers without tolerance was rounded from; None where its digits cost no order."""
    field, tableau = facts.field, facts.tableau
    if tableau.tolerance or tableau.parameters or field.roots:
        return None
    given = [(place, field.fraction(entry)) for place, entry in tableau.entries()]
    decimals = [(place, value) for place, value in given if (places(value) or 0) >= LONG]
    if not decimals:
        return None
    bound = NEAR * _unit([value for _, value in decimals])
    defects = [abs(field.fraction(d)) for d in facts.alpha_defects]
    defects += [abs(field.fraction(given - derived)) for _, given, derived in facts.disagreements]
    if any(d > bound for d in defects):
        return None
    exact = 0 if defects else facts.order.exact
    worst = max(defects, default=Fraction(0))
    order = 0
    for n in range(1, tableau.stages + 1):
        largest = _largest(facts, n, min(bound, Fraction(1, NEAR * factorial(n))))
        if largest is None:
            break
        order, worst = n, max(worst, largest)
    if order <= exact:
        return None
    tolerance = Fraction(1)
    while tolerance / 10 >= worst:
        tolerance /= 10
    fractions = [(place, f) for place, value in decimals if (f := meant(value)) is not None and f != value]
    return Rounded(order, worst, tolerance, tuple(fractions))


def digits_unit(facts: Facts) -> Fraction | None:
    """Half a unit of the last digit of a table of rational numbers, None for one without long decimals."""
    if facts.tableau.parameters or facts.field.roots:
        return None
    values = [facts.field.fraction(entry) for _, entry in facts.tableau.entries()]
    decimals = [value for value in values if (places(value) or 0) >= LONG]
    return _unit(decimals) if decimals else None


def _unit(decimals: list[Fraction]) -> Fraction:
    """Half a unit of the last digit, for the largest of the decimals: all have as many digits as the longest shows."""
    counted = [(value, places(value) or 0) for value in decimals]
    digits = [len(str(abs(value.numerator) * 10**shown // value.denominator)) for value, shown in counted]
    most = max(digits)
    return max(unit(value, shown + most - n) for (value, shown), n in zip(counted, digits, strict=True))


def _largest(facts: Facts, n: int, bound: Fraction) -> Fraction | None:
    """The largest residual over the trees with n nodes; None where one is beyond the bound."""
    found = Fraction(0)
    for tree in trees.trees(n):
        residual = abs(facts.field.fraction(facts.conditions.residual(tree)))
        if residual > bound:
            return None
        found = max(found, residual)
    return found


def named(fractions: tuple[tuple[Place, Fraction], ...]) -> Iterator[str]:
    """Yield "A[1][0] = 1/3" for the first few."""
    yield from (f"{shown(place)} = {value}" for place, value in fractions[:SHOWN])
