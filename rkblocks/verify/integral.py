"""Division-free arithmetic: the coefficients of a tableau over one common denominator.

Order conditions and the entries of P(r) are polynomials in the coefficients, so that nothing need be divided until the
end.  Elements are ints (rational tableaux), integer vectors in powers of an algebraic integer (square roots), or
polynomials in the parameters (families); a product costs half a microsecond, a fraction of a microsecond more, or no
gcd, where one in the field costs 20 (square roots) to 300 (families).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import islice
from math import gcd, lcm
from typing import Any

from rkblocks.exact.field import Element, Field
from rkblocks.forms import Row

Integral = Any
"""An int, an AlgebraicInteger, or a sympy PolyElement: whatever ``+ - *`` and truth are exact for."""
Sparse = list[list[tuple[int, Integral]]]
"""The entries of a matrix that are not zero, row by row with their columns."""


class AlgebraicInteger:
    """An element of Z[theta], as coefficients of the powers of theta; `tail` is theta**n in lower powers."""

    __slots__ = ("powers", "tail")

    def __init__(self, powers: tuple[int, ...], tail: tuple[int, ...]) -> None:
        self.powers = powers
        self.tail = tail

    def __add__(self, other: AlgebraicInteger | int) -> AlgebraicInteger:
        if isinstance(other, int):
            return AlgebraicInteger((self.powers[0] + other, *self.powers[1:]), self.tail)
        return AlgebraicInteger(tuple([a + b for a, b in zip(self.powers, other.powers, strict=True)]), self.tail)

    __radd__ = __add__

    def __neg__(self) -> AlgebraicInteger:
        return AlgebraicInteger(tuple([-a for a in self.powers]), self.tail)

    def __sub__(self, other: AlgebraicInteger | int) -> AlgebraicInteger:
        return self + -other

    def __rsub__(self, other: int) -> AlgebraicInteger:
        return -self + other

    def __mul__(self, other: AlgebraicInteger | int) -> AlgebraicInteger:
        if isinstance(other, int):
            return AlgebraicInteger(tuple([a * other for a in self.powers]), self.tail)
        n, left, right = len(self.powers), self.powers, other.powers
        if n == 2:  # by far the most frequent: one square root, theta**2 = t0 + t1*theta
            low, high = left[0] * right[0], left[1] * right[1]
            middle = (left[0] + left[1]) * (right[0] + right[1]) - low - high  # products of long numbers are dear
            return AlgebraicInteger((low + high * self.tail[0], middle + high * self.tail[1]), self.tail)
        product = [0] * (2 * n - 1)
        for i, a in enumerate(left):
            if a:
                for j, b in enumerate(right):
                    product[i + j] += a * b
        for k in range(2 * n - 2, n - 1, -1):
            if product[k]:
                for j, t in enumerate(self.tail):
                    product[k - n + j] += product[k] * t
        return AlgebraicInteger(tuple(product[:n]), self.tail)

    __rmul__ = __mul__

    def over(self, divisor: int) -> AlgebraicInteger:
        """The quotient by an integer that divides all coefficients."""
        return AlgebraicInteger(tuple([a // divisor for a in self.powers]), self.tail)

    def __pow__(self, exponent: int) -> AlgebraicInteger:
        result = AlgebraicInteger((1,) + (0,) * (len(self.powers) - 1), self.tail)
        for _ in range(exponent):
            result = result * self
        return result

    def __bool__(self) -> bool:
        return any(self.powers)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int):
            return self.powers[0] == other and not any(self.powers[1:])
        return isinstance(other, AlgebraicInteger) and self.powers == other.powers

    def __hash__(self) -> int:
        return hash(self.powers)


class Ring:
    """The integral elements that belong to a field, with the way there and back."""

    def __init__(self, field: Field) -> None:
        self.field = field

    @cached_property
    def one(self) -> Integral:
        """The unit."""
        if self.field.parameters:
            return self.field.domain.field.to_ring().one
        return AlgebraicInteger((1,) + (0,) * (len(self._tail) - 1), self._tail) if self.field.roots else 1

    @cached_property
    def unit(self) -> Integral:
        """The unit among the denominators."""
        return self.one if self.field.parameters else 1

    @cached_property
    def zero(self) -> Integral:
        """The zero."""
        return self.one * 0

    def clear(self, elements: Iterable[Element]) -> tuple[list[Integral], Integral]:
        """Field elements as integral elements over one common denominator, which is returned last.

        The denominator is a positive int, or a polynomial in the parameters.
        """
        elements = list(elements)
        if self.field.parameters:
            denominator = self.one
            for e in elements:
                denominator = denominator.lcm(e.denom)
            return [e.numer * denominator.exquo(e.denom) for e in elements], denominator
        coordinates = [self.field.coordinates(e) for e in elements]
        common = lcm(*(c.denominator for row in coordinates for c in row))
        scaled = [[c.numerator * (common // c.denominator) for c in row] for row in coordinates]
        if not self.field.roots:
            return [row[0] for row in scaled], common
        degree = len(self._tail)
        return [AlgebraicInteger((*row, *(0,) * (degree - len(row))), self._tail) for row in scaled], common

    def sparse(self, rows: Iterable[Row]) -> tuple[Sparse, Integral]:
        """The rows over one common denominator, which is returned last."""
        rows = list(rows)
        flat, denominator = self.clear(entry for row in rows for entry in row)
        numbers = iter(flat)
        return [[(j, a) for j, a in enumerate(islice(numbers, len(row))) if a] for row in rows], denominator

    def product(self, rows: Sparse, vector: Sequence[Integral]) -> list[Integral]:
        """The rows times a vector."""
        return [sum((a * vector[j] for j, a in row if vector[j]), self.zero) for row in rows]

    def reduced(self, numerators: list[Integral], denominator: Integral) -> tuple[list[Integral], Integral]:
        """Numbers over one denominator in lowest terms; what has parameters stays as it is."""
        if self.field.parameters:
            return numerators, denominator
        integers = numerators if not self.field.roots else [k for a in numerators for k in a.powers]
        divisor = denominator
        for k in integers:
            if divisor == 1:
                return numerators, denominator
            divisor = gcd(divisor, k)
        if not self.field.roots:
            return [a // divisor for a in numerators], denominator // divisor
        return [a.over(divisor) for a in numerators], denominator // divisor

    def bits(self, denominator: Integral) -> int:
        """Bits of a denominator; 0 for a polynomial in the parameters."""
        return denominator.bit_length() if isinstance(denominator, int) else 0

    def element(self, numerator: Integral, denominator: Integral = 1) -> Element:
        """The field element numerator/denominator."""
        return self._embed(numerator) / self._embed(denominator)

    def sign(self, a: Integral) -> int:
        """The sign of a number."""
        if isinstance(a, int):
            return (a > 0) - (a < 0)
        return self.field.sign(self.element(a)) if a else 0

    def _embed(self, a: Integral) -> Element:
        if isinstance(a, int):
            return self.field.rational(a)
        if isinstance(a, AlgebraicInteger):
            total = self.field.zero
            for coefficient in reversed(a.powers):
                total = total * self.field.domain.unit + self.field.rational(coefficient)
            return total
        return self.field.domain.field.field_new(a)

    @cached_property
    def _tail(self) -> tuple[int, ...]:
        """theta**n in lower powers, constant first, for the primitive element theta of the field of numbers."""
        modulus: Sequence[Any] = self.field.ground.mod.to_list()  # monic with integer coefficients, leading one first
        return tuple(-int(c) for c in reversed(modulus[1:]))


@lru_cache(maxsize=64)
def ring(field: Field) -> Ring:
    """The integral elements that belong to the field; one value for each field."""
    return Ring(field)
