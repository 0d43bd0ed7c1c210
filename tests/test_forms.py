"""Conversions between the forms and the reduction, against applying the method to numbers."""

from hypothesis import given
from hypothesis import strategies as st

from rkblocks.exact.field import Field
from rkblocks.forms import Butcher, Method, ShuOsher, canonical_shu_osher, reduce, resolvent, to_butcher

QQ = Field()
entries = st.fractions(min_value=-2, max_value=2, max_denominator=8).map(QQ.rational)


def F(x):  # noqa: N802 -- the right-hand side
    return QQ.rational(3, 2) * x * x - x + QQ.rational(1, 5)


def step_butcher(A, b, x):
    values = []
    for row in A:
        y = x + sum((a * f for a, f in zip(row, values, strict=False)), QQ.zero)
        values.append(F(y))
    return x + sum((w * f for w, f in zip(b, values, strict=True)), QQ.zero)


def step_shu_osher(form, x):
    u = [x]
    for alpha, beta in zip(form.alpha, form.beta, strict=True):
        u.append(sum((a * y + w * F(y) for a, w, y in zip(alpha, beta, u, strict=True)), QQ.zero))
    return u[-1]


@st.composite
def shu_osher(draw):
    m = draw(st.integers(1, 4))
    alpha, beta = [], []
    for i in range(1, m + 1):
        free = [draw(entries) for _ in range(i - 1)]
        alpha.append((QQ.one - sum(free, QQ.zero), *free))
        beta.append(tuple(draw(entries) for _ in range(i)))
    return ShuOsher(tuple(alpha), tuple(beta))


@st.composite
def butcher(draw):
    m = draw(st.integers(1, 4))
    A = tuple(tuple(draw(entries) if j < i else QQ.zero for j in range(m)) for i in range(m))
    return Butcher(A, tuple(draw(entries) for _ in range(m)))


@given(shu_osher(), entries)
def test_both_forms_take_the_same_step(form, x):
    converted = to_butcher(QQ, form)
    assert converted.is_explicit()
    assert step_butcher(converted.A, converted.b, x) == step_shu_osher(form, x)


@given(butcher(), entries)
def test_canonical_form_is_the_same_method_at_every_r(method, r):
    form = canonical_shu_osher(Method(QQ, method.A, method.b), r)
    assert all(sum(row, QQ.zero) == QQ.one for row in form.alpha)
    assert to_butcher(QQ, form) == method


@given(butcher(), entries)
def test_resolvent_solves_its_equations(method, r):
    P, d = resolvent(Method(QQ, method.A, method.b), r)
    K = [*method.A, method.b]
    for i, row in enumerate(K):
        for k in range(i):
            assert P[i][k] + r * sum((row[j] * P[j][k] for j in range(k + 1, i)), QQ.zero) == row[k]
        assert d[i] + r * sum((row[j] * d[j] for j in range(i)), QQ.zero) == QQ.one


@given(butcher(), entries, st.data())
def test_reduction_undoes_a_copied_stage_and_an_unused_one(method, x, data):
    m = len(method.b)
    i = data.draw(st.integers(0, m - 1))
    zero = QQ.zero
    # stage m is a copy of stage i and takes half of its weight; stage m+1 is used by nothing
    rows = [(*row, zero, zero) for row in method.A]
    rows.append((*method.A[i], zero, zero))
    rows.append((*[QQ.one] * (m + 1), zero))
    half = method.b[i] / 2
    b = (*[half if j == i else w for j, w in enumerate(method.b)], method.b[i] - half, zero)
    plain, padded = reduce(Method(QQ, method.A, method.b)), reduce(Method(QQ, tuple(rows), b))
    assert (padded.A, padded.b) == (plain.A, plain.b)
    assert m + 1 not in padded.kept
    assert any(copy == m for copy, _ in padded.equal)
    assert step_butcher(padded.A, padded.b, x) == step_butcher(method.A, method.b, x)


def test_implicit_matrix_is_left_alone():
    A = ((QQ.rational(1, 2),),)
    assert reduce(Method(QQ, A, (QQ.one,))).kept == (0,)
    assert not Butcher(A, (QQ.one,)).is_explicit()
