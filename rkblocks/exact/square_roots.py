"""Square roots of rationals: square-free parts, independent sets of them, and the number field that they generate."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from math import gcd, isqrt
from typing import Any

import sympy
from sympy.polys.domains import QQ

SQRT_LIMIT = 10**18
"""sqrt(p/q) is accepted while p*q is at most this, so that its square-free part is found at once."""
ROOTS_LIMIT = 3
"""At most this many independent square roots in one tableau (a field of degree 8 over the rationals)."""


def squarefree_part(n: int) -> tuple[int, int]:
    """(s, d) with n = s**2 * d and d square-free, for 0 < n <= SQRT_LIMIT."""
    if not 0 < n <= SQRT_LIMIT:
        raise ValueError(f"square roots are taken of rationals p/q with 0 < p*q <= {SQRT_LIMIT}, not of {n}")
    s, d = 1, 1
    for prime, power in sympy.factorint(n).items():
        s *= prime ** (power // 2)
        d *= prime ** (power % 2)
    return s, d


def _times(d: int, e: int) -> tuple[int, int]:
    """(s, f) with d*e = s**2 * f, all of d, e, f square-free: no factoring needed."""
    s = gcd(d, e)
    return s, (d // s) * (e // s)


def independent_roots(squarefree: Iterable[int]) -> tuple[int, ...]:
    """A basis, over multiplication modulo squares, of the square-free integers given, in ascending order."""
    basis: list[int] = []
    span = {1}
    for d in sorted(set(squarefree)):
        if d not in span:
            basis.append(d)
            span |= {_times(d, e)[1] for e in span}
    return tuple(basis)


@lru_cache(maxsize=64)
def span(roots: tuple[int, ...]) -> frozenset[int]:
    """The square-free integers whose square roots lie in the field of these."""
    found = {1}
    for d in roots:
        found |= {_times(d, e)[1] for e in found}
    return frozenset(found)


@lru_cache(maxsize=64)
def algebraic(roots: tuple[int, ...]) -> Any:
    """The sympy domain of the rationals with these square roots."""
    return QQ.algebraic_field(*(sympy.sqrt(d) for d in roots)) if roots else QQ


@lru_cache(maxsize=64)
def square_roots(roots: tuple[int, ...]) -> dict[int, Any]:
    """Square root, as an element of the number field, of each square-free integer that has one in it."""
    domain = algebraic(roots)
    known = {1: domain.one}
    for d in roots:
        root = domain.from_sympy(sympy.sqrt(d))
        for e, other in list(known.items()):
            s, product = _times(d, e)
            known[product] = root * other / domain.convert_from(QQ(s), QQ)
    return known


@lru_cache(maxsize=256)
def primitive_element(roots: tuple[int, ...], bits: int) -> tuple[Fraction, Fraction]:
    """Rational bounds, at most 2**-bits apart, of the number in whose powers the domain writes its elements."""
    terms = sympy.Add.make_args(algebraic(roots).ext.as_expr())
    low = high = Fraction(0)
    scale = bits + 4 + max(0, sum(abs(int(term.as_coeff_Mul()[0])) for term in terms).bit_length())
    for term in terms:
        coefficient, root = term.as_coeff_Mul()
        c = Fraction(int(coefficient.p), int(coefficient.q))
        floor = isqrt(int(root**2) << (2 * scale))
        ends = c * Fraction(floor, 1 << scale), c * Fraction(floor + 1, 1 << scale)
        low, high = low + min(ends), high + max(ends)
    return low, high
