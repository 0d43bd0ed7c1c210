"""Polynomials over the integers, constant term first: values, products, square-free and irreducible factors.

What sympy computes is charged before it starts, from degrees and lengths alone: a budget ends at the same place whether
sympy's integers are Python's or, where python-flint is installed, those of flint.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import gcd

from sympy.polys.domains import ZZ
from sympy.polys.factortools import dup_zz_factor
from sympy.polys.sqfreetools import dup_sqf_list

from rkblocks.exact.work import spend

FACTORING = 40
"""Steps of factoring for each unit of degree cubed."""


def evaluate(polynomial: Sequence[int], at: Fraction) -> int:
    """A number with the sign of the polynomial at a rational point: its value times a power of the denominator."""
    p, q = at.numerator, at.denominator
    if q & (q - 1) == 0:  # shifts are cheaper than products, and nearly all points are dyadic
        return _at_dyadic(polynomial, p, q.bit_length() - 1)
    value, power = 0, 1
    for coefficient in reversed(polynomial):
        value = value * p + coefficient * power
        power *= q
    return value


def _at_dyadic(polynomial: Sequence[int], p: int, shift: int) -> int:
    value, total = 0, 0
    for coefficient in reversed(polynomial):
        value = value * p + (coefficient << total)
        total += shift
    return value


def primitive(polynomial: Sequence[int]) -> tuple[int, ...]:
    """The same polynomial with coprime coefficients, without leading zeros, the leading coefficient positive."""
    length = max((k + 1 for k, c in enumerate(polynomial) if c), default=0)
    content = gcd(*polynomial) or 1
    if length and polynomial[length - 1] < 0:
        content = -content
    return tuple(c // content for c in polynomial[:length])


def product(left: Sequence[int], right: Sequence[int]) -> tuple[int, ...]:
    """The product of two polynomials."""
    spend(len(left) * len(right), *(max(c.bit_length() for c in p) for p in (left, right)))
    found = [0] * (len(left) + len(right) - 1)
    for i, a in enumerate(left):
        if a:
            for j, b in enumerate(right):
                found[i + j] += a * b
    return tuple(found)


def squarefree_factors(polynomial: Sequence[int]) -> list[tuple[tuple[int, ...], int]]:
    """Coprime square-free factors with their multiplicities; a constant factor is left out."""
    _charge(polynomial, 4)
    found = dup_sqf_list([ZZ(c) for c in reversed(polynomial)], ZZ)[1]
    return [(primitive([int(c) for c in reversed(f)]), n) for f, n in found]


def factors(polynomial: Sequence[int]) -> list[tuple[int, ...]]:
    """The distinct irreducible factors of positive degree, shortest first."""
    _charge(polynomial, FACTORING)
    found = dup_zz_factor([ZZ(c) for c in reversed(polynomial)], ZZ)[1]
    listed = [primitive([int(c) for c in reversed(f)]) for f, _ in found]
    return sorted(listed, key=lambda f: (len(f), f))


def _charge(polynomial: Sequence[int], times: int) -> None:
    spend(times * len(polynomial) ** 3, max(c.bit_length() for c in polynomial))
