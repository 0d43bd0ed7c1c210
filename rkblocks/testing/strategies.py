"""Hypothesis strategies for valid tableaus and valid tableau files, exact and rational."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from rkblocks.exact.field import Field
from rkblocks.extras import require
from rkblocks.forms import Butcher, ShuOsher
from rkblocks.tableau import Parameter, Tableau
from rkblocks.testing import methods

if TYPE_CHECKING:
    import hypothesis
    from hypothesis import strategies as st
else:
    st = require("hypothesis.strategies", "testing", "rkblocks.testing.tableaus")
    hypothesis = require("hypothesis", "testing", "rkblocks.testing.tableaus")

FIELD = Field()


def fractions(low: int = -2, high: int = 2, denominator: int = 12) -> st.SearchStrategy[Fraction]:
    """Rationals between two integers, with a small denominator."""
    return st.builds(Fraction, st.integers(low * denominator, high * denominator), st.just(denominator))


def tableaus(
    *, stages: int | tuple[int, int] = (1, 5), order: int = 1, ssp: bool = False, form: str | None = None
) -> st.SearchStrategy[Tableau]:
    """Strategy for explicit consistent rational tableaus without claims.

    Args:
        stages: their number m, or its range.
        order: they have at least this order, 1 to 4; order 4 needs m = 4 or m >= 8.
        ssp: only methods with a positive SSP coefficient (order 1 and 2; order 3 with m = 3).
        form: "butcher" or "shu_osher"; None for either.

    Raises:
        ValueError: for a combination that cannot be drawn.

    Example:
        >>> from hypothesis import given
        >>> @given(tableaus(order=2, ssp=True))
        ... def test_my_solver(tableau): ...
    """
    low, high = (stages, stages) if isinstance(stages, int) else stages
    counts = [m for m in range(max(low, order), high + 1) if order < 4 or m == 4 or m >= 8]
    counts = [m for m in counts if not (ssp and order == 3) or m == 3]
    if not 1 <= order <= (3 if ssp else 4) or not counts or form not in (None, "butcher", "shu_osher"):
        raise ValueError(f"no strategy for stages={stages}, order={order}, ssp={ssp}, form={form!r}")
    return _tableaus(counts, order, ssp, form)


@st.composite
def _tableaus(draw: st.DrawFn, counts: list[int], order: int, ssp: bool, form: str | None) -> Tableau:
    m = draw(st.sampled_from(counts))
    wanted = form or draw(st.sampled_from(["butcher", "shu_osher"]))
    if ssp and order < 3:
        alpha, beta = draw(_convex(m, order))
        rows = methods.butcher(alpha, beta)
    else:
        A, b = draw(_box() if ssp else _any(m, order))
        rows = [*A, b]
        alpha, beta = draw(_rewritten(rows)) if wanted == "shu_osher" else ([], [])
    if wanted == "butcher":
        return Tableau("drawn", FIELD, butcher=Butcher(_exact(rows[:-1]), _exact(rows[-1:])[0]))
    return Tableau("drawn", FIELD, shu_osher=ShuOsher(_exact(alpha), _exact(beta)))


@st.composite
def families(draw: st.DrawFn) -> Tableau:
    """Families of one parameter: two stages of order 2, or Kutta's four of order 4, on a domain without poles."""
    field = Field((), ("w",))
    w, one = field.parameter("w"), field.one
    low = draw(fractions(0, 1))
    high = draw(st.one_of(st.none(), st.builds(lambda d: low + d, fractions(0, 2).filter(bool))))
    init = low + 1 if high is None else (low + high) / 2
    constants = field.constants
    bounds = [None if x is None else constants.rational(x) for x in (low, high)]
    parameter = Parameter("w", bounds[0], bounds[1], constants.rational(init), draw(st.booleans()))
    zero, q = field.zero, field.rational
    A: tuple[Any, ...]
    b: tuple[Any, ...]
    if draw(st.booleans()):
        A, b = ((zero, zero), (w, zero)), (one - one / (2 * w), one / (2 * w))
    else:
        rows = [(zero,) * 4, (q(1, 2), zero, zero, zero), (q(1, 2) - one / (6 * w), one / (6 * w), zero, zero)]
        A = (*rows, (zero, one - 3 * w, 3 * w, zero))
        b = (q(1, 6), q(2, 3) - w, w, q(1, 6))
    return Tableau("family", field, butcher=Butcher(A, b), parameters=(parameter,))


@st.composite
def files(draw: st.DrawFn, source: st.SearchStrategy[Tableau] | None = None) -> tuple[str, Tableau]:
    """Texts of valid tableau files in all the notations that the format allows, with the tableau each stands for.

    Args:
        source: the tableaus to write; `tableaus()` where left out.
    """
    tableau = draw(source if source is not None else tableaus())
    document: dict[str, Any] = json.loads(tableau.to_json())
    for key in ("alpha", "beta", "A"):
        if key in document:
            document[key] = [[draw(_notation(entry)) for entry in row] for row in document[key]]
    if "A" in document and draw(st.booleans()):
        m = len(document["A"])
        document["A"] = [[*row, *["0"] * (m - len(row))] for row in document["A"]]
    keys = draw(st.permutations(list(document)))
    shuffled = {key: document[key] for key in keys}
    indent = draw(st.sampled_from([None, 0, 2, "\t"]))
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " :")]))
    return json.dumps(shuffled, indent=indent, separators=separators) + draw(
        st.sampled_from(["", "\n", " \r\n"])
    ), tableau


def _notation(entry: str) -> st.SearchStrategy[Any]:
    """The entry as the format may also write it: the same number."""
    ways: list[Any] = [entry, f" {entry} ", f"({entry})", f"0 + {entry}" if not entry.startswith("-") else f"0 {entry}"]
    try:
        number = Fraction(entry)
    except ValueError:  # an expression in parameters
        return st.sampled_from(ways)
    ways += [f"{2 * number.numerator}/{2 * number.denominator}", f"{number.numerator}/({number.denominator}**1)"]
    if number.denominator == 1:
        ways += [int(number), f"{int(number)}.0", f"{int(number)}e0"]
    return st.sampled_from(ways)


@st.composite
def _any(draw: st.DrawFn, m: int, order: int) -> tuple[methods.Matrix, methods.Vector]:
    """A and b of order at least ``order``."""
    if order == 3 and m == 3:
        found = methods.three_stages(draw(fractions(0, 2)), draw(fractions(-1, 2)))
        hypothesis.assume(found is not None)
        assert found is not None
        return found
    if order == 4 and m == 4:
        return methods.four_stages(draw(fractions().filter(bool)))
    A = [[draw(fractions()) if j < i else Fraction(0) for j in range(m)] for i in range(m)]
    b = methods.solve(*methods.conditions(A, order), [draw(fractions()) for _ in range(m)])
    hypothesis.assume(b is not None)
    assert b is not None
    return A, b


@st.composite
def _convex(draw: st.DrawFn, m: int, order: int) -> tuple[methods.Matrix, methods.Matrix]:
    """Nonnegative alpha and beta, beta = 0 where alpha = 0, of order 1 or 2: a chain of Euler steps and a mixed end."""
    weights = st.integers(0, 4)
    alpha, beta = [], []
    for i in range(m):
        row = [Fraction(draw(weights)) for _ in range(i + 1)] if i == m - 1 or order == 1 else [Fraction(0)] * (i + 1)
        row[i] += 1
        total = sum(row, Fraction(0))
        alpha.append([x / total for x in row])
        steps = [draw(fractions(0, 1)) if x else Fraction(0) for x in row]
        steps[i] += Fraction(1, 4)
        beta.append([a * step for a, step in zip(alpha[-1], steps, strict=True)])
    mended = methods.scaled(alpha, beta, order)
    hypothesis.assume(mended is not None)
    assert mended is not None
    return mended


@st.composite
def _box(draw: st.DrawFn) -> tuple[methods.Matrix, methods.Vector]:
    """Three stages, order 3, near ssp3: all of A and b positive, hence R > 0 (Kraaijevanger 1991, Theorem 4.2)."""
    c2, c3 = draw(fractions(0, 1, 120).map(lambda x: Fraction(9, 10) + x / 5)), draw(fractions(0, 1, 120))
    found = methods.three_stages(c2, Fraction(2, 5) + c3 / 5)
    assert found is not None
    return found


@st.composite
def _rewritten(draw: st.DrawFn, rows: methods.Matrix) -> tuple[methods.Matrix, methods.Matrix]:
    """A Shu-Osher form of the method with Butcher rows 1..m: free alpha with rows that sum to one, and its beta."""
    m = len(rows) - 1
    alpha, beta = [], []
    for i in range(1, m + 1):
        free = [draw(fractions(-1, 1, 4)) for _ in range(1, i)]
        weights = [1 - sum(free, Fraction(0)), *free]
        alpha.append(weights)
        beta.append([rows[i][k] - sum((weights[j] * rows[j][k] for j in range(i)), Fraction(0)) for k in range(i)])
    return alpha, beta


def _exact(rows: methods.Matrix) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(FIELD.rational(x) for x in row) for row in rows)
