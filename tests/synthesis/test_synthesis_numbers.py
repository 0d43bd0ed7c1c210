"""The numerical parts: derivatives against differences, values against exact facts, recognised numbers."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rkblocks
from rkblocks.synthesis import measures
from rkblocks.synthesis.conditions import OrderConditions, PrincipalError, StabilityCoefficients
from rkblocks.synthesis.polish import PRECISION, recognised
from rkblocks.synthesis.unknowns import CanonicalForm, Entries, TwoRegisters

STEP = 1e-6
MEASURES = {
    "order": OrderConditions(4),
    "error": PrincipalError(3),
    "stability": StabilityCoefficients(range(2, 5)),
    "growth": measures.growth,
}
POINTS = np.linspace(0.1, 1, 7)
LEVELLED = {
    "monotone": measures.monotone,
    "contractive": measures.contractive,
    "threshold": measures.threshold,
    "real": measures.Real(POINTS),
    "imaginary": measures.Imaginary(POINTS, 2),
}


def method(seed: int, m: int = 4) -> np.ndarray:
    return np.tril(np.random.default_rng(seed).random((m + 1, m + 1)), -1)


def by_differences(function, K):
    for i, j in zip(*np.tril_indices(len(K), -1), strict=True):
        move = np.zeros_like(K)
        move[i, j] = STEP
        yield (i, j), (function(K + move)[0] - function(K - move)[0]) / (2 * STEP)


@pytest.mark.parametrize("name", MEASURES)
def test_derivatives_of_measures(name):
    K = method(0)
    _, slopes = MEASURES[name](K)
    for (i, j), expected in by_differences(MEASURES[name], K):
        np.testing.assert_allclose(slopes[:, i, j], expected, atol=1e-6)


@pytest.mark.parametrize("name", LEVELLED)
def test_derivatives_of_levelled_measures(name):
    K, r = method(1), 0.7
    measure = LEVELLED[name]
    _, slopes, by_r = measure(K, r)
    for (i, j), expected in by_differences(lambda K: measure(K, r)[:2], K):
        np.testing.assert_allclose(slopes[:, i, j], expected, atol=1e-5)
    np.testing.assert_allclose(by_r, (measure(K, r + STEP)[0] - measure(K, r - STEP)[0]) / (2 * STEP), atol=1e-5)


@pytest.mark.parametrize(
    "form",
    [Entries(4), CanonicalForm(4), CanonicalForm(4, 1.5), TwoRegisters(4)],
    ids=lambda f: type(f).__name__,
)
def test_derivatives_of_forms(form):
    x = form.start(np.random.default_rng(2))
    assert x.shape == (form.size,) == form.lower.shape == form.upper.shape
    conditions = OrderConditions(3)
    slopes = form.pull(x, conditions(form.method(x))[1])
    for k in range(form.size):
        move = np.zeros(form.size)
        move[k] = STEP
        values = [conditions(form.method(x + sign * move))[0] for sign in (1, -1)]
        np.testing.assert_allclose(slopes[:, k], (values[0] - values[1]) / (2 * STEP), atol=1e-4)


@pytest.mark.parametrize("name", ["euler", "ssp3", "rk4", "ssprk43", "ssprk104", "kutta3"])
def test_values_are_those_of_the_exact_report(name):
    tableau = rkblocks.load(name)
    report = rkblocks.check(tableau).to_dict()
    K = np.array([[*map(float, row), 0.0] for row in (*tableau.A, tableau.b)], dtype=float)
    order = report["order"]["value"]
    assert np.abs(OrderConditions(order)(K)[0]).max() < 1e-13
    assert np.abs(OrderConditions(order + 1)(K)[0]).max() > 1e-4
    assert measures.growth(K)[0][0] == pytest.approx(report["variance"]["growth_float"])
    assert PrincipalError(order)(K)[0][0] ** 0.5 == pytest.approx(report["order"]["principal_error"]["float"])
    for measure, level in (
        (measures.monotone, report["ssp"]["optimal"]["cfl_float"]),
        (measures.contractive, report["contractivity"]["euclidean"]["rho_float"]),
        (measures.threshold, report["ssp"]["linear"]["float"]),
    ):
        if level:
            assert measure(K, level * (1 - 1e-6))[0].min() > -1e-12
            assert measure(K, level * (1 + 1e-4))[0].min() < 0


def test_the_same_functions_in_many_digits():
    K = method(3)
    many = np.array([[mpmath.mpf(v) for v in row] for row in K], dtype=object)
    for measure in (OrderConditions(4), PrincipalError(3), measures.growth):
        for few, exact in zip(measure(K), measure(many), strict=True):
            np.testing.assert_allclose(few, exact.astype(float), atol=1e-12)


@given(st.fractions(-20, 20, max_denominator=10**6))
def test_fractions_are_recognised(value):
    with mpmath.workdps(PRECISION):
        assert recognised(mpmath.mpf(value.numerator) / value.denominator) == str(value)


@given(st.integers(-50, 50), st.integers(1, 50), st.integers(2, 60))
def test_quadratic_numbers_are_recognised(p, q, d):
    with mpmath.workdps(PRECISION):
        value = (p + mpmath.sqrt(d)) / q
        text = recognised(value)
        assert text is not None
        assert abs(eval(text, {"sqrt": mpmath.sqrt, "__builtins__": {}}) - value) < 1e-50 or "/" in text


def test_other_numbers_are_not_recognised():
    with mpmath.workdps(PRECISION):
        assert recognised(mpmath.cbrt(2)) is None
        assert recognised(mpmath.pi) is None
