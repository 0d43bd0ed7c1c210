"""P(r) and d(r) at a rational r without a single division, so that only signs need the size of the numbers.

``P = (I + rK)^-1 K`` by forward substitution, row by row, over the common denominators ``D (qD)**i`` of row i, where D
is that of K and r = p/q.  In the field every sum would take a greatest common divisor, which is most of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from rkblocks.exact.field import Element, Field
from rkblocks.exact.work import spend
from rkblocks.forms import Row, Rows
from rkblocks.verify.integral import Integral, ring


class Place(NamedTuple):
    """An entry of P, rows 0..m with row m that of b; column -1 stands for the entry of d in that row."""

    row: int
    column: int

    def __str__(self) -> str:
        """The name in reports: ``P[3,0]``, ``d[2]``."""
        return f"d[{self.row}]" if self.column < 0 else f"P[{self.row},{self.column}]"


def places(m: int) -> Iterator[Place]:
    """All entries of P below the diagonal, then those of d."""
    for i in range(m + 1):
        for j in range(min(i, m)):
            yield Place(i, j)
    for i in range(m + 1):
        yield Place(i, -1)


class Resolvent:
    """The entries of P(r) and d(r) of one method at one rational value r."""

    def __init__(self, field: Field, A: Rows, b: Row, r: Fraction) -> None:
        self.field = field
        self.ring = ring(field)
        m = len(b)
        flat, self._denominator = self.ring.clear(entry for row in (*A, b) for entry in row)
        self._base = r.denominator * self._denominator
        powers = [1]
        for _ in range(m + 1):
            powers.append(powers[-1] * self._base)
        self._powers = powers
        self._P: list[list[Integral]] = []
        self._d: list[Integral] = []
        bits = self._base.bit_length()
        for i in range(m + 1):
            spend(i * (i + 1) << 2 * len(field.roots), i * bits, bits)
            new = [flat[i * m + k] * powers[i] for k in range(min(i, m))]
            rest = self.ring.one * powers[i]
            for j in range(min(i, m)):
                entry = flat[i * m + j]
                if entry:
                    factor = entry * (r.numerator * powers[i - 1 - j])
                    rest = rest - factor * self._d[j]
                    for k, earlier in enumerate(self._P[j]):
                        if earlier:
                            new[k] = new[k] - factor * earlier
            self._P.append(new)
            self._d.append(rest)

    def numerator(self, place: Place) -> Integral:
        """The entry times ``scale(place)``."""
        i, j = place
        return self._d[i] if j < 0 else self._P[i][j]

    def scale(self, place: Place) -> int:
        """The positive denominator of an entry."""
        i, j = place
        return self._powers[i] if j < 0 else self._powers[i] * self._denominator

    def sign(self, place: Place) -> int:
        """The sign of an entry."""
        return self.sign_of(self.numerator(place))

    def value(self, place: Place) -> Element:
        """An entry as an element of the field."""
        return self.ring.element(self.numerator(place), self.scale(place))

    def sign_of(self, a: Integral) -> int:
        """The sign of an integral number."""
        if isinstance(a, int):
            return (a > 0) - (a < 0)
        return self.field.sign(self.ring.element(a)) if a else 0
