"""A proof of irreducibility is never wrong: sympy's factorisation agrees, and products are never proved irreducible."""

import sympy
from hypothesis import given
from hypothesis import strategies as st

from rkblocks.exact.irreducible import is_provably_irreducible

X = sympy.Symbol("x")
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


def test_it_proves_what_decimals_give():
    assert is_provably_irreducible([-2, 0, 0, 1])
    assert is_provably_irreducible([123456789, -987654321, 5, 77777, 10**12 + 39])


def test_it_gives_up_on_a_polynomial_that_splits_modulo_every_prime():
    assert not is_provably_irreducible([1, 0, -10, 0, 1])  # of sqrt(2) + sqrt(3): irreducible all the same
