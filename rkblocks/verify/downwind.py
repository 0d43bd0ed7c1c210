"""The optimal SSP coefficient with downwind operators, and the splitting that has it.

Where F~ is stable for steps backwards as F is for steps forwards, a method may be written as

    y = d x + up (y + F(y) / r) + down (y - F~(y) / r),    d, up, down >= 0,

which is the method ``K = [[A, 0], [b, 0]]`` exactly if ``up (I + rK) - down (I - rK) = rK`` and d is 1 minus the row
sums of up + down (Higueras 2005, SIAM J. Numer. Anal. 43, 924-948; Ketcheson 2011, SIAM J. Numer. Anal. 49,
1649-1660). At one r the rows are independent linear programs: with s = up + down, the least sum of s where ``s >=
|rK_i - r s K|``, which must not exceed 1. They are solved exactly, so that both ends of the interval found for the
optimum are proved.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from rkblocks.exact.decimals import simplest

Vector = list[Fraction]
Matrix = list[Vector]

MOST_STAGES = 16
BITS = 24
"""The interval is narrower than 2**-BITS times its upper end."""
LARGEST = 1 << 12
"""Coefficients beyond are not looked for."""


@dataclass(frozen=True)
class Splitting:
    """``low`` <= optimum < ``high``; rows 1 to m of ``up`` and ``down``, strictly lower triangular, at r = low.

    Where low is 0 there is no splitting at all, and no rows.
    """

    low: Fraction
    high: Fraction
    up: tuple[tuple[Fraction, ...], ...]
    down: tuple[tuple[Fraction, ...], ...]


def splitting(A: Matrix, b: Vector) -> Splitting | None:
    """The optimal splitting of an explicit method of rational numbers; None where no r up to `LARGEST` fails.

    Args:
        A, b: the reduced method, at most `MOST_STAGES` stages; `ValueError` for more.
    """
    if len(b) > MOST_STAGES:
        raise ValueError(f"{len(b)} stages, at most {MOST_STAGES} are split")
    K = [*A, b]
    low, high = Fraction(0), Fraction(1)
    while _rows(K, high) is not None:
        low, high = high, 2 * high
        if high > LARGEST:
            return None
    while high - low > high / (1 << BITS):
        middle = simplest(low + (high - low) / 3, high - (high - low) / 3)  # small numbers keep the programs small
        if _rows(K, middle) is not None:
            low = middle
        else:
            high = middle
    low = _rounded(K, low, high)
    rows = (_rows(K, low) if low else None) or []
    up, down = [], []
    for i, s in rows:
        difference = [low * (k - x) for k, x in zip(K[i], _times(s, K), strict=False)]
        up.append(tuple((x + d) / 2 for x, d in zip(s, difference, strict=True)))
        down.append(tuple((x - d) / 2 for x, d in zip(s, difference, strict=True)))
    return Splitting(low, high, tuple(up), tuple(down))


def _rounded(K: Matrix, low: Fraction, high: Fraction) -> Fraction:
    """The simplest number of the interval where that is feasible, else its lower end: 1, not 0.99999998."""
    if not low:
        return low
    candidate = simplest(low, low + (high - low) * Fraction(999, 1000))
    return candidate if _rows(K, candidate) is not None else low


def _rows(K: Matrix, r: Fraction) -> list[tuple[int, Vector]] | None:
    """s of every row 1 to m where all are feasible at r, else None."""
    found = []
    for i in reversed(range(1, len(K))):  # the row of the result is most often the first to fail
        s = _least(K, i, r)
        if sum(s) > 1:
            return None
        found.append((i, s))
    return found[::-1]


def _times(s: Vector, K: Matrix) -> Vector:
    """``s K``, as many entries as s."""
    return [sum((s[k] * K[k][j] for k in range(j + 1, len(s))), Fraction(0)) for j in range(len(s))]


def _least(K: Matrix, i: int, r: Fraction) -> Vector:
    """The s of row i with the least sum, from the optimal dual: maximise ``h y`` where ``M^T y <= 1``, y >= 0.

    ``M s >= h`` are the two sides of ``s >= |rK_i - r s K|``.  The simplex method with the rule of Bland, which ends.
    """
    lower = [[r * K[k][j] if k > j else Fraction(0) for k in range(i)] for j in range(i)]
    one = [[Fraction(int(j == k)) for k in range(i)] for j in range(i)]
    M = [[a + b for a, b in zip(x, y, strict=True)] for x, y in zip(one, lower, strict=True)]
    M += [[a - b for a, b in zip(x, y, strict=True)] for x, y in zip(one, lower, strict=True)]
    h = [r * K[i][j] for j in range(i)] + [-r * K[i][j] for j in range(i)]
    columns = 3 * i  # 2 i variables y, i slacks, and the right sides
    rows = [[*(M[v][k] for v in range(2 * i)), *one[k], Fraction(1)] for k in range(i)]
    gain = [*h, *[Fraction(0)] * (i + 1)]
    basis = list(range(2 * i, columns))
    while (enters := next((v for v in range(columns) if gain[v] > 0), None)) is not None:
        ratios = [(row[-1] / row[enters], basis[k], k) for k, row in enumerate(rows) if row[enters] > 0]
        _, _, k = min(ratios)  # not empty: the primal s = (1, 2, 4, ...) times a large number is feasible
        pivot = [x / rows[k][enters] for x in rows[k]]
        rows = [pivot if n == k else _minus(row, row[enters], pivot) for n, row in enumerate(rows)]
        gain = _minus(gain, gain[enters], pivot)
        basis[k] = enters
    return [-gain[2 * i + k] for k in range(i)]


def _minus(row: Vector, factor: Fraction, pivot: Vector) -> Vector:
    return [x - factor * y if y else x for x, y in zip(row, pivot, strict=True)] if factor else row
