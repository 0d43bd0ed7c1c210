"""The order of a method as its measured slope: a route to the order that knows no tree and no exact number.

One step of size h from the same start makes an error like h^(p+1).  It is measured in 120 digits against the Taylor
series of a system of three polynomial equations without symmetries, whose solution is found coefficient by coefficient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import mpmath

if TYPE_CHECKING:
    from rkblocks.tableau import Tableau

DIGITS = 120
TERMS = 45
START = ((1, 1), (3, 4), (1, 2))


class Vector(tuple[Any, ...]):
    """Three numbers that add and that coefficients multiply, so that a step can run on them."""

    __slots__ = ()

    def __add__(self, other: Any) -> Vector:
        return Vector(a + b for a, b in zip(self, other, strict=True))

    def __mul__(self, factor: Any) -> Vector:
        return Vector(a * factor for a in self)

    __rmul__ = __mul__

    def norm(self) -> Any:
        """The largest absolute value."""
        return max(abs(a) for a in self)


def field(y: Sequence[Any]) -> Vector:
    """The right side: y1' = y2 y3 - y1^2 y2, y2' = y1 - y1 y3, y3' = y1 y2^2 - y3."""
    a, b, c = y
    return Vector((b * c - a * a * b, a - a * c, a * b * b - c))


def start() -> Vector:
    """The state from which the steps are made."""
    return Vector(mpmath.mpf(numerator) / denominator for numerator, denominator in START)


@cache
def solution() -> Callable[[Any], Vector]:
    """The exact solution as a function of the time, by its Taylor series about the start (call it in 120 digits)."""
    series: list[list[Any]] = [[value] for value in start()]

    def product(*factors: list[Any]) -> Any:
        """Coefficient n of a product of series, n being the last coefficient known."""
        first, *rest = factors
        n = len(first) - 1
        if not rest:
            return first[n]
        return sum((first[k] * product(*(f[: n - k + 1] for f in rest)) for k in range(n + 1)), mpmath.mpf(0))

    for n in range(TERMS):
        a, b, c = series
        slopes = (product(b, c) - product(a, a, b), a[n] - product(a, c), product(a, b, b) - c[n])
        for coefficients, slope in zip(series, slopes, strict=True):
            coefficients.append(slope / (n + 1))
    return lambda h: Vector(mpmath.polyval(coefficients[::-1], h) for coefficients in series)


def step(tableau: Tableau, f: Callable[[Vector], Vector], x: Vector, h: Any) -> Vector:
    """One step by the Butcher form, at the initial values of the parameters, in the working precision of mpmath."""
    form = tableau.butcher_form
    slopes: list[Vector] = []
    for row in (*form.A, form.b):
        state = x
        for weight, slope in zip((numeric(tableau, a) for a in row), slopes, strict=False):
            state = state + slope * (weight * h)
        slopes.append(f(state) if len(slopes) < len(form.b) else state)
    return slopes[-1]


def numeric(tableau: Tableau, a: Any) -> Any:
    """An entry as an mpmath number, parameters at their initial values."""
    field_ = tableau.field
    if field_.parameters:
        a = field_.substitute(a, {p.name: p.init for p in tableau.parameters})
    elif field_.is_constant:
        a = field_.number(a)
    low, high = field_.constants.enclose(a, bits=int(DIGITS * 3.4))
    return (mpmath.mpf(low.numerator) / low.denominator + mpmath.mpf(high.numerator) / high.denominator) / 2


def measured_order(tableau: Tableau) -> float | None:
    """The slope of the error of one step, less one: the order, to within about 0.2.

    A table of decimals is measured with steps so large that its errors stand well above its tolerance; None where
    there are no such steps.
    """
    with mpmath.workdps(DIGITS):
        exact, x = solution(), start()

        def error(h: Any) -> Any:
            return (step(tableau, field, x, h) + exact(h) * -1).norm()

        floor = 1000 * mpmath.mpf(tableau.tolerance.numerator) / tableau.tolerance.denominator
        for k in range(9, 2, -1):
            h = mpmath.mpf(1) / 2**k
            if error(h / 2) > floor * h:
                return float(mpmath.log(error(h) / error(h / 2), 2)) - 1
        return None
