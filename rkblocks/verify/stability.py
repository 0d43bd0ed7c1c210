"""The stability polynomial and what follows from it: linear order and stability intervals.

``psi(z) = 1 + sum_k z**k b A**(k-1) e`` is the factor of one step on x' = lambda x, with z = dt lambda.
"""

from __future__ import annotations

from fractions import Fraction
from math import factorial

from rkblocks.exact.field import Field
from rkblocks.exact.roots import Root
from rkblocks.forms import Method
from rkblocks.verify.crossing import Coefficients, first_crossing
from rkblocks.verify.integral import ring


def stability_polynomial(method: Method) -> Coefficients:
    """The coefficients of psi, constant term 1 first, without trailing zeros."""
    field, A, b = method.field, method.A, method.b
    integers = ring(field)
    flat, denominator = integers.clear([entry for row in (*A, b) for entry in row])
    m = len(b)
    K = [[(j, flat[i * m + j]) for j in range(m) if flat[i * m + j]] for i in range(m + 1)]
    vector = [integers.one] * m
    scale = denominator * integers.one
    found = [field.one]
    for _ in range(m):
        image = [sum((a * vector[j] for j, a in row if vector[j]), integers.zero) for row in K]
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
