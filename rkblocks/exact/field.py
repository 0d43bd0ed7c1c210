"""Exact coefficients: rationals, square roots of rationals, rational functions of declared parameters.

A `Field` wraps the sympy domain in which every coefficient of one tableau lives: ``QQ``, ``QQ<sqrt(d1), ...>``, or the
rational functions of the parameters over either.  Its elements are plain sympy domain elements, so ``+ - * / **`` work
and ``not a`` is the exact zero test.  What sympy's domains lack (the sign of a real algebraic number, a rigorous
enclosure, the correctly rounded float, text in the grammar of the file) is here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
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


Element = Any
"""An element of a field's sympy domain (sympy gives these classes no common type)."""


@dataclass(frozen=True)
class Field:
    """The field of one tableau: ``roots`` are independent square-free integers, ``parameters`` the declared names."""

    roots: tuple[int, ...] = ()
    parameters: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if independent_roots(self.roots) != self.roots:
            raise ValueError(f"the roots {self.roots} are not an ascending independent tuple of square-free integers")
        if len(self.roots) > ROOTS_LIMIT:
            raise ValueError(f"at most {ROOTS_LIMIT} independent square roots are supported, not {len(self.roots)}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _field, (self.roots, self.parameters)  # without the domains, which sympy cannot pickle

    @classmethod
    def spanning(cls, radicands: Iterable[Fraction], parameters: tuple[str, ...] = ()) -> Field:
        """The least field with the square roots of all the radicands (nonnegative rationals) and the parameters."""
        parts = {squarefree_part(q.numerator * q.denominator)[1] for q in radicands if q}
        return cls(independent_roots(parts - {1}), parameters)

    @property
    def is_constant(self) -> bool:
        """Whether no parameter is declared, so that every element is a real number."""
        return not self.parameters

    @property
    def constants(self) -> Field:
        """The subfield of numbers: this field without its parameters."""
        return _field(self.roots, ())

    @cached_property
    def ground(self) -> Any:
        """The sympy domain of the numbers in this field."""
        return algebraic(self.roots)

    @cached_property
    def domain(self) -> Any:
        """The sympy domain whose elements are the coefficients."""
        if not self.parameters:
            return self.ground
        return self.ground.frac_field(*(sympy.Symbol(name) for name in self.parameters))

    @cached_property
    def zero(self) -> Element:
        return self.domain.zero

    @cached_property
    def one(self) -> Element:
        return self.domain.one

    def rational(self, p: int | Fraction, q: int = 1) -> Element:
        """The element p/q."""
        value = Fraction(p, q)
        return self._lift(self.ground.convert_from(QQ(value.numerator, value.denominator), QQ))

    def sqrt(self, radicand: Fraction) -> Element:
        """The nonnegative square root of a nonnegative rational.  ValueError if it does not lie in this field."""
        if radicand < 0:
            raise ValueError(f"square root of the negative number {radicand}")
        if not radicand:
            return self.zero
        s, d = squarefree_part(radicand.numerator * radicand.denominator)
        root = square_roots(self.roots).get(d)
        if root is None:
            raise ValueError(f"sqrt({radicand}) does not lie in the field with the square roots of {self.roots}")
        return self._lift(root) * self.rational(s, radicand.denominator)

    def parameter(self, name: str) -> Element:
        """The parameter as an element.  KeyError if it is not declared."""
        if name not in self.parameters:
            raise KeyError(name)
        return self.domain.gens[self.parameters.index(name)]

    def number(self, a: Element) -> Element:
        """The element of ``self.constants`` that ``a`` is.  ValueError if a parameter occurs in it."""
        if not self.parameters:
            return a
        if not (a.numer.is_ground and a.denom.is_ground):
            raise ValueError(f"{self.text(a)} depends on {', '.join(self.free_parameters(a))}")
        return self._ground_coefficient(a.numer) / self._ground_coefficient(a.denom)

    def from_constant(self, a: Element) -> Element:
        """An element of ``self.constants`` as an element of this field."""
        return self._lift(a)

    def embedded(self, a: Element, smaller: Field) -> Element:
        """A number of a smaller field as an element of this one; ValueError where that is not a part of this one.

        By arithmetic alone: sympy reads expressions back by a search in floats, which fails beside long numbers.
        """
        terms = sympy.Add.make_args(algebraic(smaller.roots).ext.as_expr()) if smaller.roots else ()
        primitive = total = self.zero
        for c, root in (term.as_coeff_Mul() for term in terms):
            primitive = primitive + self.rational(int(c.p), int(c.q)) * self.sqrt(Fraction(int(root**2)))
        for coordinate in reversed(smaller.coordinates(a)):
            total = total * primitive + self.rational(coordinate)
        return total

    def free_parameters(self, a: Element) -> tuple[str, ...]:
        """The parameters that occur in ``a`` (reduced to lowest terms), in the order declared."""
        if not self.parameters:
            return ()
        monomials = [*a.numer.keys(), *a.denom.keys()]
        return tuple(name for i, name in enumerate(self.parameters) if any(m[i] for m in monomials))

    def is_rational(self, a: Element) -> bool:
        """Whether ``a`` is a rational number."""
        return not self.free_parameters(a) and (not self.roots or len(self.number(a).to_list()) <= 1)

    def fraction(self, a: Element) -> Fraction:
        """``a`` as a Fraction.  ValueError unless it is a rational number."""
        if not self.is_rational(a):
            raise ValueError(f"{self.text(a)} is not a rational number")
        return self.coordinates(a)[0]

    def coordinates(self, a: Element) -> tuple[Fraction, ...]:
        """Coefficients of the number ``a`` in powers of the field's primitive element, constant first."""
        a = self.number(a)
        listed = [a] if not self.roots else list(reversed(a.to_list())) or [0]
        return tuple(Fraction(int(QQ.numer(c)), int(QQ.denom(c))) if c else Fraction(0) for c in listed)

    def sign(self, a: Element) -> int:
        """-1, 0 or 1, exactly, for a number.  ValueError if a parameter occurs in it."""
        if not a:
            return 0
        if self.is_rational(a):
            return 1 if self.fraction(a) > 0 else -1
        bits = 32
        while True:  # ends, since a is not zero
            low, high = self.enclose(a, bits)
            if low > 0 or high < 0:
                return 1 if low > 0 else -1
            bits *= 2

    def within(self, a: Element, tolerance: Fraction) -> bool:
        """Whether |a| <= tolerance, exactly; an element with a parameter in it is not, whatever its values."""
        if not a or not tolerance:
            return not a
        return not self.free_parameters(a) and self.sign(a * a - self.rational(tolerance**2)) <= 0

    def enclose(self, a: Element, bits: int = 64) -> tuple[Fraction, Fraction]:
        """A rational interval that contains the number ``a``, narrower than 2**-bits (one point for a rational)."""
        coordinates = self.coordinates(a)
        if len(coordinates) == 1:
            return coordinates[0], coordinates[0]
        bound = primitive_element(self.roots, 0)[1] + 1
        slope = sum((k * abs(c) * bound ** (k - 1) for k, c in enumerate(coordinates) if k), Fraction(0))
        extra = bits + 1 + max(1, (slope.numerator // slope.denominator + 1).bit_length())
        low, high = primitive_element(self.roots, extra)
        middle = (low + high) / 2
        value = Fraction(0)
        for c in reversed(coordinates):
            value = value * middle + c
        error = slope * (high - low) / 2
        return value - error, value + error

    def to_float(self, a: Element) -> float:
        """The double nearest to the number ``a``: rounded once, to even in a tie."""
        bits = 64
        while True:  # ends: an irrational number is never half-way between two doubles
            low, high = self.enclose(a, bits)
            if float(low) == float(high):
                return float(low)
            bits *= 2

    def sympy(self, a: Element) -> sympy.Expr:
        """``a`` as a sympy expression: partial fractions in one parameter, factored in several."""
        expression = self.domain.to_sympy(a)
        free = self.free_parameters(a)
        if not free:
            return sympy.expand(expression)
        if len(free) > 1:
            return sympy.factor(expression)
        parts = sympy.apart(expression, sympy.Symbol(free[0])) if not self.roots else sympy.factor(expression)
        return min((parts, sympy.factor(expression)), key=lambda e: len(str(e)))

    def text(self, a: Element) -> str:
        """``a`` in the grammar of the tableau file; reading it gives ``a`` back."""
        if self.is_rational(a):
            return str(self.fraction(a))
        return str(self.sympy(a))

    def substitute(self, a: Element, values: Mapping[str, Element | Fraction | int]) -> Element:
        """``a`` with parameters replaced by numbers, an element of ``self.without(values)``.

        Values are rationals or elements of ``self.constants``.  ZeroDivisionError at a pole.
        """
        if not self.parameters:
            return a
        target = self.without(values)
        images = [
            target.from_constant(self._as_number(values[name])) if name in values else target.parameter(name)
            for name in self.parameters
        ]

        def image(polynomial: Any) -> Element:
            total = target.zero
            for monomial, coefficient in polynomial.terms():
                term = target.from_constant(coefficient)
                for base, exponent in zip(images, monomial, strict=True):
                    if exponent:
                        term = term * base**exponent
                total = total + term
            return total

        denominator = image(a.denom)
        if not denominator:
            raise ZeroDivisionError(f"{self.text(a)} has a pole there")
        return image(a.numer) / denominator

    def pack(self, a: Element) -> tuple[Any, ...]:
        """``a`` as tuples of integers and fractions: for pickling, which sympy's rational functions do not survive."""
        if not self.parameters:
            return self.coordinates(a)
        number = self.constants.coordinates
        return tuple(tuple((m, number(c)) for m, c in part.terms()) for part in (a.numer, a.denom))

    def unpack(self, packed: tuple[Any, ...]) -> Element:
        """The element that `pack` was given."""
        if not self.parameters:
            total = self.zero
            for c in reversed(packed):
                total = (total * self.ground.unit if self.roots else self.zero) + self.rational(c)
            return total
        gens = [self.parameter(name) for name in self.parameters]

        def polynomial(terms: Iterable[tuple[tuple[int, ...], tuple[Fraction, ...]]]) -> Element:
            total = self.zero
            for monomial, coordinates in terms:
                term = self._lift(self.constants.unpack(coordinates))
                for gen, exponent in zip(gens, monomial, strict=True):
                    term = term * gen**exponent
                total = total + term
            return total

        numerator, denominator = packed
        return polynomial(numerator) / polynomial(denominator)

    def without(self, names: Iterable[str]) -> Field:
        """This field with fewer parameters."""
        gone = set(names)
        return _field(self.roots, tuple(name for name in self.parameters if name not in gone))

    def _as_number(self, value: Element | Fraction | int) -> Element:
        return self.constants.rational(value) if isinstance(value, (int, Fraction)) else value

    def _ground_coefficient(self, polynomial: Any) -> Element:
        return polynomial.coeff(1)

    def _lift(self, number: Element) -> Element:
        return number if not self.parameters else self.domain.field.ground_new(number)


@lru_cache(maxsize=256)
def _field(roots: tuple[int, ...], parameters: tuple[str, ...]) -> Field:
    return Field(roots, parameters)
