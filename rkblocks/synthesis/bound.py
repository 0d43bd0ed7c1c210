"""Upper bounds of the SSP coefficient, exactly, with a certificate that ten lines of arithmetic can check.

An absolutely monotonic method has an absolutely monotonic stability polynomial, so C is at most the largest linear
threshold factor of m stages and order p (Kraaijevanger 1986).  Written in powers of ``1 + z/r``, a polynomial of degree
m and order p with nonnegative coefficients ``gamma_j`` exists exactly where

    sum_j gamma_j j (j-1) ... (j-k+1) = r**k,   k = 0 ... p,   gamma_j >= 0,

a linear program.  Its dual (Farkas) is a polynomial q of degree p that is nonnegative at 0, 1, ..., m: with
``q(j) = sum_k y_k j (j-1) ... (j-k+1)`` and ``h(r) = sum_k y_k r**k``, no such scheme exists where ``h(r) < 0``.  The
optimal q falls at infinity and vanishes at p of the points 0 ... m, in neighbouring pairs but for m (and 0, where p is
even), so that the optimum is found among at most m candidates per pair, without a float.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from math import prod

from sympy import Poly, Rational, Symbol
from sympy.polys.domains import ZZ

from rkblocks.exact.roots import Root

_R = Symbol("r")


@dataclass(frozen=True)
class Bound:
    """A proved upper bound ``root`` of the SSP coefficient of every explicit method of so many stages and such order.

    ``zeros`` are the points of 0 ... stages at which the dual polynomial q vanishes, ``dual`` its coefficients y_k in
    the falling factorials ``j (j-1) ... (j-k+1)``: ``sum_k dual[k] r**k`` is negative just above ``root``.
    """

    stages: int
    order: int
    root: Root
    zeros: tuple[int, ...]
    dual: tuple[int, ...]

    def to_dict(self) -> dict[str, object]:
        """The certificate as plain data, numbers as text, for JSON and `docs/check_bound.py`."""
        tight = self.root.refine(100)
        return {
            "stages": self.stages,
            "order": self.order,
            "float": self.root.to_float(),
            "polynomial": [str(c) for c in self.root.polynomial],
            "interval": [str(tight.low), str(tight.high)],
            "dual": [str(y) for y in self.dual],
        }


def ssp_bound(stages: int, order: int) -> Bound:
    """The least upper bound of C that the stability polynomial gives, for an explicit method of m stages.

    Args:
        stages: m >= 1.
        order: 1 <= p <= m.

    Raises ValueError for numbers outside these ranges.
    """
    if not 1 <= order <= stages:
        raise ValueError(f"order {order} needs 1 <= order <= stages, not {stages} stages")
    best: Bound | None = None
    for zeros in _candidates(stages, order):
        dual = _falling(zeros)
        root = _last_crossing(dual)
        if root is not None and (best is None or root.compare(best.root) < 0):
            best = Bound(stages, order, root, zeros, dual)
    assert best is not None  # q(j) = (m - j) prod (j - s)(j - s - 1) is always among them
    return best


def _candidates(stages: int, order: int) -> Iterator[tuple[int, ...]]:
    """The zeros of polynomials of degree p that are nonnegative at 0 ... m and fall at infinity (Gale's evenness)."""
    ends = (stages,) if order % 2 else (0, stages)
    inner = range(1 if order % 2 == 0 else 0, stages - 1)
    for starts in combinations(inner, (order - len(ends)) // 2):
        if all(b - a > 1 for a, b in pairwise(starts)):
            yield tuple(sorted((*ends, *starts, *(s + 1 for s in starts))))


def _falling(zeros: tuple[int, ...]) -> tuple[int, ...]:
    """The coefficients of ``-prod (j - s)`` in the falling factorials of j: divided differences at 0, 1, 2 ..."""
    values = [-prod(j - s for s in zeros) for j in range(len(zeros) + 1)]
    found: list[int] = []
    factorial = 1
    for k in range(len(values)):
        found.append(values[0] // factorial)  # the k-th difference of an integer polynomial is divisible by k!
        values = [b - a for a, b in pairwise(values)]
        factorial *= k + 1
    return tuple(found)


def _last_crossing(dual: tuple[int, ...]) -> Root | None:
    """The largest root of ``sum_k y_k r**k``, beyond which it is negative; None where there is no positive one."""
    polynomial = Poly(list(reversed(dual)), _R, domain=ZZ)
    largest: Root | None = None
    for factor, _ in polynomial.factor_list()[1]:
        coefficients = tuple(int(c) for c in reversed(factor.all_coeffs()))
        for (low, high), _ in factor.intervals():
            root = _root(coefficients, low, high)
            if largest is None or root.compare(largest) > 0:
                largest = root
    return largest if largest is not None and largest.compare(0) > 0 else None


def _root(coefficients: tuple[int, ...], low: Rational, high: Rational) -> Root:
    if len(coefficients) == 2:
        return Root.rational(Fraction(-coefficients[0], coefficients[1]))
    return Root(coefficients, Fraction(int(low.p), int(low.q)), Fraction(int(high.p), int(high.q)))
