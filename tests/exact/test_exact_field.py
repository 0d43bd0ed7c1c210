"""The field against an independent route: floating point with many digits (mpmath) and sympy's own expressions."""

from fractions import Fraction

import mpmath
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from rkblocks.exact.field import Field, independent_roots, squarefree_part

fractions = st.fractions(min_value=-50, max_value=50, max_denominator=60)
radicands = st.sampled_from([2, 3, 5, 6, 10, 15, 21, 30])


@given(st.integers(1, 10**12))
def test_squarefree_part(n):
    s, d = squarefree_part(n)
    assert s * s * d == n
    assert all(d % (p * p) for p in sympy.primefactors(d))


def test_sqrt_of_a_large_number_is_refused():
    with pytest.raises(ValueError, match="0 < p"):
        squarefree_part(10**18 + 1)


def test_independent_roots_drop_products():
    assert independent_roots([6, 3, 2]) == (2, 3)
    assert independent_roots([21, 21]) == (21,)


@given(st.lists(st.tuples(fractions, radicands), min_size=1, max_size=3))
def test_sign_and_float_of_sums_of_square_roots(terms):
    field = Field.spanning(Fraction(r) for _, r in terms[:2])
    inside = [(q, r) for q, r in terms if r in (1, *field.roots)]
    a = sum((field.rational(q) * field.sqrt(Fraction(r)) for q, r in inside), field.zero)
    with mpmath.workdps(60):
        value = sum((mpmath.mpf(q.numerator) / q.denominator * mpmath.sqrt(r) for q, r in inside), mpmath.mpf(0))
        expected = 0 if abs(value) < mpmath.mpf(10) ** -40 else int(mpmath.sign(value))
    assert field.sign(a) == expected
    assert field.to_float(a) == pytest.approx(float(value), rel=1e-15, abs=1e-30)
    low, high = field.enclose(a, 80)
    assert low <= high
    assert high - low <= Fraction(1, 2**80)
    assert sympy.simplify(sympy.sympify(field.text(a)) - field.sympy(a)) == 0


def test_sign_of_a_tiny_difference():
    field = Field((2, 3))
    close = Fraction(31462643699419723423, 10**19)  # sqrt(2) + sqrt(3) to 19 digits
    a = field.sqrt(Fraction(2)) + field.sqrt(Fraction(3)) - field.rational(close)
    assert field.sign(a) == 1
    assert field.sign(-a) == -1


def test_within_a_tolerance_is_exact_and_never_of_a_parameter():
    field, tolerance = Field((2,), ("a",)), Fraction(1, 10)
    edge, root = field.rational(1, 10), field.sqrt(Fraction(2)) - field.rational(Fraction(7, 5))  # 0.0142...
    assert all(field.within(x, tolerance) for x in (field.zero, edge, -edge, root, -root))
    assert not any(field.within(x, tolerance) for x in (edge + field.rational(1, 10**30), field.one, -field.one))
    assert not field.within(root, Fraction(14, 1000))
    assert not field.within(field.parameter("a") - field.parameter("a") * 2, Fraction(10**9))
    assert field.within(field.parameter("a") - field.parameter("a"), Fraction(0))
    assert not field.within(field.rational(1, 10**30), Fraction(0))


def test_products_of_roots_are_the_root_of_the_product():
    field = Field.spanning([Fraction(2), Fraction(3)])
    assert field.sqrt(Fraction(2)) * field.sqrt(Fraction(3)) == field.sqrt(Fraction(6))
    assert not field.sqrt(Fraction(2, 3)) - field.sqrt(Fraction(6)) / field.rational(3)
    with pytest.raises(ValueError, match="does not lie"):
        field.sqrt(Fraction(5))


def test_float_is_rounded_once():
    field = Field()
    for q in (Fraction(1, 3), Fraction(2, 3), Fraction(1, 10), Fraction(2**53 + 1)):
        assert field.to_float(field.rational(q)) == q.numerator / q.denominator


def test_zero_is_decided_exactly_in_the_parameters():
    field = Field((2,), ("a", "b"))
    a, b = field.parameter("a"), field.parameter("b")
    root = field.sqrt(Fraction(2))
    assert not (a + root * b) * (a - root * b) - (a**2 - 2 * b**2)
    assert field.free_parameters(a * b / b) == ("a",)
    with pytest.raises(ValueError, match="depends on a"):
        field.number(a)
    assert field.sign(a / a) == 1


@given(fractions, fractions.filter(bool))
def test_substitution_is_evaluation(p, q):
    field = Field((), ("a", "b"))
    a, b = field.parameter("a"), field.parameter("b")
    e = (a**2 - 3) / (2 * b) + a * b
    assert field.substitute(e, {"a": p, "b": q}) == field.constants.rational((p**2 - 3) / (2 * q) + p * q)
    half = field.substitute(e, {"b": q})
    assert field.without(["b"]).substitute(half, {"a": p}) == field.substitute(e, {"a": p, "b": q})


def test_substitution_at_a_pole():
    field = Field((), ("b",))
    with pytest.raises(ZeroDivisionError):
        field.substitute(1 / field.parameter("b"), {"b": 0})


def test_growth_of_ark_is_printed_in_partial_fractions():
    field = Field((), ("beta10",))
    b = field.parameter("beta10")
    assert field.text(field.rational(9, 4) - 1 / b + 1 / (2 * b**2)) == "9/4 - 1/beta10 + 1/(2*beta10**2)"


def test_roots_of_large_square_free_numbers_are_multiplied_without_factoring():
    p, q = 999999937, 999999929  # primes, so that the product of the roots' radicands exceeds what is factored
    field = Field.spanning([Fraction(2 * p), Fraction(2 * q)])
    product = field.sqrt(Fraction(2 * p)) * field.sqrt(Fraction(2 * q))
    assert not product**2 - field.rational(4 * p * q)
    assert field.sign(product) == 1
