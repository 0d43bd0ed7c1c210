"""SSP coefficients against a second route: (I + rK)^-1 as a Neumann series in plain fractions."""

from fractions import Fraction

import pytest
import verify_methods as known
from hypothesis import given, settings
from hypothesis import strategies as st

from rkblocks.exact.field import Field
from rkblocks.forms import Method, reduce
from rkblocks.verify.order import order
from rkblocks.verify.radius import (
    entry_polynomial,
    immediate_failure,
    negative_at,
    places,
    ssp_coefficient,
)


def entries_at(method: known.Method, r: Fraction) -> dict[tuple[int, int], Fraction]:
    """Entries of P(r) and (column -1) d(r), from sum_k (-r)^k K^k."""
    field, A, b = method
    K = [[field.fraction(e) for e in row] + [Fraction(0)] for row in (*A, b)]
    size = range(len(K))
    power = [[Fraction(i == j) for j in size] for i in size]
    inverse = [[Fraction(0)] * len(K) for _ in size]
    for k in range(len(K)):
        inverse = [[inverse[i][j] + (-r) ** k * power[i][j] for j in size] for i in size]
        power = [[sum(power[i][n] * K[n][j] for n in size) for j in size] for i in size]
    found = {(i, j): sum(inverse[i][n] * K[n][j] for n in size) for i in size for j in range(min(i, len(b)))}
    return found | {(i, -1): sum(inverse[i]) for i in size}


KNOWN = [
    ("EULER", known.EULER, Fraction(1)),
    ("MIDPOINT", known.MIDPOINT, Fraction(0)),
    ("SSP2", known.SSP2, Fraction(1)),
    ("SSP3", known.SSP3, Fraction(1)),
    ("RK4", known.RK4, Fraction(0)),
    ("SSPRK43", known.SSPRK43, Fraction(2)),
    ("SSPRK(9,3)", known.ssprk_n2_3(3), Fraction(6)),
    ("SSPRK(16,3)", known.ssprk_n2_3(4), Fraction(12)),
    ("SSPRK(10,4)", known.ssprk104(), Fraction(6)),
]


@pytest.mark.parametrize(("method", "R"), [pytest.param(m, R, id=n) for n, m, R in KNOWN])
def test_known_coefficients(method: known.Method, R: Fraction) -> None:
    found = ssp_coefficient(Method(*method))
    assert found is not None
    assert found.root.fraction == R
    limiting = found.entry
    assert min(entries_at(method, R).values()) >= 0 or R == 0
    above = entries_at(method, R + Fraction(1, 10**6))
    assert above[limiting] < 0


@pytest.mark.parametrize("method", [m for _, m, _ in KNOWN])
def test_entry_polynomials_against_evaluation(method: known.Method) -> None:
    field, A, b = method
    r = Fraction(3, 7)
    values = entries_at(method, r)
    for place in places(min(len(b), 5) if len(b) < 5 else len(b)):
        if place[0] < 4 or place[0] == len(b):
            polynomial = entry_polynomial(Method(field, A, b), place)
            assert sum((field.fraction(c) * r**k for k, c in enumerate(polynomial)), Fraction(0)) == values[place]


def test_claims_are_certified_and_refuted_exactly() -> None:
    field, A, b = known.ssprk104()
    assert negative_at(Method(field, A, b), field.rational(6)) is None
    refuted = negative_at(Method(field, A, b), field.rational(6 + Fraction(1, 10**15)))
    assert refuted is not None
    assert field.sign(refuted.value) < 0


def test_an_entry_that_touches_zero_does_not_limit() -> None:
    """SSPRK(4,3) has the entry (r - 2)^2/24: an even root at R itself."""
    field, A, b = known.SSPRK43
    touching = [field.fraction(c) for c in (field.rational(4, 24), field.rational(-4, 24), field.rational(1, 24))]
    found = [[field.fraction(c) for c in entry_polynomial(Method(field, A, b), p)] for p in places(4)]
    assert touching in found


def test_one_digit_moves_the_optimum() -> None:
    """A[10,1] lowered by 1e-15 moves R from 6 to 5.888, as an algebraic number; bisection in floats cannot tell."""
    field, A, b = method = known.ssprk104(Fraction(-1, 10**15))
    found = ssp_coefficient(Method(field, A, b))
    assert found is not None
    assert round(found.root.to_float(), 3) == 5.888
    tight = found.root.refine(80)
    assert min(entries_at(method, tight.low).values()) >= 0
    assert min(entries_at(method, tight.high).values()) < 0


def test_a_dead_stage_lowers_the_typed_table_only() -> None:
    field, A, b = known.HEUN_DEAD
    typed = ssp_coefficient(Method(field, A, b))
    reduced = reduce(Method(field, A, b))
    proper = ssp_coefficient(reduced)
    assert typed is not None
    assert proper is not None
    assert (typed.root.fraction, proper.root.fraction) == (0, 1)


def test_with_square_roots() -> None:
    """A two-stage method with c2 = sqrt(2)/2: R = 2 - 1/c2 = 2 - sqrt(2)."""
    field = Field((2,))
    c2 = field.sqrt(Fraction(1, 2))
    half = field.one / (c2 + c2)
    A, b = ((field.zero, field.zero), (c2, field.zero)), (field.one - half, half)
    found = ssp_coefficient(Method(field, A, b))
    assert found is not None
    assert found.root.polynomial == (2, -4, 1)
    assert round(found.root.to_float(), 12) == round(2 - 2**0.5, 12)
    assert negative_at(Method(field, A, b), field.rational(2) - field.sqrt(Fraction(2))) is None


def test_order_five_and_more_has_none() -> None:
    for method in (known.DOPRI5, known.cooper_verner8()):
        found = ssp_coefficient(Method(*method))
        assert found is not None
        assert found.root.fraction == 0
        assert immediate_failure(Method(*method)) == found.entry


def test_no_limit_without_weights() -> None:
    field, A, _ = known.SSP2
    assert ssp_coefficient(Method(field, A, (field.zero, field.zero))) is None


def test_places_have_names() -> None:
    assert [str(p) for p in places(2)] == ["P[1,0]", "P[2,0]", "P[2,1]", "d[0]", "d[1]", "d[2]"]


entry = st.fractions(0, 1, max_denominator=6)


@st.composite
def methods(draw: st.DrawFn, most: int = 4) -> known.Method:
    """Explicit rational methods with nonnegative entries and sum b = 1; some have zeros, so that R = 0 occurs."""
    m = draw(st.integers(1, most))
    A = [[draw(entry) for _ in range(i)] + [Fraction(0)] * (m - i) for i in range(m)]
    weights = [draw(st.integers(0, 5)) for _ in range(m - 1)] + [draw(st.integers(1, 5))]
    field = Field()
    rows = tuple(tuple(map(field.rational, row)) for row in A)
    return field, rows, tuple(field.rational(w, sum(weights)) for w in weights)


@settings(max_examples=80, deadline=None)
@given(methods())
def test_generated_methods(method: known.Method) -> None:
    field, A, b = method
    found = ssp_coefficient(Method(field, A, b))
    assert found is not None
    tight = found.root.refine(40)
    if found.root.fraction != 0:
        assert min(entries_at(method, tight.low).values()) >= 0
    assert entries_at(method, tight.high + Fraction(1, 2**30))[found.entry] < 0
    reduced = reduce(Method(field, A, b))
    proper = ssp_coefficient(reduced)
    p = order(reduced).value
    assert proper is not None
    assert proper.root.compare(found.root) >= 0
    assert p == 0 or proper.root.compare(len(reduced.b) - p + 1) <= 0


@settings(max_examples=40, deadline=None)
@given(methods(3), st.data())
def test_a_duplicated_stage_changes_nothing_after_reduction(method: known.Method, data: st.DataObject) -> None:
    field, A, b = method
    m = len(b)
    k = data.draw(st.integers(0, m - 1))
    share = field.rational(data.draw(st.fractions(Fraction(1, 5), Fraction(4, 5), max_denominator=5)))
    rows = []
    for row in [*A[: k + 1], A[k], *A[k + 1 :]]:
        rows.append((*row[:k], row[k] * share, row[k] * (field.one - share), *row[k + 1 :]))
    weights = (*b[:k], b[k] * share, b[k] * (field.one - share), *b[k + 1 :])
    one, other = reduce(Method(field, A, b)), reduce(Method(field, tuple(rows), weights))
    left, right = ssp_coefficient(one), ssp_coefficient(other)
    assert left is not None
    assert right is not None
    assert left.root.compare(right.root) == 0
    assert len(one.b) == len(other.b)
