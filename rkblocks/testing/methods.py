"""Explicit methods with chosen properties from free rational numbers, by solving the order conditions exactly.

Given A, the conditions of order p are linear in b.  Nonnegative Shu-Osher forms are scaled: replacing beta by s beta
multiplies sum(b) by s and b . c by s^2, and mixing the result with x, u -> (1 - q) x + q u, multiplies both by q.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

Vector = list[Fraction]
Matrix = list[Vector]


def conditions(A: Sequence[Sequence[Fraction]], order: int) -> tuple[Matrix, Vector]:
    """Rows w and right sides 1/gamma of the conditions b . w = 1/gamma up to the order (at most 4), for this A."""
    m = len(A)
    c = [sum(row, Fraction(0)) for row in A]

    def times(v: Sequence[Fraction]) -> Vector:
        return [sum((a * x for a, x in zip(row, v, strict=True)), Fraction(0)) for row in A]

    def power(v: Sequence[Fraction], k: int) -> Vector:
        return [x**k for x in v]

    ac = times(c)
    rows: list[tuple[int, Vector, int]] = [(1, [Fraction(1)] * m, 1), (2, c, 2), (3, power(c, 2), 3), (3, ac, 6)]
    rows += [(4, power(c, 3), 4), (4, [x * y for x, y in zip(c, ac, strict=True)], 8), (4, times(power(c, 2)), 12)]
    rows += [(4, times(ac), 24)]
    kept = [(row, Fraction(1, gamma)) for p, row, gamma in rows if p <= order]
    return [row for row, _ in kept], [right for _, right in kept]


def solve(rows: Matrix, right: Vector, free: Sequence[Fraction]) -> Vector | None:
    """A solution of the linear system that takes its undetermined unknowns from ``free``; None where there is none."""
    work = [[*row, r] for row, r in zip(rows, right, strict=True)]
    n, pivots = len(free), list[int]()
    for column in reversed(range(n)):
        at = len(pivots)
        pivot = next((i for i in range(at, len(work)) if work[i][column]), None)
        if pivot is None:
            continue
        work[at], work[pivot] = work[pivot], work[at]
        work[at] = [x / work[at][column] for x in work[at]]
        for i, row in enumerate(work):
            if i != at and row[column]:
                work[i] = [x - row[column] * y for x, y in zip(row, work[at], strict=True)]
        pivots.append(column)
    if any(row[n] for row in work[len(pivots) :]):
        return None
    found = list(free)
    for row, column in zip(work, pivots, strict=False):
        found[column] = row[n] - sum((row[j] * free[j] for j in range(n) if j not in pivots), Fraction(0))
    return found


def three_stages(c2: Fraction, c3: Fraction) -> tuple[Matrix, Vector] | None:
    """A and b of the third-order method with these nodes (Butcher 2016, sect. 23); None at a pole."""
    if not (c2 and c3 and c2 != c3 and 3 * c2 != 2):
        return None
    a32 = c3 * (c3 - c2) / (c2 * (2 - 3 * c2))
    b2, b3 = (2 - 3 * c3) / (6 * c2 * (c2 - c3)), (2 - 3 * c2) / (6 * c3 * (c3 - c2))
    zero = Fraction(0)
    return [[zero] * 3, [c2, zero, zero], [c3 - a32, a32, zero]], [1 - b2 - b3, b2, b3]


def four_stages(w: Fraction) -> tuple[Matrix, Vector]:
    """A and b of Kutta's fourth-order method with both inner nodes 1/2 and third weight w (Butcher 2016, sect. 23)."""
    zero, half, sixth = Fraction(0), Fraction(1, 2), Fraction(1, 6)
    rows = [
        [zero] * 4,
        [half, zero, zero, zero],
        [half - sixth / w, sixth / w, zero, zero],
        [zero, 1 - 3 * w, 3 * w, zero],
    ]
    return rows, [sixth, Fraction(2, 3) - w, w, sixth]


def butcher(alpha: Matrix, beta: Matrix) -> Matrix:
    """Rows 0..m of the Butcher form of a Shu-Osher form, row m being b; all of length m."""
    m = len(alpha)
    rows = [[Fraction(0)] * m]
    for i in range(m):
        row = [sum((alpha[i][k] * rows[k][j] for k in range(i + 1)), Fraction(0)) for j in range(m)]
        rows.append([x + (beta[i][j] if j <= i else 0) for j, x in enumerate(row)])
    return rows


def scaled(alpha: Matrix, beta: Matrix, order: int) -> tuple[Matrix, Matrix] | None:
    """The nonnegative form mended to order 1 or 2; None where it would need weights beyond 1."""
    rows = butcher(alpha, beta)
    c, b = [sum(row, Fraction(0)) for row in rows], rows[-1]
    first, second = c[-1], sum((x * y for x, y in zip(b, c, strict=False)), Fraction(0))
    if not first:
        return None
    q = Fraction(1) if order == 1 else 2 * second / first**2
    if not 0 < q <= 1:
        return None
    mixed = [q * a for a in alpha[-1]]
    mixed[0] += 1 - q
    last = [q * x for x in beta[-1]]
    s = 1 / (q * first)
    return [*alpha[:-1], mixed], [[s * x for x in row] for row in [*beta[:-1], last]]
