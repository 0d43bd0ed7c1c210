"""Exact values: text where the grammar has room, a double, and digits to show for every number there is."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkblocks.exact.field import Field
from rkblocks.exact.roots import Root
from rkblocks.exact.value import Exact

HUGE = Fraction(10**1200 + 1, 3)
SURD = Field((2, 3))
CUBE_ROOT = Root((-2, 0, 0, 1), Fraction(1), Fraction(2))


@given(st.fractions(), st.integers(-400, 400), st.integers(1, 20))
def test_digits_are_the_leading_ones(value: Fraction, power: int, count: int) -> None:
    value *= Fraction(10) ** power
    shown = Exact.rational(value).digits(count)
    cut_off = Fraction(Decimal(shown.replace("…", "")))
    assert (cut_off == value) == ("…" not in shown)
    assert abs(cut_off) <= abs(value)
    assert abs(value - cut_off) < abs(value) / Fraction(10) ** (count - 1) if value else not cut_off


@given(st.fractions(max_denominator=50), st.fractions(max_denominator=50))
def test_a_root_and_an_element_show_the_same(a: Fraction, b: Fraction) -> None:
    """The same number by two routes: as an element of a field, and as a root of its minimal polynomial."""
    element = Exact(Field((2,)), Field((2,)).rational(a) + Field((2,)).sqrt(Fraction(2)) * Field((2,)).rational(b))
    if b:
        p, q, r = a * a - 2 * b * b, -2 * a, Fraction(1)
        scale = p.denominator * q.denominator
        integers = [int(c * scale) for c in (p, q, r)]
        low, high = sorted((a, a + 2 * b))
        found = Exact.root(Root(tuple(integers), low, high))
    else:
        found = Exact.rational(a)
    assert (found.digits(), found.nearest) == (element.digits(), element.nearest)


@pytest.mark.parametrize(
    ("value", "text", "shown", "brief"),
    [
        (Exact.rational(Fraction(1, 3)), "1/3", "1/3", "1/3"),
        (Exact.rational(HUGE), None, "3.33333333333…e1199", "3.33333333333…e1199"),
        (Exact.rational(1 / HUGE), None, "2.99999999999…e-1200", "2.99999999999…e-1200"),
        (Exact.root(CUBE_ROOT), None, "1.25992104989…", "1.25992104989"),
        (Exact(SURD, SURD.sqrt(Fraction(2)) * HUGE.numerator), None, "1.41421356237…e1200", "1.41421356237…e1200"),
        (Exact(SURD, SURD.sqrt(Fraction(6))), "sqrt(6)", "sqrt(6)", "sqrt(6)"),
        (Exact.rational(Fraction(10**40, 3)), "1" + "0" * 40 + "/3", "1" + "0" * 40 + "/3", "3.33333333333e+39"),
    ],
)
def test_there_is_always_something_to_show(value: Exact, text: str | None, shown: str, brief: str) -> None:
    assert (value.text, str(value), value.brief(24)) == (text, shown, brief)


def test_expressions() -> None:
    field = Field((), ("a", "b"))
    a, b = map(field.parameter, field.parameters)
    value = Exact(field, a / b)
    assert (value.text, value.nearest, value.parameters, value.fraction) == ("a/b", None, ("a", "b"), None)
    long = Exact(field, a * HUGE.numerator + b)
    assert (long.text, str(long), long.brief(8)) == (None, "an expression in a, b", "an expression in a, b")
    assert Exact(field, sum((a**k for k in range(40)), field.zero)).brief(24).count("…") == 1


def test_all_digits_where_they_are_asked_for() -> None:
    assert Exact.rational(HUGE).whole == f"{HUGE.numerator}/3"
    assert Exact.rational(Fraction(10**6000)).whole == "1" + "0" * 6000


@given(st.fractions(min_value=0))
def test_above_is_no_less(value: Fraction) -> None:
    assert Fraction(Decimal(Exact.rational(value).above())) >= value
