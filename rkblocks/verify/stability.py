"""The stability polynomial and what follows from it: linear order, stability intervals, the linear SSP threshold.

``psi(z) = 1 + sum_k z**k b A**(k-1) e`` is the factor of one step on x' = lambda x, with z = dt lambda.

The threshold is the largest r for which psi is absolutely monotonic on [-r, 0]: with
``psi(z) = sum_k g_k(r) (z + r)**k`` all g_k(r) are nonnegative (Kraaijevanger 1986).  As for the nonlinear coefficient,
the r that satisfy it form an interval from 0, and ``2 g_k(lo) > g_k(2 lo - hi)`` clears g_k on [lo, hi], since
g_k(lo + x) is the alternating sum of the nonnegative terms of g_k(lo - x).
"""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial, lcm

from rkblocks.exact.field import Field
from rkblocks.exact.roots import Coefficients, Crossing, Root, first_crossing
from rkblocks.exact.work import spend
from rkblocks.forms import Method
from rkblocks.verify.integral import Integral, ring

HALVINGS = 30


def stability_polynomial(method: Method) -> Coefficients:
    """The coefficients of psi, constant term 1 first, without trailing zeros."""
    field, A, b = method.field, method.A, method.b
    integers, m = ring(field), len(b)
    K, denominator = integers.sparse((*A, b))
    vector = [integers.one] * m
    scale = denominator * integers.one
    found = [field.one]
    for _ in range(m):
        image = integers.product(K, vector)
        found.append(integers.element(image[m], scale))
        vector, scale = image[:m], scale * denominator
    while not found[-1]:
        found.pop()
    return tuple(found)


def linear_order(field: Field, psi: Coefficients, tolerance: Fraction = Fraction(0)) -> int:
    """The highest p with psi(z) = exp(z) + O(z**(p+1)), each coefficient up to p within the tolerance."""
    p = 0
    while p + 1 < len(psi) and tolerance * factorial(p + 1) < 1:
        if not field.within(psi[p + 1] - field.rational(Fraction(1, factorial(p + 1))), tolerance):
            break
        p += 1
    return p


def meant(field: Field, psi: Coefficients, order: int) -> Coefficients:
    """The polynomial that a table of decimals was rounded from, as far as it is known: exact up to the linear order.

    Rounded digits can put |psi(iy)| above 1 by 1e-16 for every small y, which ends the imaginary interval at 0.
    """
    return (*(field.rational(Fraction(1, factorial(k))) for k in range(order + 1)), *psi[order + 1 :])


def spread(method: Method, unit: Fraction) -> Coefficients:
    """How much the coefficients of psi can change where every entry does by at most ``unit``, those that are 0 not."""
    field, A, b = method.field, method.A, method.b
    step = field.rational(unit)
    sizes = [[e if field.sign(e) > 0 else -e for e in row] for row in (*A, b)]
    larger = [[e + step if e else e for e in row] for row in sizes]
    low, high = (stability_polynomial(Method(field, tuple(map(tuple, K[:-1])), tuple(K[-1]))) for K in (sizes, larger))
    return tuple(x - y for x, y in zip(high, low, strict=True))


def real_interval(field: Field, psi: Coefficients, slack: Coefficients = ()) -> Root | None:
    """The largest x with |psi(-y)| <= 1 for all y in [0, x]; tangencies do not end it.  None: no end.

    With ``slack``, the coefficients of a polynomial s, the largest with |psi(-y)| <= 1 + s(y).
    """
    alternating = [c * (-1) ** n for n, c in enumerate(psi)]
    above = (field.zero, *(-c for c in alternating[1:]))  # 1 - psi(-x), psi(0) = 1
    below = (field.rational(2), *alternating[1:])  # 1 + psi(-x)
    if slack:
        above, below = (tuple(x + s for x, s in zip(part, slack, strict=True)) for part in (above, below))
    crossing = first_crossing([("1 - psi(-x)", above), ("1 + psi(-x)", below)], field)
    return None if crossing is None else crossing.root


def imaginary_interval(field: Field, psi: Coefficients) -> Root | None:
    """The largest y with |psi(i s)| <= 1 for all s in [0, y]; 0 for methods such as Heun's.  None: no end."""
    even = [c * (-1) ** (n // 2) if n % 2 == 0 else field.zero for n, c in enumerate(psi)]
    odd = [c * (-1) ** (n // 2) if n % 2 else field.zero for n, c in enumerate(psi)]
    square = [field.zero] * (2 * len(psi) - 1)
    for part in (even, odd):  # |psi(iy)|**2 = (real part)**2 + (imaginary part)**2
        for i, x in enumerate(part):
            for j, y in enumerate(part):
                if x and y:
                    square[i + j] = square[i + j] - x * y
    square[0] = square[0] + field.one
    crossing = first_crossing([("1 - |psi(iy)|^2", tuple(square))], field)
    return None if crossing is None else crossing.root


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
    left = [k for k, (value, bound) in enumerate(pairs) if k < degree and ring(field).sign(value + value - bound) <= 0]
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
    return list(map(ring(field).sign, shifted(field, psi, r, r.denominator)))


def _condition(psi: Coefficients, k: int) -> tuple[str, Coefficients]:
    """psi^(k)(-r) / k! as a polynomial in r."""
    return f"psi^({k})", tuple(psi[n] * comb(n, k) * (-1) ** (n - k) for n in range(k, len(psi)))
