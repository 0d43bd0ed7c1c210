"""The least positive root of odd multiplicity of a polynomial, as an exact real algebraic number.

A polynomial changes sign at its roots of odd multiplicity and only touches zero at the others, so these roots are where
a condition ``p(r) >= 0`` starts to fail (optimal SSP methods do have entries that touch zero: SSPRK(4,3) has one with
``(r - 2)**2``).  They are isolated over the field of the coefficients; the minimal polynomial over the integers, a
factor of the norm, is sought for the one root that is wanted, and last.

SSP coefficients, linear thresholds and stability intervals are the place where the first of several such conditions
starts to fail (`first_crossing`): at 0 if a lowest coefficient is negative, else at the least of these roots.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import isqrt
from typing import Generic, TypeVar

from rkblocks.exact import integers
from rkblocks.exact.field import Element, Field
from rkblocks.exact.integers import evaluate
from rkblocks.exact.isolate import NEAR, Isolated, changes_between, positive_roots
from rkblocks.exact.polynomial import Polynomial
from rkblocks.exact.work import TooLarge, budget, price, spend

_CLOSE = 66
"""Bits of the bounds of a root whose minimal polynomial costs too much: more than doubles have."""
_CLOSING = 20_000_000
"""Steps that these bounds may cost."""


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
        trail = _trail(self)  # what was found before costs as much again, so that no verdict depends on it
        low, high, steps = trail[max(known for known in trail if known <= bits)]
        spend(steps)
        left = evaluate(self.polynomial, self.low) > 0
        longest = max(c.bit_length() for c in self.polynomial)
        while (high - low) * (1 << bits) > 1:
            point = high.denominator.bit_length()
            step = price(len(self.polynomial), longest + len(self.polynomial) * point, point)
            spend(step)
            steps += step
            middle = (low + high) / 2
            if (evaluate(self.polynomial, middle) > 0) == left:  # never zero: an irrational root
                low = middle
            else:
                high = middle
        trail[bits] = low, high, steps
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


def least_odd_root(coefficients: Sequence[Element], field: Field, below: Fraction | None = None) -> Root | None:
    """The least root r > 0 of odd multiplicity of ``sum(c[k] * r**k)``, or None where there is none.

    ``coefficients`` are numbers of ``field``, constant term first.  With ``below``, a root that is not less may be
    answered with None.
    """
    found = isolated_odd_root(coefficients, field, below)
    return None if found is None else minimal(found)


def isolated_odd_root(coefficients: Sequence[Element], field: Field, below: Fraction | None = None) -> Isolated | None:
    """As `least_odd_root`, without the minimal polynomial.

    Raises TooLarge where the budget ends: the root, if there is one, is not less than its bound ``low``.
    """
    coefficients = list(coefficients)
    while coefficients and not coefficients[0]:
        coefficients.pop(0)
    while coefficients and not coefficients[-1]:
        coefficients.pop()
    if len(coefficients) < 2:
        return None
    polynomial = Polynomial.of(coefficients, field)
    try:
        spend(2 * len(coefficients) * len(polynomial.parts), polynomial.bits)
        signs = [s for s in polynomial.signs() if s]
        if all(a == b for a, b in pairwise(signs)):  # Descartes
            return None
        odd = polynomial.odd_part()
        found = next(positive_roots(odd, below), None) if odd.degree else None
        if found is not None and below is not None and found.low < below < found.high:
            return None if odd.sign_at(below) == found.left else found
        return found
    except TooLarge as limit:
        raise TooLarge(limit.low or Fraction(0)) from limit


def compare(left: Isolated, right: Isolated) -> int:
    """-1, 0 or 1 as the left root is less than, equal to or greater than the right one, exactly."""
    bits = 16
    while bits < NEAR:
        left, right = left.refine(bits), right.refine(bits)
        if left.high < right.low or right.high < left.low:
            return -1 if left.high < right.low else 1
        bits *= 2
    return minimal(left).compare(minimal(right))


def minimal(isolated: Isolated) -> Root:
    """The root with its minimal polynomial.

    Raises TooLarge, with close bounds of the root, where the budget ends.
    """
    try:
        return _minimal(isolated)
    except TooLarge as limit:
        close = _close(isolated)
        raise TooLarge(close.low, close.high) from limit


def all_roots(polynomial: Sequence[int]) -> list[Root]:
    """All real roots of an irreducible integer polynomial of positive degree (constant term first), ascending."""
    polynomial = tuple(polynomial)
    if len(polynomial) == 2:
        return [Root.rational(Fraction(-polynomial[0], polynomial[1]))]
    mirrored = tuple(-c if k % 2 else c for k, c in enumerate(polynomial))
    left, right = (list(positive_roots(Polynomial(Field(), (p,)))) for p in (mirrored, polynomial))
    return [
        *(Root(polynomial, -r.high, -r.low) for r in reversed(left)),
        *(Root(polynomial, r.low, r.high) for r in right),
    ]


def real(field: Field, a: Element) -> Root:
    """An element of a field of numbers as a real algebraic number."""
    if field.is_rational(a):
        return Root.rational(field.fraction(a))
    norm = Polynomial.of([-a, field.one], field).norm()
    (found,) = (r for factor in integers.factors(norm) for r in all_roots(factor) if _holds(field, a, r))
    return found


def _holds(field: Field, a: Element, root: Root) -> bool:
    """Whether the root is the number a, among the conjugates of a."""
    bits = 16
    while True:  # ends: distinct conjugates part, and so do sign changes
        low, high = field.enclose(a, bits)
        tight = root.refine(bits)
        if tight.high < low or high < tight.low:
            return False
        if root.low < low and high < root.high and root.low < root.high:
            return True
        if root.fraction is not None:
            return low <= root.fraction <= high and not a - field.rational(root.fraction)
        bits *= 2


def _minimal(isolated: Isolated) -> Root:
    polynomial = isolated.polynomial
    if isolated.low == isolated.high:
        return Root.rational(isolated.low)
    half = polynomial.in_squares()
    if half is not None:  # of |psi(iy)|**2, for one
        square = _minimal(Isolated(half, isolated.low**2, isolated.high**2, isolated.left)).polynomial
        full = tuple(c for k in square for c in (k, 0))[:-1]
        return _root_among(integers.factors(full) if _may_be_square(square) else [full], isolated)
    norm = polynomial.norm()
    if polynomial.is_provably_irreducible():  # then its norm is a power of an irreducible polynomial
        whole = Polynomial(Field(), (norm,))
        if polynomial.is_rational or whole.is_provably_squarefree():
            return _root_among([norm], isolated)
    simple = isolated.simple()
    if simple is not None:  # factoring would find it much later
        return Root.rational(simple)
    return _root_among(integers.factors(norm), isolated)


def _may_be_square(polynomial: Sequence[int]) -> bool:
    """Whether the norm of a root of an irreducible polynomial is a square: necessary for the root to be one."""
    norm = polynomial[0] * polynomial[-1] * (1 if len(polynomial) % 2 else -1)
    return norm >= 0 and isqrt(norm) ** 2 == norm


def _root_among(candidates: Sequence[tuple[int, ...]], isolated: Isolated) -> Root:
    """The root of one of several irreducible polynomials that lies in the interval, which is shrunk until only one
    does."""
    bits = 4
    while True:  # ends: one of them vanishes at the root, and their other roots are apart from it
        low, high = isolated.low, isolated.high
        if low == high:
            return Root.rational(low)
        counts = [changes_between(p, low, high) for p in candidates]
        if sum(counts) == 1:
            found = candidates[counts.index(1)]
            root = Root(found, low, high)
            return Root.rational(root.fraction) if root.fraction is not None else root
        isolated, bits = isolated.refine(bits), bits * 2


def _close(isolated: Isolated) -> Isolated:
    """The root between bounds that differ by less than doubles do, as far as that is affordable."""
    try:
        with budget(_CLOSING):
            while not isolated.low and isolated.high:
                isolated = isolated.halved()
            size = isolated.high.numerator.bit_length() - isolated.high.denominator.bit_length()
            return isolated.refine(_CLOSE - size)
    except TooLarge:
        return isolated


@lru_cache(maxsize=256)
def _trail(root: Root) -> dict[int, tuple[Fraction, Fraction, int]]:
    """Intervals of a root by their bits, with the steps that they take from its own."""
    return {-1: (root.low, root.high, 0)}


Coefficients = tuple[Element, ...]
"""A polynomial in r with coefficients in a field, the constant one first."""

Entry = TypeVar("Entry")
"""What a condition is known by: a place in P or d, or a name."""


@dataclass(frozen=True)
class Crossing(Generic[Entry]):
    """The condition named ``entry`` is the first to fail, just above ``root``; ``polynomial`` is all of it."""

    entry: Entry
    polynomial: Coefficients
    root: Root


def first_crossing(conditions: Iterable[tuple[Entry, Coefficients]], field: Field) -> Crossing[Entry] | None:
    """The first condition to fail for growing r > 0 (the earlier named one in a tie), None if none ever fails.

    Raises TooLarge where the budget ends, with the bounds of the first failure that are proved by then.
    """
    best: tuple[Entry, Coefficients, Isolated] | None = None
    searched: Fraction | None = None  # what a condition that is too large is known to hold up to
    for entry, polynomial in conditions:
        lowest = next((c for c in polynomial if c), None)
        if lowest is None:
            continue
        if field.sign(lowest) < 0:
            return Crossing(entry, polynomial, Root.rational(0))
        try:
            found = isolated_odd_root(polynomial, field, below=best[2].high if best else None)
            if found is not None and (best is None or compare(found, best[2]) < 0):
                best = entry, polynomial, found
        except TooLarge as limit:
            low = limit.low or Fraction(0)
            searched = low if searched is None else min(low, searched)
    if searched is not None and (best is None or searched < best[2].high):
        raise TooLarge(min(searched, best[2].low) if best else searched, best[2].high if best else None)
    return None if best is None else Crossing(best[0], best[1], minimal(best[2]))
