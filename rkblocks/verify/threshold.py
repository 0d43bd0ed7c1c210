"""The linear SSP threshold: the largest r for which the stability polynomial is absolutely monotonic on [-r, 0].

With ``psi(z) = sum_k g_k(r) (z + r)**k`` the condition is that all g_k(r) are nonnegative (Kraaijevanger 1986).  As for
the nonlinear coefficient, the r that satisfy it form an interval from 0, and ``2 g_k(lo) > g_k(2 lo - hi)`` clears g_k
on [lo, hi], since g_k(lo + x) is the alternating sum of the nonnegative terms of g_k(lo - x).
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, lcm

from rkblocks.exact.field import Field
from rkblocks.exact.roots import Root
from rkblocks.exact.work import spend
from rkblocks.verify.crossing import Coefficients, Crossing, first_crossing
from rkblocks.verify.integral import Integral, ring

HALVINGS = 30


def linear_threshold(field: Field, psi: Coefficients) -> Crossing[str] | None:
    """The threshold; the crossing's entry ``psi^(k)`` names the derivative that fails first.  None for psi = 1.

    Args:
        psi: the stability polynomial, numbers of the field, constant term first, without trailing zeros.

    Raises TooLarge where the number would take too long to isolate.
    """
    degree = len(psi) - 1
    if degree == 0:
        return None
    at_once = [k for k, c in enumerate(psi) if not c or field.sign(c) < 0]
    if at_once:  # negative at 0, or zero there with a higher coefficient that is not
        return first_crossing([_condition(psi, k) for k in at_once], field)
    low, high = Fraction(0), Fraction(1)
    while min(_signs(field, psi, high)) >= 0:  # ends: psi^(degree-1) is linear and falls
        low, high = high, 2 * high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if min(_signs(field, psi, middle)) >= 0 else (low, middle)
    simple = ((low + high) / 2).limit_denominator(1000)
    signs = _signs(field, psi, simple)
    if min(signs) == 0:  # g_k' = -(k + 1) g_(k+1) makes a zero below a positive coefficient a change of sign
        k = next(k for k in range(degree) if not signs[k] and signs[k + 1])
        name, polynomial = _condition(psi, k)
        return Crossing(name, polynomial, Root.rational(simple))
    before = 2 * low - high
    scale = lcm(low.denominator, before.denominator)
    pairs = zip(shifted(field, psi, low, scale), shifted(field, psi, before, scale), strict=True)
    left = [k for k, (value, bound) in enumerate(pairs) if k < degree and _sign(field, value + value - bound) <= 0]
    return first_crossing([_condition(psi, k) for k in reversed(left)], field)


def shifted(field: Field, psi: Coefficients, r: Fraction, scale: int) -> list[Integral]:
    """g_0(r), g_1(r), ..., each times a positive number that depends on psi and ``scale`` alone, free of divisions.

    With q = ``scale``, a multiple of the denominator of r, ``q**n psi(y/q)`` is shifted by the integer q r (Horner).
    """
    found, _ = ring(field).clear(psi)
    degree, by = len(found) - 1, int(r * scale)
    if not field.parameters:
        bits = degree * scale.bit_length()
        spend(degree**2 << len(field.roots), bits, by.bit_length())
    found = [c * scale ** (degree - k) for k, c in enumerate(found)]
    for start in range(degree):
        for k in range(degree - 1, start - 1, -1):
            found[k] = found[k] - found[k + 1] * by
    return found


def _signs(field: Field, psi: Coefficients, r: Fraction) -> list[int]:
    return [_sign(field, g) for g in shifted(field, psi, r, r.denominator)]


def _sign(field: Field, a: Integral) -> int:
    if isinstance(a, int):
        return (a > 0) - (a < 0)
    return field.sign(ring(field).element(a)) if a else 0


def _condition(psi: Coefficients, k: int) -> tuple[str, Coefficients]:
    """psi^(k)(-r) / k! as a polynomial in r."""
    return f"psi^({k})", tuple(psi[n] * comb(n, k) * (-1) ** (n - k) for n in range(k, len(psi)))
