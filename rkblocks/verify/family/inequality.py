"""Whether an expression in the parameters is nonnegative on the whole domain: a proof or an exact counterexample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from rkblocks.exact.field import Element, Field
from rkblocks.exact.work import TooLarge
from rkblocks.tableau import Parameter
from rkblocks.verify.family import cells

Point = Mapping[str, Fraction]

MOST_DEGREE = {1: 200, 2: 8, 3: 4}
"""Largest total degree that is decided, by the number of parameters in the expression; beyond, cells are too many."""


MOST_PROBED = 4
"""Expressions in more parameters are not probed at the corners either."""


@dataclass(frozen=True)
class Decision:
    """``holds`` is None where it could not be decided, or not within the budget; ``counterexample`` a point of the
    domain with the wrong sign."""

    holds: bool | None
    counterexample: Point | None = None


def nonnegative(field: Field, a: Element, parameters: Sequence[Parameter]) -> Decision:
    """Whether ``a >= 0`` everywhere in the open domain of the parameters, where ``a`` has no pole.

    It is evaluated exactly at one rational point of every cell on which numerator and denominator keep their signs.
    """
    free = field.free_parameters(a)
    if not free:
        return Decision(field.sign(a) >= 0)
    domain = [p for p in parameters if p.name in free]
    start = {p.name: p.init for p in domain}
    if field.sign(value_at(field, a, start)) < 0 and all(field.constants.is_rational(p.init) for p in domain):
        return Decision(False, {p.name: field.constants.fraction(p.init) for p in domain})
    limits = cells.bounds(field, domain)
    for point in probes(limits):
        if field.sign(value_at(field, a, point)) < 0:
            return Decision(False, point)
    degree = max(_degree(a.numer), _degree(a.denom))
    if degree > MOST_DEGREE.get(len(free), 0):
        return Decision(None)
    polys = [cells.integer_polynomial(field, part, free) for part in (a.numer, a.denom)]
    try:
        for point in cells.points(polys, free, limits):
            if field.sign(value_at(field, a, point)) < 0:
                return Decision(False, point)
    except TooLarge:
        return Decision(None)
    return Decision(True)


def probes(limits: cells.Bounds) -> Iterator[Point]:
    """Yield the corners, pulled inside, and the middle of the domain: cheap places for a counterexample."""
    if len(limits) > MOST_PROBED:
        return
    axes = []
    for low, high in limits.values():
        left = Fraction(-64) if low is None else low.refine(20).high
        right = left + 64 if high is None else high.refine(20).low
        axes.append([left + (right - left) * Fraction(k, 16) for k in (1, 8, 15)])
    for values in product(*axes):
        yield dict(zip(limits, values, strict=True))


def value_at(field: Field, a: Element, values: Mapping[str, Element | Fraction]) -> Element:
    """``a`` at values of all its parameters, as a number of ``field`` (parameters that do not occur need no value)."""
    complete = {name: values.get(name, Fraction(0)) for name in field.parameters}
    return field.from_constant(field.substitute(a, complete))


def _degree(polynomial: Mapping[tuple[int, ...], object]) -> int:
    return max((sum(monomial) for monomial in polynomial), default=0)
