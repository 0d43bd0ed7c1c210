"""Least odd roots: polynomials built from known roots, and sympy's own root isolation, give the expected answer."""

from fractions import Fraction
from functools import reduce

import pytest
import sympy
from hypothesis import example, given
from hypothesis import strategies as st

from rkblocks.exact.field import Field
from rkblocks.exact.roots import Root, evaluate, least_odd_root
from rkblocks.exact.work import TooLarge, budget

QQ = Field()
X = sympy.Symbol("x")


def rational(*coefficients):
    return [QQ.rational(Fraction(c)) for c in coefficients]


def product(roots):
    """Coefficients, constant first, of the product of (x - root)."""

    def times(p, root):
        return [a - root * b for a, b in zip([Fraction(0), *p], [*p, Fraction(0)], strict=True)]

    return reduce(times, roots, [Fraction(1)])


@given(st.lists(st.fractions(min_value=-3, max_value=3, max_denominator=6), min_size=1, max_size=7))
def test_known_rational_roots(roots):
    odd = [r for r in set(roots) if r > 0 and roots.count(r) % 2]
    found = least_odd_root(rational(*product(roots)), QQ)
    if not odd:
        assert found is None
    else:
        assert found is not None
        assert found.fraction == min(odd)


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=7), st.integers(1, 3))
def test_against_sympy_real_roots(coefficients, power):
    polynomial = sympy.Poly(coefficients, X)
    if polynomial.is_zero:
        return
    polynomial = polynomial**power
    found = least_odd_root(rational(*[int(c) for c in reversed(polynomial.all_coeffs())]), QQ)
    roots = polynomial.real_roots() if polynomial.degree() > 0 else []
    odd = sorted({r for r in roots if r.is_positive and roots.count(r) % 2}, key=lambda r: r.evalf(30))
    assert (found is None) == (not odd)
    if found is not None:
        assert abs(found.to_float() - float(odd[0])) < 1e-12
        assert sympy.Poly(list(reversed(found.polynomial)), X).is_irreducible


def test_a_double_root_is_only_touched():
    assert least_odd_root(rational(4, -4, 1), QQ) is None


def test_adjacent_isolating_intervals_that_share_an_end_point():
    for roots in ([1, 2, 3], [Fraction(1, 2), 1, Fraction(3, 2)], [1, 1, 2], [2, 2, 1, 1, 3]):
        found = least_odd_root(rational(*product([Fraction(r) for r in roots])), QQ)
        odd = [r for r in roots if list(roots).count(r) % 2]
        assert (found and found.fraction) == min(odd)


@given(st.fractions(Fraction(1, 4), 9, max_denominator=64), st.integers(3, 500), st.sampled_from([1, 2, 3]))
@example(Fraction(3), 400, 2)
def test_a_root_beside_a_simple_one_is_not_taken_for_it(simple, bits, square):
    """The rational root lies between two others, and may be an end of the interval in which the lower one is isolated
    (three halvings away, or two hundred): so it was for rho of SSPRK(4,2) with one entry off by 7**-400."""
    distance = Fraction(square, 4**bits)  # squared
    p = product([simple] * 2)
    p[0] -= distance
    cubic = [a - simple * b for a, b in zip([Fraction(0), *p], [*p, Fraction(0)], strict=True)]
    found = least_odd_root(rational(*cubic), QQ)
    assert found is not None
    assert found.compare(simple) < 0
    assert found.compare(simple - Fraction(2, 2**bits)) > 0
    assert (found.fraction is not None) == (square == 1)


def test_algebraic_coefficients():
    field = Field((2,))
    root2, one = field.sqrt(Fraction(2)), field.one
    assert least_odd_root([-root2, one], field).text == "sqrt(2)"
    quartic = least_odd_root([-root2, field.zero, one], field)
    assert quartic.polynomial == (-2, 0, 0, 0, 1)
    assert quartic.text is None
    tangent = [root2 * root2, -2 * root2, one]  # (x - sqrt 2)^2, although its norm has odd factors elsewhere
    assert least_odd_root(tangent, field) is None
    conjugate = [root2, one]  # its norm vanishes at sqrt 2, the polynomial does not
    assert least_odd_root(conjugate, field) is None


def test_quadratic_roots_are_written_in_the_grammar():
    assert least_odd_root(rational(1, -3, 1), QQ).text == "3/2 - sqrt(5)/2"
    assert least_odd_root(rational(-1, 1, 1), QQ).text == "-1/2 + sqrt(5)/2"
    assert least_odd_root(rational(-1, -1, 1), QQ).text == "1/2 + sqrt(5)/2"


def test_below_only_prunes():
    p = rational(-2, 0, 1)
    assert least_odd_root(p, QQ, below=Fraction(1)) is None
    assert least_odd_root(p, QQ, below=Fraction(2)) == least_odd_root(p, QQ)


def test_comparison_is_exact():
    root2 = least_odd_root(rational(-2, 0, 1), QQ)
    close = Fraction(14142135623730950488, 10**19)
    assert root2.compare(close) == 1
    assert root2.compare(close + Fraction(1, 10**19)) == -1
    assert root2.compare(root2.refine(200)) == 0
    assert Root.rational(2).compare(2) == 0
    larger = least_odd_root(rational(1, -3, 1), QQ)
    other = Root(larger.polynomial, Fraction(2), Fraction(3))
    assert larger.compare(other) == -1


def test_refined_interval_contains_a_sign_change():
    root = least_odd_root(rational(-2, 0, 0, 1), QQ).refine(100)
    assert root.high - root.low <= Fraction(1, 2**100)
    assert evaluate(root.polynomial, root.low) * evaluate(root.polynomial, root.high) < 0


def test_a_root_costs_the_same_steps_whatever_was_asked_before():
    """Intervals are kept; a verdict that depends on the budget must not depend on that."""
    found, spent = [], []
    for orders in ((300,), (64, 300), (300, 64, 300)):
        root = Root((-2, 0, 0, 1), Fraction(1), Fraction(2))
        for bits in orders:
            with budget(10**9) as work:
                last = root.refine(bits)
        found.append((last.low, last.high))
        spent.append(work.spent)
    assert len(set(found)) == len(set(spent)) == 1
    assert spent[0] > 0
    assert found[0][0] ** 3 < 2 < found[0][1] ** 3
    for limit in (spent[0] - 1, spent[0]):
        with budget(limit):
            if limit < spent[0]:
                with pytest.raises(TooLarge):
                    root.refine(300)
            else:
                root.refine(300)
