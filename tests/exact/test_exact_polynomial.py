"""A proof of irreducibility is never wrong: sympy's factorisation agrees, and products are never proved irreducible."""

from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from rkblocks.exact.field import Field
from rkblocks.exact.polynomial import Polynomial, degrees_modulo
from rkblocks.exact.roots import least_odd_root

X = sympy.Symbol("x")


def is_provably_irreducible(integers):
    return Polynomial(Field(), (tuple(integers),)).is_provably_irreducible()


polynomials = st.lists(st.integers(-30, 30), min_size=2, max_size=6).filter(lambda c: c[-1])


def coefficients(polynomial):
    return [int(c) for c in reversed(polynomial.primitive()[1].all_coeffs())]


@given(polynomials)
def test_what_is_proved_holds(integers):
    polynomial = sympy.Poly(list(reversed(integers)), X)
    if is_provably_irreducible(coefficients(polynomial)):
        assert polynomial.primitive()[1].is_irreducible


@given(polynomials, polynomials)
def test_a_product_is_never_proved(left, right):
    product = sympy.Poly(list(reversed(left)), X) * sympy.Poly(list(reversed(right)), X)
    assert not is_provably_irreducible(coefficients(product))


@given(
    st.lists(st.integers(0, 10**4), min_size=2, max_size=9).filter(lambda c: c[0] % 10007),
    st.sampled_from([3, 5, 7, 10007]),
)
def test_degrees_modulo_a_prime_are_the_same_with_flint_and_without(dense, p):
    pytest.importorskip("flint", reason="python-flint is not installed")
    dense = [c % p for c in dense]
    dense[0] = dense[0] or 1
    found = []
    for ground in ("flint", "python"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("rkblocks.exact.polynomial.GROUND_TYPES", ground)
            found.append(degrees_modulo(dense, p))
    assert (found[0] and sorted(found[0])) == (found[1] and sorted(found[1]))


def test_it_proves_what_decimals_give():
    assert is_provably_irreducible([-2, 0, 0, 1])
    assert is_provably_irreducible([123456789, -987654321, 5, 77777, 10**12 + 39])


def test_it_gives_up_on_a_polynomial_that_splits_modulo_every_prime():
    assert not is_provably_irreducible([1, 0, -10, 0, 1])  # of sqrt(2) + sqrt(3): irreducible all the same


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=2, max_size=4))
def test_what_is_proved_over_a_field_of_square_roots_holds(pairs):
    field = Field((5,))
    elements = [field.rational(a) + field.rational(b) * field.sqrt(Fraction(5)) for a, b in pairs]
    if elements[-1] and Polynomial.of(elements, field).is_provably_irreducible():
        assert sympy.Poly.from_list(elements[::-1], X, domain=field.ground).is_irreducible


def test_one_proof_over_the_field_serves_a_norm_that_splits_modulo_every_prime():
    field = Field((2, 3, 5))
    roots = [field.sqrt(Fraction(d)) for d in (2, 3, 5, 6)]
    polynomial = Polynomial.of([*roots, field.one], field)
    assert polynomial.is_provably_irreducible()
    assert len(least_odd_root([-roots[0] - roots[1], *roots], field).polynomial) == 1 + 8 * 4
