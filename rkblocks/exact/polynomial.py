"""Polynomials with real algebraic coefficients, as integers: signs, values, square-free parts and norms.

The coefficients are elements of Z[theta], where theta is the primitive element of a field of square roots, written in
powers of theta.  Shifts and scalings of the variable are linear, so that each power has an integer polynomial of its
own and nothing is ever multiplied by theta; only the sign of a coefficient joins the powers.

Nearly every polynomial that comes from decimals is quickly proved irreducible: the degrees of its factors modulo a
prime restrict those over the number field to subset sums, and after a few primes only 0 and the degree itself remain.
Factoring in earnest takes seconds at degree 30 with coefficients of a thousand digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from itertools import product as cartesian
from math import gcd, lcm
from typing import Any

from sympy import Poly, Symbol, primerange
from sympy.external.gmpy import GROUND_TYPES
from sympy.polys.domains import QQ, ZZ
from sympy.polys.galoistools import gf_ddf_zassenhaus, gf_from_int_poly, gf_sqf_p

from rkblocks.exact import integers
from rkblocks.exact.field import Element, Field, algebraic, primitive_element, span, square_roots
from rkblocks.exact.work import spend

Parts = tuple[tuple[int, ...], ...]
"""For each power of theta an integer polynomial, constant term first, all of one length."""

FIRST_BITS = 64
PRIMES = 16
"""Primes at which polynomials are looked at."""
TRIED = 3
"""Primes at which a polynomial is tried for being square-free before its greatest common divisor is computed."""
_R = Symbol("r")
MOST_PRIMES = 10
"""After so many primes at which the polynomial stays square-free, of the same degree, the proof is given up."""


@dataclass(frozen=True)
class Polynomial:
    """``sum_i theta**i * parts[i]`` over the field; the leading coefficient is not zero."""

    field: Field
    parts: Parts

    @classmethod
    def of(cls, coefficients: Sequence[Element], field: Field) -> Polynomial:
        """A positive multiple of a polynomial with numbers of the field as coefficients, constant term first."""
        rows = [field.coordinates(c) for c in coefficients]
        degree = max(map(len, rows))
        common = lcm(*(q.denominator for row in rows for q in row))
        parts = [[0] * len(rows) for _ in range(degree)]
        for k, row in enumerate(rows):
            for i, q in enumerate(row):
                parts[i][k] = q.numerator * (common // q.denominator)
        content = gcd(*(c for part in parts for c in part)) or 1
        return cls(field, tuple(tuple(c // content for c in part) for part in parts))

    @property
    def degree(self) -> int:
        return len(self.parts[0]) - 1

    @property
    def bits(self) -> int:
        """Of the longest integer."""
        return max((c.bit_length() for part in self.parts for c in part), default=0)

    def signs(self) -> Iterator[int]:
        """Yield the sign of every coefficient, constant term first."""
        return (sign(self.field, vector) for vector in zip(*self.parts, strict=True))

    def sign_at(self, x: Fraction) -> int:
        """The exact sign at a rational point."""
        return sign(self.field, [integers.evaluate(part, x) for part in self.parts])

    @property
    def is_rational(self) -> bool:
        """Whether all coefficients are rational."""
        return not any(c for part in self.parts[1:] for c in part)

    def in_squares(self) -> Polynomial | None:
        """q with q(x**2) = p(x), for a polynomial of positive degree without odd powers."""
        if self.degree < 1 or any(c for part in self.parts for c in part[1::2]):
            return None
        return Polynomial(self.field, tuple(part[::2] for part in self.parts))

    def odd_part(self) -> Polynomial:
        """A square-free polynomial with those roots of this one that have odd multiplicity."""
        if self.is_provably_squarefree():
            return self
        spend(self.degree**3 * len(self.parts) ** 3, self.bits * self.degree)
        if self.is_rational:
            odd: Sequence[int] = (1,)
            for factor, multiplicity in integers.squarefree_factors(self.parts[0]):
                odd = integers.product(odd, factor) if multiplicity % 2 else odd
            return Polynomial(self.field, (tuple(odd),))
        domain = self.field.ground
        elements = [self.field.constants.unpack(tuple(map(Fraction, v))) for v in zip(*self.parts, strict=True)]
        result = Poly(1, _R, domain=domain)
        for factor, multiplicity in Poly.from_list(elements[::-1], _R, domain=domain).sqf_list()[1]:
            result = result * factor if multiplicity % 2 else result
        return Polynomial.of(list(reversed(result.rep.to_list())), self.field)

    def norm(self) -> tuple[int, ...]:
        """An integer polynomial, constant term first, that vanishes wherever this one or one of its conjugates does."""
        if self.is_rational:
            return integers.primitive(self.parts[0])
        split = _by_square_root(self)
        for d in self.field.roots:  # N(A + B sqrt(d)) = A**2 - d B**2
            plain = {e: p for e, p in split.items() if e in span(_below(self.field.roots, d))}
            other = {e: p for e, p in split.items() if e not in plain}
            split = _minus(_times(plain, plain), _times(other, other))
        return integers.primitive(split[1])

    def is_provably_squarefree(self) -> bool:
        """Whether the polynomial is square-free modulo a prime at which it keeps its degree; False proves nothing."""
        spend(self.degree**2 * TRIED * 10, self.bits)
        reduced = islice(self._reduced(), TRIED)
        return any(len(dense) > self.degree and gf_sqf_p(dense, p, ZZ) for p, dense in reduced)

    def is_provably_irreducible(self) -> bool:
        """Whether the polynomial is proved to have no factors over the field; False proves nothing."""
        spend(self.degree**3 * MOST_PRIMES * 4, self.bits // 8)
        return degrees_prove(self._reduced(), self.degree)

    def _reduced(self) -> Iterator[tuple[int, list[int]]]:
        """Yield primes with the polynomial modulo one of their factors in the field, leading coefficient first."""
        for p, theta in _residues(self.field.roots if not self.is_rational else ()):
            powers = [pow(theta, i, p) for i in range(len(self.parts))]
            values = [sum(c % p * t for c, t in zip(v, powers, strict=True)) for v in zip(*self.parts, strict=True)]
            yield p, gf_from_int_poly(values[::-1], p)


def sign(field: Field, vector: Sequence[int]) -> int:
    """The sign of ``sum_i vector[i] * theta**i``."""
    low, high, _ = enclose(field, vector)
    return (low > 0) - (high < 0)


def enclose(field: Field, vector: Sequence[int]) -> tuple[int, int, int]:
    """(low, high, s) with the number between low / 2**s and high / 2**s, of its sign; (0, 0, 0) for zero."""
    if len(vector) == 1 or not any(vector[1:]):
        return vector[0], vector[0], 0
    bits, slack = FIRST_BITS, 2 * sum(map(abs, vector[1:]))
    while True:  # ends, since a vector that is not zero is no zero
        value = sum(c * power for c, power in zip(vector, _powers(field.roots, bits), strict=False))
        if abs(value) > slack:
            return value - slack, value + slack, bits
        bits *= 2


@lru_cache(maxsize=256)
def _powers(roots: tuple[int, ...], bits: int) -> tuple[int, ...]:
    """Powers of theta, times 2**bits, each off by less than 2."""
    degree = 1 << len(roots)
    bound = primitive_element(roots, 0)[1] + 1
    extra = int(degree * bound**degree).bit_length()
    low, high = primitive_element(roots, bits + extra)
    middle = (low + high) / 2
    return (1 << bits, *(int(middle**i * (1 << bits)) for i in range(1, degree)))


@lru_cache(maxsize=64)
def _residues(roots: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Primes in which all the square roots exist, each with the value of theta modulo it."""
    found: list[tuple[int, int]] = []
    terms: list[tuple[int, int]] = []
    if roots:
        for term in algebraic(roots).ext.as_expr().as_ordered_terms():
            coefficient, root = term.as_coeff_Mul()
            terms.append((int(coefficient), int(root**2)))
    for p in primerange(100, 1_000_000):
        if p % 4 == 3 and all(pow(d, (p - 1) // 2, p) == 1 for _, d in terms):
            values = [c * pow(d, (p + 1) // 4, p) for c, d in terms]
            conjugates = {sum(s * v for s, v in zip(signs, values, strict=True)) % p for signs in _signs(len(values))}
            if len(conjugates) == 1 << len(values):  # p does not divide the discriminant of theta
                found.append((p, sum(values) % p))
        if len(found) == PRIMES:
            break
    return tuple(found)


def _signs(n: int) -> Iterator[tuple[int, ...]]:
    return cartesian((1, -1), repeat=n)


Split = dict[int, tuple[int, ...]]
"""A polynomial over a field of square roots: the integer polynomial beside sqrt(e), for every square-free e."""


def _by_square_root(p: Polynomial) -> Split:
    """A multiple of the polynomial by the square roots in it instead of powers of theta."""
    inverse, names = _basis(p.field.roots)
    found: Split = {}
    for row, e in zip(inverse, names, strict=True):
        columns = [sum(r * c for r, c in zip(row, v, strict=False)) for v in zip(*p.parts, strict=True)]
        found[e] = tuple(columns)
    return found


@lru_cache(maxsize=64)
def _basis(roots: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """Rows of integers that turn coordinates in powers of theta into a multiple of those beside each sqrt(e)."""
    known: dict[int, Any] = square_roots(roots)
    names = tuple(sorted(known))
    size = len(names)
    columns = []
    for e in names:
        listed = [Fraction(int(QQ.numer(c)), int(QQ.denom(c))) for c in reversed(known[e].to_list())]
        columns.append([*listed, *[Fraction(0)] * (size - len(listed))])
    rows = [[columns[j][i] for j in range(size)] + [Fraction(int(i == k)) for k in range(size)] for i in range(size)]
    for i in range(size):  # Gauss-Jordan
        pivot = next(k for k in range(i, size) if rows[k][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for k in range(size):
            if k != i and rows[k][i]:
                rows[k] = [x - rows[k][i] * y for x, y in zip(rows[k], rows[i], strict=True)]
    inverse = [row[size:] for row in rows]
    common = lcm(*(q.denominator for row in inverse for q in row))
    return tuple(tuple(int(q * common) for q in row) for row in inverse), names


def _below(roots: tuple[int, ...], d: int) -> tuple[int, ...]:
    """The roots that remain when those up to d are gone."""
    return roots[roots.index(d) + 1 :]


def _times(left: Split, right: Split) -> Split:
    total: dict[int, list[int]] = {}
    for e, p in left.items():
        for f, q in right.items():
            if any(p) and any(q):
                s = gcd(e, f)
                row = total.setdefault(e * f // (s * s), [0] * (len(p) + len(q) - 1))
                for k, c in enumerate(integers.product(p, q)):
                    row[k] += s * c
    return {e: tuple(p) for e, p in total.items()}


def _minus(left: Split, right: Split) -> Split:
    found = {}
    for e in left.keys() | right.keys():
        p, q = left.get(e, ()), right.get(e, ())
        length = max(len(p), len(q))
        found[e] = tuple(
            a - b for a, b in zip([*p, *[0] * (length - len(p))], [*q, *[0] * (length - len(q))], strict=True)
        )
    return found


def degrees_prove(reduced: Iterable[tuple[int, Sequence[int]]], degree: int) -> bool:
    """Whether factors modulo primes prove a polynomial over a number field irreducible; False proves nothing.

    Args:
        reduced: pairs of a prime and the coefficients modulo a factor of degree one of it in the field, leading one
            first and without leading zeros.
        degree: of the polynomial.
    """
    possible = (1 << (degree + 1)) - 1  # bit k: a factor of degree k is not excluded yet
    used = 0
    for p, dense in reduced:
        degrees = None if len(dense) <= degree else degrees_modulo(dense, p)
        if degrees is None:
            continue
        used += 1
        sums = 1
        for each in degrees:
            sums |= sums << each
        possible &= sums
        if possible == 1 | 1 << degree:
            return True
        if used == MOST_PRIMES:
            break
    return False


def degrees_modulo(dense: Sequence[int], p: int) -> list[int] | None:
    """Degrees of the irreducible factors modulo a prime, of coefficients with the leading one first; None where one of
    them is multiple."""
    if GROUND_TYPES == "flint":  # a hundred times faster
        from flint import nmod_poly

        factors = nmod_poly(list(map(int, reversed(dense))), p).factor()[1]
        return None if any(multiplicity > 1 for _, multiplicity in factors) else [f.degree() for f, _ in factors]
    if not gf_sqf_p(dense, p, ZZ):
        return None
    inverse = pow(int(dense[0]), -1, p)
    products = gf_ddf_zassenhaus([c * inverse % p for c in dense], p, ZZ)
    return [each for product, each in products for _ in range((len(product) - 1) // each)]
