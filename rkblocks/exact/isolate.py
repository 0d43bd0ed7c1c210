"""Real roots of a square-free polynomial in disjoint intervals, by bisection with Descartes' rule of signs.

A polynomial q on (0, 1) has at most as many roots there as ``(1 + x)**n q(1 / (1 + x))`` has changes of sign, and the
same parity; with none there is none, with one there is one, and an interval with more is halved.  For a square-free
polynomial this ends (Vincent 1836; Collins & Akritas 1976).  Intervals are visited from left to right, so that whoever
wants the least root alone pays for no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm

from rkblocks.exact.field import Field
from rkblocks.exact.polynomial import Parts, Polynomial, enclose, sign
from rkblocks.exact.work import TooLarge, spend

NEAR = 200
"""Bits to which a root is refined to see whether it is a fraction of half as many."""


@dataclass(frozen=True)
class Isolated:
    """One simple root of ``polynomial``: ``low == high``, or the only one in the open interval (low, high).

    ``left`` is the sign of the polynomial just right of ``low``.
    """

    polynomial: Polynomial
    low: Fraction
    high: Fraction
    left: int

    def refine(self, bits: int) -> Isolated:
        """The same root in an interval at most 2**-bits wide."""
        found, width = self, Fraction(2) ** -bits
        while found.high - found.low > width:
            found = found.halved()
        return found

    def simple(self) -> Fraction | None:
        """The root itself, where it is a fraction of few bits.

        The ends of the interval are no candidates, for they may be other roots: that of ``(x - 1)**2 - 2 e**2`` just
        below 1 is isolated in (0, 1), however often halved, where the polynomial has the factor ``x - 1`` as well.
        """
        near = self.refine(NEAR)
        if near.low == near.high:
            return near.low
        simple = ((near.low + near.high) / 2).limit_denominator(1 << NEAR // 2 - 4)
        return simple if near.low < simple < near.high and not self.polynomial.sign_at(simple) else None

    def halved(self) -> Isolated:
        """The same root in half the interval."""
        p, middle = self.polynomial, (self.low + self.high) / 2
        point = middle.denominator.bit_length()
        spend((p.degree + 1) * len(p.parts), p.bits + p.degree * point, point)
        found = p.sign_at(middle)
        if not found:
            return replace(self, low=middle, high=middle)
        return replace(self, low=middle) if found == self.left else replace(self, high=middle)


def positive_roots(polynomial: Polynomial, below: Fraction | None = None) -> Iterator[Isolated]:
    """Yield every positive root, in ascending order; with ``below`` some that are not less may be left out.

    Args:
        polynomial: square-free, of positive degree, with a constant term that is not zero.

    Raises TooLarge, with the part of the line that is not searched yet, where the budget ends.
    """
    exponent = _bound(polynomial)
    if exponent is None:
        return
    field, n = polynomial.field, polynomial.degree
    whole = tuple(tuple(_scaled(part, exponent)) for part in polynomial.parts)
    waiting: list[tuple[Parts | None, int, int]] = [(whole, 0, exponent)]
    start = Fraction(0)
    try:
        while waiting:
            parts, position, exponent = waiting.pop()
            width = Fraction(2) ** exponent
            start = position * width
            if below is not None and start >= below:
                return
            if parts is None:
                yield Isolated(polynomial, start, start, 0)
                continue
            parts = _shortened(parts)
            spend(2 * n * n * len(parts), max(c.bit_length() for part in parts for c in part))
            changes = _changes(field, parts)
            if changes == 1:
                left = next(s for s in (sign(field, v) for v in zip(*parts, strict=True)) if s)
                yield Isolated(polynomial, start, start + width, left)
            elif changes:
                halved = tuple(tuple(c << (len(part) - 1 - k) for k, c in enumerate(part)) for part in parts)
                right = tuple(tuple(_shifted(part)) for part in halved)
                at_middle = not any(part[0] for part in right)
                if at_middle:
                    right = tuple(part[1:] for part in right)
                waiting.append((right, 2 * position + 1, exponent - 1))
                if at_middle:
                    waiting.append((None, 2 * position + 1, exponent - 1))
                waiting.append((halved, 2 * position, exponent - 1))
    except TooLarge as limit:
        raise TooLarge(start, None) from limit


def changes_between(polynomial: Sequence[int], low: Fraction, high: Fraction) -> int:
    """0 or 1 where an integer polynomial has so many roots in the open interval; 2 for two and where it may have."""
    common = lcm(low.denominator, high.denominator)
    start, width = int(low * common), int((high - low) * common)
    n = len(polynomial) - 1
    point = common.bit_length()
    spend(n * n, max(c.bit_length() for c in polynomial) + n * point, point)
    found = [c * common ** (n - k) for k, c in enumerate(polynomial)]
    for first in range(n):  # p(start + x), by Horner
        for k in range(n - 1, first - 1, -1):
            found[k] += start * found[k + 1]
    scaled = tuple(c * width**k for k, c in enumerate(found))
    return _changes(Field(), (scaled,))


def _bound(polynomial: Polynomial) -> int | None:
    """An exponent h with all positive roots below 2**h (Kioustelidis 1986); None where there is none (Descartes)."""
    field = polynomial.field
    vectors = list(zip(*polynomial.parts, strict=True))
    low, high, shift = enclose(field, vectors[-1])
    leading = 1 if low > 0 else -1
    least = min(abs(low), abs(high)).bit_length() - 1 - shift
    n = len(vectors) - 1
    best: int | None = None
    for k, vector in enumerate(vectors[:-1]):
        low, high, shift = enclose(field, vector)
        if low * leading < 0:
            excess = max(abs(low), abs(high)).bit_length() - shift - least
            each = -(-excess // (n - k)) + 1
            best = each if best is None else max(best, each)
    return best


def _scaled(part: Sequence[int], exponent: int) -> list[int]:
    """A positive multiple of p(2**exponent x)."""
    n = len(part) - 1
    return [c << (exponent * k if exponent >= 0 else -exponent * (n - k)) for k, c in enumerate(part)]


def _shortened(parts: Parts) -> Parts:
    """The coefficients without the power of two that they have in common."""
    common = 0
    for part in parts:
        for c in part:
            common |= c
    twos = (common & -common).bit_length() - 1
    return parts if twos <= 0 else tuple(tuple(c >> twos for c in part) for part in parts)


def _shifted(part: Sequence[int]) -> list[int]:
    """p(x + 1)."""
    found = list(part)
    for start in range(len(found) - 1):
        for k in range(len(found) - 2, start - 1, -1):
            found[k] += found[k + 1]
    return found


def _changes(field: Field, parts: Parts) -> int:
    """Changes of sign of ``(1 + x)**n q(1 / (1 + x))``, counted up to 2."""
    shifted = [_shifted(part[::-1]) for part in parts]
    changes, last = 0, 0
    for vector in zip(*shifted, strict=True):
        found = sign(field, vector)
        if found and last and found != last:
            changes += 1
            if changes == 2:
                break
        last = found or last
    return changes
