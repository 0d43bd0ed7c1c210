"""Shu-Osher form, Butcher form, and the reduced method: conversions between them, exactly.

A method has m stages.  Butcher form: ``A`` (m x m) and ``b``.  Shu-Osher form (Shu & Osher 1988; Kim et al. 2020,
eq. 4): row i = 1..m gives ``u_i = sum_{k<i} alpha[i][k] u_k + dt beta[i][k] F(u_k)``, where ``u_0 = x`` and ``u_m`` is
the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rkblocks.exact.field import Element, Field

Row = tuple[Element, ...]
Rows = tuple[Row, ...]


@dataclass(frozen=True)
class ShuOsher:
    """Rows i = 1..m of i entries each: ``alpha[i-1][k]``, ``beta[i-1][k]`` for k < i.

    ``b_hat``, where given, has the weights of an embedded method, ``x + dt sum b_hat[k] F(u_k)``.
    """

    alpha: Rows
    beta: Rows
    b_hat: Row | None = None


@dataclass(frozen=True)
class Butcher:
    """``A`` has m rows of m entries (an implicit one is for the checker to report); ``c`` and ``b_hat`` where given."""

    A: Rows
    b: Row
    c: Row | None = None
    b_hat: Row | None = None

    def is_explicit(self) -> bool:
        """Whether ``A`` is strictly lower triangular."""
        return not any(self.A[i][j] for i in range(len(self.b)) for j in range(i, len(self.b)))


@dataclass(frozen=True)
class Method:
    """A method by its numbers: m rows ``A`` of m entries and m weights ``b``, elements of ``field``."""

    field: Field
    A: Rows
    b: Row

    def member(self, values: Mapping[str, Element | Fraction | int]) -> Reduction:
        """The reduced method of a family's member, at values of all its parameters; ZeroDivisionError at a pole."""

        def row(entries: Row) -> Row:
            return tuple(self.field.substitute(entry, values) for entry in entries)

        return reduce(Method(self.field.constants, tuple(map(row, self.A)), row(self.b)))


@dataclass(frozen=True)
class Reduction(Method):
    """The method without stages that do not matter.  Stages are counted from 0, in the numbering of the table.

    ``kept`` are the stages that remain, ``unused`` those that the result does not depend on, ``equal`` pairs
    (stage, earlier stage with the same value).
    """

    kept: tuple[int, ...]
    unused: tuple[int, ...]
    equal: tuple[tuple[int, int], ...]


def to_butcher(field: Field, form: ShuOsher) -> Butcher:
    """The Butcher form of a Shu-Osher form: each u_i as ``x + dt * sum(row[k] * F(u_k))``.

    It assumes that the rows of alpha sum to one, which the checker verifies.
    """
    m = len(form.alpha)
    rows = [[field.zero] * m]
    for alpha, beta in zip(form.alpha, form.beta, strict=True):
        row = [field.zero] * m
        for k, (a, weight) in enumerate(zip(alpha, beta, strict=True)):
            if a:
                row = [entry + a * earlier if earlier else entry for entry, earlier in zip(row, rows[k], strict=True)]
            row[k] = row[k] + weight
        rows.append(row)
    return Butcher(tuple(map(tuple, rows[:m])), tuple(rows[m]), None, form.b_hat)


def resolvent(method: Method, r: Element) -> tuple[Rows, Row]:
    """``P = (I + rK)^-1 K`` and ``d = (I + rK)^-1 e`` for ``K = [[A, 0], [b, 0]]``, at one value of r.

    P has m+1 rows, row i with its i entries left of the diagonal; d has m+1 entries.  By forward substitution, since an
    explicit method's K is strictly lower triangular (Kraaijevanger 1991).
    """
    field, A, b = method.field, method.A, method.b
    P, d = zip(*substituted([*A, b], r, field.one), strict=True)
    return tuple(map(tuple, P)), tuple(d)


def substituted(K: Sequence[Sequence[Any]], r: Any, one: Any) -> Iterator[tuple[list[Any], Any]]:
    """Yield row after row of P(r) and d(r), as `resolvent` says, in whatever K, r and one are numbers of."""
    P: list[list[Any]] = []
    d: list[Any] = []
    for i, row in enumerate(K):
        new, rest = list(row[:i]), one
        for j in range(i):
            if row[j]:
                factor = r * row[j]
                rest = rest - factor * d[j]
                for k, entry in enumerate(P[j]):
                    if entry:
                        new[k] = new[k] - factor * entry
        P.append(new)
        d.append(rest)
        yield new, rest


def canonical_shu_osher(method: Method, r: Element) -> ShuOsher:
    """The Shu-Osher form with ``alpha = r * beta`` except in column 0: beta = P(r), the rest d(r) into column 0.

    Where P(r) and d(r) are nonnegative it certifies the SSP coefficient r (Ferracina & Spijker 2004; Higueras 2005).
    """
    field = method.field
    P, d = resolvent(method, r)
    alpha = [
        tuple(r * entry + (d[i] if k == 0 else field.zero) for k, entry in enumerate(P[i])) for i in range(1, len(P))
    ]
    return ShuOsher(tuple(alpha), tuple(P[1:]))


def reduce(method: Method) -> Reduction:
    """The method without equal and unused stages (an explicit one; an implicit A is returned as it is)."""
    field, A, b = method.field, method.A, method.b
    m = len(b)
    if any(A[i][j] for i in range(m) for j in range(i, m)):
        return Reduction(field, A, b, tuple(range(m)), (), ())
    representative: list[int] = []
    rows: list[list[Element]] = []
    seen: dict[tuple[Element, ...], int] = {}
    for i in range(m):
        row = _merge(field, A[i], representative, m)
        rows.append(row)
        representative.append(seen.setdefault(tuple(row), i))
    weights = _merge(field, b, representative, m)
    used = {i for i in range(m) if weights[i]}
    for i in reversed(range(m)):
        if i in used:
            used |= {j for j in range(i) if rows[i][j]}
    kept = tuple(i for i in range(m) if i in used)
    equal = tuple((i, k) for i, k in enumerate(representative) if i != k)
    merged = {i for i, _ in equal}
    return Reduction(
        field=field,
        A=tuple(tuple(rows[i][j] for j in kept) for i in kept),
        b=tuple(weights[i] for i in kept),
        kept=kept,
        unused=tuple(i for i in range(m) if i not in used and i not in merged),
        equal=equal,
    )


def _merge(field: Field, row: Sequence[Element], representative: Sequence[int], m: int) -> list[Element]:
    """The row with the weight of every stage added to its representative (a later stage stands for itself)."""
    merged = [field.zero] * m
    for j, entry in enumerate(row):
        if entry:
            target = representative[j] if j < len(representative) else j
            merged[target] = merged[target] + entry
    return merged
