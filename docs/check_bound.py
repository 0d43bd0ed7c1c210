"""Verify the certificate of an upper bound of SSP coefficients with the standard library alone: no rkblocks, no sympy.

    rkblocks design --stages 5 --order 3 --maximize ssp --format json | python docs/check_bound.py

An explicit method of m stages and order p with SSP coefficient r > 0 has a stability polynomial with coefficients
gamma_0 ... gamma_m >= 0 in powers of 1 + z/r (Kraaijevanger 1986, 1991), and comparing powers of z,

    sum_j gamma_j j (j-1) ... (j-k+1) = r^k      for k = 0 ... p.

Take any y_0 ... y_p with q(j) = sum_k y_k j (j-1) ... (j-k+1) >= 0 at j = 0 ... m. Then h(r) = sum_k y_k r^k is
sum_j gamma_j q(j) >= 0. So no such method exists at an r where h(r) < 0, nor at a larger one: whoever has the
coefficient r certifies every smaller one. The certificate is y; the bound is a root of h just above which h is
negative.

Exit status: 0 verified, 1 the certificate is wrong, 2 there is none in the input.
"""

import json
import sys
from fractions import Fraction as Q
from math import prod


def value(p, x):
    """p(x), coefficients from the constant term up."""
    total = Q(0)
    for c in reversed(p):
        total = total * x + c
    return total


def verify(bound):
    """None where the certificate proves the bound, else what is wrong with it."""
    m, p = bound["stages"], bound["order"]
    y, minimal = [Q(c) for c in bound["dual"]], [Q(c) for c in bound["polynomial"]]
    low, high = map(Q, bound["interval"])
    if len(y) > p + 1:
        return f"the dual has a coefficient beyond order {p}"
    for j in range(m + 1):
        if sum(c * prod(range(j - k + 1, j + 1)) for k, c in enumerate(y)) < 0:
            return f"q({j}) is negative"
    if low == high:  # h(low + s) in powers of s: the first coefficient but 0 has the sign of h just above
        shifted = list(y)
        for start in range(len(y)):
            for k in reversed(range(start, len(y) - 1)):
                shifted[k] += low * shifted[k + 1]
        sign = next((c for c in shifted if c), Q(0))
    else:
        if value(minimal, low) * value(minimal, high) >= 0:
            return "the interval holds no root of the polynomial"
        sign = value(y, high)
    return None if sign < 0 else "h is not negative just above the bound"


def bound_of(text):
    """The bound in what `rkblocks design --format json` printed; None where there is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found.get("bound") if isinstance(found, dict) else None


if __name__ == "__main__":
    bound = None if sys.stdin is None or sys.stdin.isatty() else bound_of(sys.stdin.read())
    if not isinstance(bound, dict):
        print("no bound in the input; usage: rkblocks design … --format json | python docs/check_bound.py")
        sys.exit(2)
    try:
        wrong = verify(bound)
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        wrong = f"it cannot be read ({type(error).__name__}: {error})"
    if wrong:
        print(f"WRONG: {wrong}")
        sys.exit(1)
    m, p = bound["stages"], bound["order"]
    print(f"verified: no explicit method of {m} stages and order {p} has C > {float(Q(bound['interval'][1])):.10g}")
