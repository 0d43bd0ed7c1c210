"""The least positive root of odd multiplicity of a polynomial, as an exact real algebraic number.

A polynomial changes sign at its roots of odd multiplicity and only touches zero at the others, so these roots are where
a condition ``p(r) >= 0`` starts to fail (optimal SSP methods do have entries that touch zero: SSPRK(4,3) has one with
``(r - 2)**2``).  The candidates come from a square-free polynomial over the integers (the norm, where coefficients are
algebraic numbers); whether one is a root of odd multiplicity is decided by the exact sign of the polynomial on both
sides of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import gcd, lcm
from typing import Any

from sympy import Poly, Symbol
from sympy.polys.domains import QQ, ZZ
from sympy.polys.rootisolation import dup_isolate_real_roots_sqf

from rkblocks.exact.field import Element, Field
from rkblocks.exact.irreducible import is_provably_irreducible

_R = Symbol("r")
_NEAR = 200
"""Bits to which a root is refined to see whether it is a fraction of half as many."""


@dataclass(frozen=True)
class Root:
    """A real algebraic number: ``polynomial`` is its minimal one over the integers, primitive, constant term first.

    Either ``low == high`` is the (rational) root, or the open interval (low, high) holds it and no other root.
    """

    polynomial: tuple[int, ...]
    low: Fraction
    high: Fraction

    @classmethod
    def rational(cls, value: Fraction | int) -> Root:
        """The rational number ``value``."""
        value = Fraction(value)
        return cls((-value.numerator, value.denominator), value, value)

    @property
    def fraction(self) -> Fraction | None:
        """The value, where it is rational."""
        return Fraction(-self.polynomial[0], self.polynomial[1]) if len(self.polynomial) == 2 else None

    def refine(self, bits: int) -> Root:
        """The same number in an interval at most 2**-bits wide."""
        if self.fraction is not None:
            return replace(self, low=self.fraction, high=self.fraction)
        low, high = self.low, self.high
        left = evaluate(self.polynomial, low) > 0
        while (high - low) * (1 << bits) > 1:
            middle = (low + high) / 2
            if (evaluate(self.polynomial, middle) > 0) == left:  # never zero: an irrational root
                low = middle
            else:
                high = middle
        return replace(self, low=low, high=high)

    def compare(self, other: Root | Fraction | int) -> int:
        """-1, 0 or 1 as this number is less than, equal to or greater than the other, exactly."""
        if not isinstance(other, Root):
            other = Root.rational(other)
        if self.polynomial == other.polynomial and self._same_interval(other):
            return 0
        bits = 16
        while True:  # ends: the numbers differ
            a, b = self.refine(bits), other.refine(bits)
            if a.high < b.low or (a.high == b.low and (a.low < a.high or b.low < b.high)):
                return -1
            if b.high < a.low or (b.high == a.low and (a.low < a.high or b.low < b.high)):
                return 1
            bits *= 2

    def to_float(self) -> float:
        """The double nearest to the number."""
        bits = 64
        while True:  # ends: an irrational number is never half-way between two doubles
            tight = self.refine(bits)
            if float(tight.low) == float(tight.high):
                return float(tight.low)
            bits *= 2

    @property
    def text(self) -> str | None:
        """The number in the grammar of the tableau file, or None where that cannot write it (degree 3 and more)."""
        if self.fraction is not None:
            return str(self.fraction)
        if len(self.polynomial) != 3:
            return None
        c, b, a = self.polynomial
        discriminant = Field.spanning([Fraction(b * b - 4 * a * c)]) if b * b - 4 * a * c <= 10**18 else None
        if discriminant is None:
            return None
        root = discriminant.sqrt(Fraction(b * b - 4 * a * c)) / discriminant.rational(2 * a)
        centre = discriminant.rational(-b, 2 * a)
        larger = self.compare(Fraction(-b, 2 * a)) > 0
        return discriminant.text(centre + root if larger == (a > 0) else centre - root)

    def _same_interval(self, other: Root) -> bool:
        """For one minimal polynomial: whether both intervals hold the same one of its roots."""
        if len(self.polynomial) == 2:
            return True
        low, high = max(self.low, other.low), min(self.high, other.high)
        if low >= high:
            return False
        return (evaluate(self.polynomial, low) > 0) != (evaluate(self.polynomial, high) > 0)


def evaluate(polynomial: Sequence[int], at: Fraction) -> int:
    """A number with the sign of the integer polynomial (constant term first) at a rational point."""
    p, q = at.numerator, at.denominator
    value, power = 0, 1
    for coefficient in reversed(polynomial):
        value = value * p + coefficient * power
        power *= q
    return value


def least_odd_root(coefficients: Sequence[Element], field: Field, below: Fraction | None = None) -> Root | None:
    """The least root r > 0 of odd multiplicity of ``sum(c[k] * r**k)``, or None where there is none.

    ``coefficients`` are numbers of ``field``, constant term first.  With ``below``, a polynomial that provably has no
    root in (0, below) may be answered with None at once.
    """
    coefficients = list(coefficients)
    while coefficients and not coefficients[0]:
        coefficients.pop(0)
    while coefficients and not coefficients[-1]:
        coefficients.pop()
    signs = [field.sign(c) for c in coefficients]
    if _variations(signs) == 0:  # Descartes
        return None
    if below is not None and _variations(_signs_shifted(coefficients, field, below)) == _variations(signs):  # Budan
        return None
    integers = _integer_squarefree(coefficients, field)
    intervals = _positive_roots(integers)
    left = signs[0]
    for k, (_, high) in enumerate(intervals):
        right_end = (high + intervals[k + 1][0]) / 2 if k + 1 < len(intervals) else high + 1
        right = _sign_at(coefficients, field, right_end)
        if right != left:
            return _minimal(integers, *intervals[k])
    return None


def _variations(signs: Sequence[int]) -> int:
    nonzero = [s for s in signs if s]
    return sum(a != b for a, b in pairwise(nonzero))


def _signs_shifted(coefficients: Sequence[Element], field: Field, by: Fraction) -> list[int]:
    """Signs of the coefficients of p(r + by): by Budan, the drop in variations bounds the roots in (0, by]."""
    shift = field.rational(by)
    shifted = list(coefficients)
    for start in range(len(shifted) - 1):
        for k in range(len(shifted) - 2, start - 1, -1):
            shifted[k] = shifted[k] + shift * shifted[k + 1]
    return [field.sign(c) for c in shifted]


def _sign_at(coefficients: Sequence[Element], field: Field, at: Fraction) -> int:
    value, point = field.zero, field.rational(at)
    for c in reversed(coefficients):
        value = value * point + c
    return field.sign(value)


def _integer_squarefree(coefficients: Sequence[Element], field: Field) -> tuple[int, ...]:
    """A square-free integer polynomial, constant term first, that vanishes wherever the given one does."""
    if all(field.is_rational(c) for c in coefficients):
        fractions = [field.fraction(c) for c in coefficients]
        polynomial = Poly([QQ(c.numerator, c.denominator) for c in reversed(fractions)], _R, domain=QQ)
    else:
        numbers = [field.number(c) for c in reversed(coefficients)]
        polynomial = Poly.from_list(numbers, _R, domain=field.ground).norm()
    return _primitive(polynomial.sqf_part())


def _primitive(polynomial: Any) -> tuple[int, ...]:
    """Coefficients of a rational polynomial scaled to coprime integers, the leading one positive, constant first."""
    fractions = [
        Fraction(int(QQ.numer(c)), int(QQ.denom(c))) for c in reversed(polynomial.set_domain(QQ).rep.to_list())
    ]
    common = lcm(*(c.denominator for c in fractions))
    integers = [int(c * common) for c in fractions]
    content = gcd(*integers) * (1 if integers[-1] > 0 else -1)
    return tuple(c // content for c in integers)


def _positive_roots(integers: Sequence[int]) -> list[tuple[Fraction, Fraction]]:
    """Disjoint isolating intervals, each strictly right of 0 and of the one before, of all the positive roots.

    An interval is one point, or open with end points that are no roots (sympy's may end at a neighbouring root).
    """
    dense = [ZZ(c) for c in reversed(integers)]
    found = dup_isolate_real_roots_sqf(dense, ZZ, inf=QQ(0))
    intervals = [(_fraction(low), _fraction(high)) for low, high in found]
    intervals = [pair for pair in intervals if pair[1] > 0]
    previous = Fraction(0)
    apart = []
    for low, high in intervals:
        while low < high and (low <= previous or not evaluate(integers, low) or not evaluate(integers, high)):
            low, high = _halve(integers, low, high)
        apart.append((low, high))
        previous = high
    return apart


def _halve(integers: Sequence[int], low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """The half of an isolating interval that holds the root; a point where the middle is the root."""
    middle = (low + high) / 2
    at_middle = evaluate(integers, middle)
    if not at_middle:
        return middle, middle
    at_high = evaluate(integers, high)
    if not at_high:  # the sign just left of another, simple root
        at_high = -evaluate([k * c for k, c in enumerate(integers)][1:], high)
    return (middle, high) if (at_middle > 0) != (at_high > 0) else (low, middle)


def _minimal(integers: Sequence[int], low: Fraction, high: Fraction) -> Root:
    """The one root of ``integers`` in the interval, with its minimal polynomial."""
    if low == high:
        return Root.rational(low)
    if len(integers) > 2 and is_provably_irreducible(integers):
        return Root(tuple(integers), low, high)
    near = Root(tuple(integers), low, high).refine(_NEAR).low.limit_denominator(1 << _NEAR // 2 - 4)
    if low < near < high and not evaluate(integers, near):  # factoring would find it much later
        return Root.rational(near)
    polynomial = Poly([ZZ(c) for c in reversed(integers)], _R, domain=ZZ)
    for factor, _ in polynomial.factor_list()[1]:
        candidate = _primitive(factor)
        if (evaluate(candidate, low) > 0) != (evaluate(candidate, high) > 0):
            root = Root(candidate, low, high)
            return Root.rational(root.fraction) if root.fraction is not None else root
    raise AssertionError("a sign change of the product is a sign change of one factor")


def _fraction(value: Any) -> Fraction:
    return Fraction(int(QQ.numer(value)), int(QQ.denom(value)))
