"""Stability polynomials and what follows from them, against published values and direct evaluation."""

from fractions import Fraction

import pytest
import verify_methods as known

from rkblocks.forms import Method
from rkblocks.verify import check
from rkblocks.verify.stability import (
    imaginary_interval,
    linear_order,
    linear_threshold,
    real_interval,
    stability_polynomial,
)


def psi_of(method: known.Method) -> list[Fraction]:
    return [method[0].fraction(c) for c in stability_polynomial(Method(*method))]


def test_rk4_is_the_taylor_polynomial() -> None:
    assert psi_of(known.RK4) == [1, 1, Fraction(1, 2), Fraction(1, 6), Fraction(1, 24)]
    assert linear_order(known.RK4[0], stability_polynomial(Method(*known.RK4))) == 4


@pytest.mark.parametrize(
    ("method", "real", "imaginary"),
    [
        (known.EULER, 2, 0),
        (known.SSP2, 2, 0),
        (known.SSP3, 2.5127453266183286, 3**0.5),
        (known.RK4, 2.785293563405282, 8**0.5),
    ],
)
def test_published_intervals(method: known.Method, real: float, imaginary: float) -> None:
    psi = stability_polynomial(Method(*method))
    x, y = real_interval(method[0], psi), imaginary_interval(method[0], psi)
    assert x is not None
    assert y is not None
    assert (x.to_float(), y.to_float()) == pytest.approx((real, imaginary), abs=1e-14)


@pytest.mark.parametrize("method", [known.SSPRK43, known.ssprk104(), known.DOPRI5])
def test_the_real_interval_ends_where_the_modulus_exceeds_one(method: known.Method) -> None:
    psi = psi_of(method)
    x = real_interval(method[0], stability_polynomial(Method(*method)))
    assert x is not None

    def modulus(at: Fraction) -> Fraction:
        return abs(sum(c * (-at) ** k for k, c in enumerate(psi)))

    tight = x.refine(60)
    assert all(modulus(tight.low * Fraction(k, 50)) <= 1 for k in range(51))
    assert modulus(tight.high + Fraction(1, 10**6)) > 1


def test_what_holds_within_the_tolerance_of_a_table_of_decimals_counts_as_exact_beside_its_digits() -> None:
    """SSPRK(5,3): the digits put |psi(iy)| above 1 by 1e-16 near 0, so that theirs is no interval at all."""
    found = check("ssprk53").stability
    assert found is not None
    assert (found["linear_order"], found["linear_order_exact"]) == (3, 0)
    assert found["imaginary"]["float"] == 0
    y = found["meant"]["imaginary"]["float"]
    psi = [1.0, 1.0, 1 / 2, 1 / 6, *(float(Fraction(c)) for c in found["polynomial"][4:])]

    def modulus(at: float) -> float:
        return abs(sum(c * (1j * at) ** k for k, c in enumerate(psi)))

    assert all(modulus(y * k / 200) < 1 + 1e-13 for k in range(201))
    assert modulus(y * 1.0001) > 1
    assert found["meant"]["real"]["float"] == pytest.approx(found["real"]["float"], rel=1e-9)


def test_an_exact_table_has_one_polynomial() -> None:
    found = check("rk4").stability
    assert found is not None
    assert "meant" not in found
    field, psi = known.RK4[0], stability_polynomial(Method(*known.RK4))
    assert linear_order(field, psi, Fraction(1, 10**6)) == 4
    assert linear_order(field, psi, Fraction(1, 5)) == 2, "of what is smaller than the tolerance nothing is said"


def test_a_tangency_does_not_end_the_interval() -> None:
    """psi = T_2(1 + z/4) touches -1 at z = -4 and goes on to z = -8 (first-order Chebyshev, two stages)."""
    field, A, b = known.rational("1/8", "0 1")
    x = real_interval(field, stability_polynomial(Method(field, A, b)))
    assert x is not None
    assert x.fraction == 8


@pytest.mark.parametrize(
    ("method", "threshold"), [(known.RK4, 1), (known.SSPRK43, 2), (known.MIDPOINT, 1), (known.ssprk104(), 6)]
)
def test_linear_thresholds(method: known.Method, threshold: int) -> None:
    """For order p = m it is 1 (Kraaijevanger 1986), though the nonlinear coefficient of RK4 and of midpoint is 0."""
    found = linear_threshold(method[0], stability_polynomial(Method(*method)))
    assert found is not None
    assert found.root.fraction == threshold


def test_an_irrational_threshold() -> None:
    """psi = 1 + z + z^2/2 + z^3/20: psi'(-r) = 1 - r + 3 r^2/20 is the first to fail."""
    field = known.EULER[0]
    found = linear_threshold(field, (field.one, field.one, field.rational(1, 2), field.rational(1, 20)))
    assert found is not None
    assert (found.root.polynomial, found.entry) == ((20, -20, 3), "psi^(1)")
    assert found.root.to_float() == pytest.approx((20 - 160**0.5) / 6, rel=1e-15)


def test_a_missing_power_leaves_no_threshold() -> None:
    field = known.EULER[0]
    found = linear_threshold(field, (field.one, field.one, field.zero, field.rational(1, 6)))
    assert found is not None
    assert (found.root.fraction, found.entry) == (0, "psi^(2)")
