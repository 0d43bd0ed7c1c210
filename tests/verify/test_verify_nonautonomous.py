"""The order for F(x, t) by trees with leaves of time, against Taylor expansion of a problem with time."""

import json
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rkblocks
from rkblocks import files
from rkblocks.forms import Method
from rkblocks.verify.facts import Facts
from rkblocks.verify.nonautonomous import timed_order
from rkblocks.verify.order import order

N = 6
Series = list[Fraction]
"""Coefficients of h**0, ..., h**N."""


def times(a: Series, b: Series) -> Series:
    result = [Fraction(0)] * (N + 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b[: N + 1 - i]):
            result[i + j] += x * y
    return result


def monomial(powers: tuple[int, ...], values: list[Series]) -> Series:
    result = [Fraction(1)] + [Fraction(0)] * N
    for power, value in zip(powers, values, strict=True):
        for _ in range(power):
            result = times(result, value)
    return result


POWERS = [powers for powers in product(range(4), repeat=3) if sum(powers) <= 4]


def slope(x: Series, y: Series, t: Series) -> tuple[Series, Series]:
    """Two polynomials of degree 4 in x, y and t with coefficients that have nothing to do with each other."""
    found = ([Fraction(0)] * (N + 1), [Fraction(0)] * (N + 1))
    for k, powers in enumerate(POWERS):
        term = monomial(powers, [x, y, t])
        for component, (factor, modulus) in enumerate(((7, 11), (5, 13))):
            coefficient = Fraction((k * k * factor + k + 3) % modulus + 1, k % 4 + 2)
            for i, value in enumerate(term):
                found[component][i] += coefficient * value
    return found


def by_taylor(A: list[list[Fraction]], b: list[Fraction], c: list[Fraction]) -> int:
    """The power of h up to which one step and the solution agree, at most N."""
    h = [Fraction(0), Fraction(1)] + [Fraction(0)] * (N - 1)
    zero = [Fraction(0)] * (N + 1)
    slopes: list[tuple[Series, Series]] = []
    for row, node in zip(A, c, strict=True):
        stage = [list(zero), list(zero)]
        for a, s in zip(row, slopes, strict=False):
            for component in (0, 1):
                stage[component] = [u + a * v for u, v in zip(stage[component], times(h, s[component]), strict=True)]
        slopes.append(slope(stage[0], stage[1], [node * v for v in h]))
    step = [list(zero), list(zero)]
    for weight, s in zip(b, slopes, strict=True):
        for component in (0, 1):
            step[component] = [u + weight * v for u, v in zip(step[component], times(h, s[component]), strict=True)]
    exact = [list(zero), list(zero)]
    for _ in range(N):
        s = slope(exact[0], exact[1], h)
        exact = [[Fraction(0)] + [v / (i + 1) for i, v in enumerate(s[component][:N])] for component in (0, 1)]
    agree = 0
    while agree < N and all(step[k][agree + 1] == exact[k][agree + 1] for k in (0, 1)):
        agree += 1
    return agree


def both(text: str) -> tuple[int, int]:
    """The order for F(x, t) by trees and by Taylor expansion."""
    tableau = files.read_text(text).tableau
    assert tableau is not None
    facts, field = Facts(tableau), tableau.field
    form = facts.form
    A, b, c = [[field.fraction(e) for e in row] for row in form.A], form.b, tableau.abscissae
    found = timed_order(Method(field, form.A, form.b), c, facts.order)
    return found.value, by_taylor(A, [field.fraction(e) for e in b], [field.fraction(e) for e in c])


@pytest.mark.parametrize(
    ("name", "wrong", "value"),
    [("rk4", None, 4), ("rk4", 1, 1), ("rk4", 2, 1), ("rk4", 3, 1), ("rko65", None, 5), ("bs3", 2, 1), ("heun3", 1, 2)],
)
def test_methods_with_and_without_a_wrong_c(name: str, wrong: int | None, value: int) -> None:
    t = rkblocks.load(name)
    c = list(t.c)
    if wrong is not None:
        c[wrong] += 1
    changed = rkblocks.tableau(name=name, A=t.A, b=t.b, c=c)
    assert both(changed.to_json()) == (value, value)
    report = rkblocks.check(changed)
    assert report.ok
    assert (report.nonautonomous is None) == (c == [sum(row) for row in t.A])
    if report.nonautonomous is not None:
        assert report.nonautonomous.value == value
        assert (report.nonautonomous.witness is None) == (report.order is not None and report.order.value == value)


fractions = st.builds(Fraction, st.integers(-4, 4), st.just(2))


@settings(max_examples=60)
@given(st.data())
def test_any_c_for_methods_of_order_two_and_three(data: st.DataObject) -> None:
    """Kutta's third-order family, and c drawn freely, or so that b.c = 1/2 and b.c**2 = 1/3 hold by chance or not."""
    u, v = Fraction(1, 2), Fraction(1)
    A = [[], [u], [-1, 2]]
    b = [Fraction(1, 6), Fraction(2, 3), Fraction(1, 6)]
    c = data.draw(st.lists(fractions, min_size=3, max_size=3))
    if data.draw(st.booleans()):  # the first condition of time holds
        c[2] = (Fraction(1, 2) - b[0] * c[0] - b[1] * c[1]) / b[2]
    assert v == 1
    text = json.dumps(
        {"name": "x", "A": [[str(e) for e in r] for r in A], "b": list(map(str, b)), "c": list(map(str, c))}
    )
    trees, taylor = both(text)
    assert trees == taylor


def test_the_row_sums_themselves_have_the_order_of_the_method() -> None:
    for name in ("dopri5", "ssprk104", "cooperverner8"):
        t = rkblocks.load(name)
        form, plain = t.butcher_form, order(Method(t.field, t.butcher_form.A, t.butcher_form.b))
        found = timed_order(Method(t.field, form.A, form.b), t.row_sums, plain)
        assert (found.value, found.exact, found.witness) == (plain.value, plain.value, None)


def test_a_family_holds_identically_or_not_at_all() -> None:
    text = """{"name": "x", "parameters": {"w": {"domain": ["1/2", "1"], "init": "3/4"}}, "A": [[], ["w"]],
        "b": ["1 - 1/(2*w)", "1/(2*w)"], "c": ["0", "w**2"]}"""
    tableau = files.read_text(text).tableau
    assert tableau is not None
    found = rkblocks.check(tableau).nonautonomous
    assert found is not None
    assert (found.value, found.witness.tree, found.witness.left) == (1, "[t]", "w/2")


def test_within_the_tolerance() -> None:
    t = rkblocks.tableau(A=[[], ["0.5"]], b=[0, 1], c=[0.01, 0.5 + 1e-12], tolerance="1e-11")
    found = rkblocks.check(t).nonautonomous
    assert found is not None
    assert (found.value, found.verdict, found.exact) == (2, "tolerance", 1)


def test_a_c_that_only_the_embedded_method_uses_changes_no_order() -> None:
    table = {"A": [[], ["1/2"], ["0", "1/2"], ["0", "0", "1"], ["1/6", "1/3", "1/3", "1/6"]]}
    table |= {"b": ["1/6", "1/3", "1/3", "1/6", "0"], "b_hat": ["1/6", "1/3", "1/3", "0", "1/6"]}
    for wrong, value in ((4, 4), (3, 1)):
        c = ["0", "1/2", "1/2", "1", "1"]
        c[wrong] = "9/10"
        found = rkblocks.check(rkblocks.tableau(name="x", **table, c=c)).nonautonomous
        assert found is not None
        assert found.value == value
        assert (found.witness is None) == (value == 4)
