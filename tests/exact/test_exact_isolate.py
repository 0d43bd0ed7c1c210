"""Isolated roots: sympy's and mpmath's are the same, near-equal ones are told apart, and the steps are counted."""

import os
import subprocess
import sys
from fractions import Fraction

import mpmath
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rkblocks.exact import Field, integers
from rkblocks.exact.isolate import positive_roots
from rkblocks.exact.polynomial import Polynomial
from rkblocks.exact.roots import all_roots, isolated_odd_root, least_odd_root
from rkblocks.exact.work import TooLarge, budget, spend, within

QQ = Field()
X = sympy.Symbol("x")
coefficients = st.lists(st.integers(-99, 99), min_size=2, max_size=9).filter(lambda c: c[0] and c[-1])


@given(coefficients)
def test_the_positive_roots_are_those_of_sympy(listed):
    polynomial = sympy.Poly(listed[::-1], X)
    assume(polynomial.is_sqf)
    found = [r.refine(80) for r in positive_roots(Polynomial(QQ, (tuple(listed),)))]
    expected = [r for r in polynomial.real_roots() if r.is_positive]
    assert len(found) == len(expected)
    for isolated, root in zip(found, expected, strict=True):
        assert isolated.low <= Fraction(str(root.evalf(40))) + Fraction(1, 10**30)
        assert Fraction(str(root.evalf(40))) - Fraction(1, 10**30) <= isolated.high


@settings(max_examples=30)
@given(st.lists(st.tuples(*[st.integers(-9, 9)] * 4), min_size=2, max_size=6))
def test_roots_over_a_field_of_square_roots_are_those_of_mpmath(rows):
    field = Field((2, 3))
    units = [field.one, field.sqrt(Fraction(2)), field.sqrt(Fraction(3)), field.sqrt(Fraction(6))]
    elements = [sum((u * field.rational(c) for u, c in zip(units, row, strict=True)), field.zero) for row in rows]
    assume(elements[0] and elements[-1])
    polynomial = Polynomial.of(elements, field)
    assume(polynomial.is_provably_squarefree())
    with mpmath.workdps(60):
        values = [mpmath.mpf(1), mpmath.sqrt(2), mpmath.sqrt(3), mpmath.sqrt(6)]
        numbers = [sum(v * c for v, c in zip(values, row, strict=True)) for row in rows]
        roots = mpmath.polyroots(numbers[::-1], maxsteps=500, extraprec=400)
        expected = sorted(z.real for z in roots if abs(z.imag) < mpmath.mpf(10) ** -25 and z.real > 0)
        found = [r.refine(90).low for r in positive_roots(polynomial)]
        assert len(found) == len(expected)
        for low, root in zip(found, expected, strict=True):
            assert abs(mpmath.mpf(low.numerator) / low.denominator - root) < mpmath.mpf(10) ** -20


@given(coefficients, coefficients)
def test_roots_of_even_multiplicity_are_left_out(once, twice):
    product = integers.product(once, integers.product(twice, twice))
    odd = Polynomial(QQ, (product,)).odd_part()
    expected = [f for f, n in sympy.Poly(product[::-1], X).factor_list()[1] if n % 2]
    assert odd.degree == sum(f.degree() for f in expected)


@given(coefficients)
def test_all_roots_of_every_irreducible_factor(listed):
    found = [r for f in integers.factors(integers.primitive(listed)) for r in all_roots(f)]
    expected = set(sympy.Poly(listed[::-1], X).real_roots())
    assert sorted(r.to_float() for r in found) == pytest.approx(sorted(float(r) for r in expected), abs=1e-9)


def test_the_norm_is_that_of_sympy():
    field = Field((2, 3, 5))
    elements = [field.sqrt(Fraction(2)) - 6, field.sqrt(Fraction(3)) - 9, field.sqrt(Fraction(30)) * 7, field.one]
    norm = sympy.Poly.from_list(elements[::-1], X, domain=field.ground).norm()
    expected = norm.clear_denoms(convert=True)[1].primitive()[1].all_coeffs()[::-1]
    assert Polynomial.of(elements, field).norm() == tuple(map(int, expected))


def test_two_roots_as_close_as_mignotte_allows_take_a_counted_number_of_steps():
    """(3 x - 5)**2 = x**12 / 10**200: two roots 1e-97 apart; sympy's continued fractions take minutes."""
    listed = [Fraction(25), Fraction(-30), Fraction(9), *[Fraction(0)] * 9, Fraction(-1, 10**200)]
    elements = [QQ.rational(c) for c in listed]
    with budget(10**7) as work:
        found = isolated_odd_root(elements, QQ)
        first, second, *_ = positive_roots(Polynomial.of(elements, QQ))
    assert found == first
    assert first.high <= second.low
    assert first.high.denominator.bit_length() > 300
    assert second.refine(400).high - first.refine(400).low < Fraction(1, 10**95)
    assert work.spent < 3_000_000


def test_beyond_the_budget_the_bounds_are_proved():
    elements = [QQ.rational(c) for c in integers.product([-2, 0, 1], [-10, 7, 0, 0, 3])]
    least = least_odd_root(elements, QQ)
    for limit in range(0, 50_000, 100):
        found = within(lambda: least_odd_root(elements, QQ), limit)
        if not isinstance(found, TooLarge):
            break
        assert least.compare(found.low) >= 0
        assert found.high is None or least.compare(found.high) <= 0
    assert found == least


def test_a_budget_inside_another_is_its_own_and_adds_to_the_total_only():
    with budget(10) as outer:
        spend(4)
        with budget(100) as inner:
            spend(50)
        spend(4)
        assert (inner.total, outer.spent, outer.total) == (50, 8, 50)
        with pytest.raises(TooLarge):
            spend(3)
    assert outer.total == 61
    spend(10**30)  # no budget is in force


REPORTS = """
import json, sys
from rkblocks import check
print(json.dumps([check(name).to_dict() for name in sys.argv[1:]]))
"""


def test_reports_are_the_same_with_flint_and_without():
    """Sympy takes flint's integers and polynomials where python-flint is installed (`pip install rkblocks[exact]`)."""
    pytest.importorskip("flint", reason="python-flint is not installed: reports are compared with nothing")
    names = ["rk33_ssp", "curtis8", "ssprk54", "tsit5"]
    found = []
    for ground in ("flint", "python"):
        command = [sys.executable, "-c", REPORTS, *names]
        done = subprocess.run(
            command, env={**os.environ, "SYMPY_GROUND_TYPES": ground}, capture_output=True, check=True
        )
        found.append(done.stdout)
    assert found[0] == found[1]


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=5).filter(lambda c: c[0] and c[-1]), st.booleans())
def test_polynomials_in_squares(listed, squares):
    """Their minimal polynomial is found by way of half the degree, also where the square is one in its own field."""
    half = integers.product(listed, [-c if k % 2 else c for k, c in enumerate(listed)]) if squares else tuple(listed)
    whole = half if squares else tuple(c for k in half for c in (k, 0))[:-1]
    polynomial = sympy.Poly(whole[::-1], X)
    found = least_odd_root([QQ.rational(c) for c in whole], QQ)
    odd = [f for f, n in polynomial.factor_list()[1] if n % 2]
    expected = sorted((r, f) for f in odd for r in map(float, f.real_roots()) if r > 0)
    assert (found is None) == (not expected)
    if found is not None:
        assert found.to_float() == pytest.approx(expected[0][0])
        assert found.polynomial == integers.primitive([int(c) for c in reversed(expected[0][1].all_coeffs())])
