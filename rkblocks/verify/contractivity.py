"""The radius of circle contractivity of an explicit method, exactly: how long a step contracts in the Euclidean norm.

If ``x -> x + h F(x)`` is nonexpansive in an inner product norm for 0 <= h <= h0, so is a step of length h <= rho h0,
where rho is the largest r with

    B + r M positive semidefinite,    B = diag(b),  M = B A + A^T B - b b^T

(Dahlquist & Jeltsch 1979; for networks Sherry et al. 2024).  In a reduced method:

* b > 0 is necessary.  A negative weight leaves ``b_i - r b_i**2 < 0`` on the diagonal.  Beside a zero weight, take the
  last stage i that has one: a later stage j uses it, b_j > 0, and ``b_j a_ji`` stands beside the zero on the diagonal.
* For b > 0 all roots of det(B + r M) are real, and rho is the least positive one; it exists since M has the diagonal
  -b_i**2.  It may be a multiple root, at which the determinant need not change sign.
* If B + r M is semidefinite and singular at one r > 0, this r is rho: a null vector v has v^T M v = -(v^T B v)/r < 0,
  so that v^T (B + s M) v < 0 for all s > r.  One elimination proves a rational rho.
* Else the same holds just below and just above an isolated root, with a vector of integers for the upper side.

Floats guess, and decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite

from sympy import Poly, Symbol
from sympy.polys.domains import ZZ
from sympy.polys.matrices import DomainMatrix

from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Coefficients, Root, first_crossing
from rkblocks.exact.work import TooLarge, spend
from rkblocks.forms import Method, Row, Rows
from rkblocks.verify.integral import ring

SHARE = 50
"""Stages to the fourth times bits of an entry of M that count as one step."""
HALVINGS = 45
SLACK = 1e-13
NEAR = 40
"""Bits of the bracket around an irrational rho that the certificate shows at least."""


@dataclass(frozen=True)
class Contractivity:
    """rho, and what ends it: ``direction`` is an integer vector v with v^T (B + r M) v < 0 above ``root.high``.

    For rho = 0 ``stage`` is that of the weight that is not positive, in the reduced method, and ``direction`` is empty.
    """

    root: Root
    direction: tuple[Element, ...] = ()
    stage: int | None = None


def circle_contractivity(method: Method, hint: Fraction | None = None) -> Contractivity | None:
    """rho of a reduced explicit method; None without weights, where nothing limits it.

    Args:
        field: the field of the entries, without parameters.
        A, b: m rows of m entries, strictly lower triangular; m weights.
        hint: a value worth trying first, such as C, which rho is never below.

    Raises TooLarge, with proven bounds of rho where they are known, for numbers that would take too long.

    Reference: Dahlquist & Jeltsch 1979, TRITA-NA-7906; Sherry et al. 2024, Physica D 463, 134159.
    """
    field, b = method.field, method.b
    if not b:
        return None
    unfit = next((i for i, weight in enumerate(b) if field.sign(weight) < 0), None)
    if unfit is None:
        unfit = next((i for i in reversed(range(len(b))) if not b[i]), None)
    if unfit is not None:
        return Contractivity(Root.rational(0), stage=unfit)
    spend(_work(method) // SHARE)
    M = matrix(method)
    if hint is not None and hint > 0 and (found := _exactly(field, b, M, hint)):
        return found
    guess = _guess(field, b, M)
    simple = guess.limit_denominator(1000)
    if simple > 0 and simple != hint and (found := _exactly(field, b, M, simple)):
        return found
    try:
        crossing = first_crossing([("det(B + r M)", _squarefree(field, determinant(field, b, M)))], field)
    except TooLarge:
        raise TooLarge(*_bracket(field, b, M, guess)) from None
    assert crossing is not None  # M has a negative diagonal
    root = crossing.root
    if root.fraction is not None:
        found = _exactly(field, b, M, root.fraction)
        assert found is not None
        return found
    return _above(field, b, M, root)


def matrix(method: Method) -> Rows:
    """``M = B A + A^T B - b b^T``, symmetric, for any coefficients of the field."""
    field, A, b = method.field, method.A, method.b
    m = len(b)
    rows = [[field.zero] * m for _ in range(m)]
    for i in range(m):
        for j in range(i + 1):
            rows[i][j] = rows[j][i] = b[i] * A[i][j] + b[j] * A[j][i] - b[i] * b[j]
    return tuple(map(tuple, rows))


def determinant(field: Field, b: Row, M: Rows) -> Coefficients:
    """det(I + r B^-1 M) as a polynomial in r, constant term 1 first: det(B + r M) without the factor det(B)."""
    m = len(b)
    X = [[entry / b[i] for entry in row] for i, row in enumerate(M)]
    if field.parameters or field.roots:
        found = DomainMatrix(X, (m, m), field.domain).charpoly()
        scale = field.one
    else:
        flat, scale = ring(field).clear(entry for row in X for entry in row)
        integers = [[ZZ(e) for e in flat[i * m : i * m + m]] for i in range(m)]
        found = [field.rational(int(c)) for c in DomainMatrix(integers, (m, m), ZZ).charpoly()]
    signed = [c * (-1) ** k / scale**k for k, c in enumerate(found)]
    while not signed[-1]:
        signed.pop()
    return tuple(signed)


def semidefinite(field: Field, b: Row, M: Rows, r: Fraction | Element) -> tuple[int, list[Element]]:
    """1 if B + r M is positive definite, 0 if semidefinite, -1 if neither; with v, v^T (B + r M) v = 0 or < 0.

    ``L D L^T`` in exact arithmetic; a pivot of 0 must have zeros below it.
    """
    m = len(b)
    r = field.rational(r) if isinstance(r, Fraction) else r
    S = [[r * M[i][j] + (b[i] if i == j else field.zero) for j in range(i + 1)] for i in range(m)]
    null: list[Element] | None = None
    for k in range(m):
        pivot = S[k][k]
        sign = field.sign(pivot)
        if sign < 0:
            return -1, _completed(field, S, k, {k: field.one})
        if not sign:
            other = next((i for i in range(k + 1, m) if S[i][k]), None)
            if other is not None:  # [[0, c], [c, a]]: (t, 1) gives 2 t c + a = -1
                t = -(S[other][other] + field.one) / (S[other][k] + S[other][k])
                return -1, _completed(field, S, k, {k: t, other: field.one})
            null = null or _completed(field, S, k, {k: field.one})
            continue
        column = [S[i][k] for i in range(k + 1, m)]
        for i in range(k + 1, m):
            factor = column[i - k - 1]
            if factor:
                factor = factor / pivot
                for j in range(k + 1, i + 1):
                    if column[j - k - 1]:
                        S[i][j] = S[i][j] - factor * column[j - k - 1]
                S[i][k] = factor
    return (1, []) if null is None else (0, null)


def _completed(field: Field, S: list[list[Element]], k: int, tail: dict[int, Element]) -> list[Element]:
    """The vector whose part in the first k coordinates makes the form least, given the others."""
    v = [tail.get(i, field.zero) for i in range(len(S))]
    for j in reversed(range(k)):
        if S[j][j]:
            v[j] = -sum((S[i][j] * v[i] for i in range(j + 1, len(S)) if v[i] and S[i][j]), field.zero)
    return v


def _exactly(field: Field, b: Row, M: Rows, r: Fraction) -> Contractivity | None:
    """rho = r, if B + r M is semidefinite and singular."""
    verdict, v = semidefinite(field, b, M, r)
    return Contractivity(Root.rational(r), tuple(v)) if verdict == 0 else None


def _above(field: Field, b: Row, M: Rows, root: Root) -> Contractivity:
    """The certificate of an irrational rho: an integer vector that is refuted at the upper end of the interval."""
    bits = NEAR
    while True:  # ends: just above rho the form is negative somewhere, and so near there
        root = root.refine(bits)
        _, exact = semidefinite(field, b, M, root.high)
        v = _rounded(field, exact, bits)
        if field.sign(value(field, b, M, root.high, v)) < 0:
            return Contractivity(root, v)
        bits *= 2


def value(field: Field, b: Row, M: Rows, r: Fraction, v: Sequence[Element]) -> Element:
    """v^T (B + r M) v."""
    at = field.rational(r)
    total = sum((w * x * x for w, x in zip(b, v, strict=True)), field.zero)
    for row, x in zip(M, v, strict=True):
        total = total + at * x * sum((e * y for e, y in zip(row, v, strict=True)), field.zero)
    return total


def _rounded(field: Field, v: Sequence[Element], bits: int) -> Row:
    """The vector scaled and rounded to integers of so many bits."""
    middles = [Fraction(*field.enclose(x, 2 * bits)[:1]) for x in v]
    scale = (1 << bits) / max(map(abs, middles))
    return tuple(field.rational(round(x * scale)) for x in middles)


def _squarefree(field: Field, polynomial: Coefficients) -> Coefficients:
    """A polynomial with the same roots, all simple, and positive at 0."""
    found = Poly.from_list(list(reversed(polynomial)), Symbol("r"), domain=field.ground).sqf_part()
    parts = list(reversed(found.rep.to_list()))
    return tuple(c / parts[0] for c in parts)


def _work(method: Method) -> int:
    field, A, b = method.field, method.A, method.b
    _, denominator = ring(field).clear(entry for row in (*A, b) for entry in row)
    degree = 1 << len(field.roots)
    return len(b) ** 4 * 3 * int(denominator).bit_length() * degree**2


def _guess(field: Field, b: Row, M: Rows) -> Fraction:
    """A positive guess at rho by bisection in floats."""
    try:
        B, rows = [field.to_float(w) for w in b], [[field.to_float(e) for e in row] for row in M]
    except OverflowError:  # the bracket finds its way from anywhere
        return Fraction(1)
    low, high = 0.0, 1 / max(max(B), 1e-300)  # b_i - r b_i**2 >= 0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _nonnegative(B, rows, middle) else (low, middle)
    return Fraction(high) if isfinite(high) and high > 0 else Fraction(1)


def _nonnegative(B: list[float], M: list[list[float]], r: float) -> bool:
    S = [[r * e for e in row[: i + 1]] for i, row in enumerate(M)]
    for k, weight in enumerate(B):
        S[k][k] += weight
    for k in range(len(S)):
        pivot = S[k][k]
        if pivot < SLACK * B[k]:
            return False
        column = [S[i][k] for i in range(k + 1, len(S))]
        for i, entry in enumerate(column, k + 1):
            factor = entry / pivot
            row = S[i]
            for j in range(k + 1, i + 1):
                row[j] -= factor * column[j - k - 1]
    return True


def _bracket(field: Field, b: Row, M: Rows, guess: Fraction) -> tuple[Fraction, Fraction]:
    """(low, high) with low <= rho < high, proved by elimination at both."""
    low, high = (Fraction(float(guess * (1 + sign * Fraction(1, 1 << 20)))) for sign in (-1, 1))
    while semidefinite(field, b, M, low)[0] < 0:  # ends: rho > 0
        low, high = low / 2, low
    while semidefinite(field, b, M, high)[0] >= 0:  # ends: rho <= 1/b_i
        low, high = high, high * 2
    return low, high
