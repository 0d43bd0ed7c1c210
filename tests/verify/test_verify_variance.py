"""Lemma 3 against a simulation with independent random values in place of F, and what the declared form certifies."""

import random
from fractions import Fraction

import pytest
import verify_methods as known

from rkblocks.exact.field import Field
from rkblocks.forms import Method, ShuOsher, canonical_shu_osher
from rkblocks.verify.declared import declared
from rkblocks.verify.variance import variance_growth


@pytest.mark.parametrize(
    ("method", "growth"),
    [
        (known.EULER, "2"),
        (known.MIDPOINT, "9/4"),
        (known.SSP2, "7/4"),
        (known.SSP3, "29/18"),
        (known.SSPRK43, "3185/2304"),
    ],
)
def test_known_growth(method: known.Method, growth: str) -> None:
    assert method[0].text(variance_growth(Method(*method)).growth) == growth


def test_growth_of_the_family() -> None:
    field, A, b = known.ark()
    t = field.parameter("beta10")
    expected = field.rational(9, 4) - field.one / t + field.one / (2 * t * t)
    assert variance_growth(Method(field, A, b)).growth == expected


def test_growth_is_what_the_premises_give() -> None:
    """F(y) drawn anew with the variance of y, 20000 times: the sample variance of a step is the growth."""
    generator = random.Random(7)
    field, _, b = known.SSP3
    stages = [field.fraction(v) for v in variance_growth(Method(*known.SSP3)).stages]
    n = 20000
    total = 0.0
    for _ in range(n):
        value = generator.gauss(0, 1)
        for weight, variance in zip(b, stages, strict=True):
            value += field.to_float(weight) * generator.gauss(0, float(variance) ** 0.5)
        total += value * value
    assert total / n == pytest.approx(29 / 18, rel=0.05)


def form(alpha: list[list[str]], beta: list[list[str]]) -> tuple[Field, ShuOsher]:
    field = Field()

    def rows(entries: list[list[str]]) -> tuple[tuple[object, ...], ...]:
        return tuple(tuple(field.rational(Fraction(e)) for e in row) for row in entries)

    return field, ShuOsher(rows(alpha), rows(beta))


def test_the_declared_form_of_ssp3() -> None:
    field, shu_osher = form([["1"], ["3/4", "1/4"], ["1/3", "0", "2/3"]], [["1"], ["0", "1/4"], ["0", "0", "2/3"]])
    found = declared(field, shu_osher)
    assert (found.nonnegative, field.text(found.cfl), found.limiting) == (True, "1", ("beta", 0, 0))


def test_alpha_zero_where_beta_is_positive_certifies_nothing() -> None:
    field, shu_osher = form([["1"], ["1", "0"]], [["1"], ["1/2", "1/2"]])
    found = declared(field, shu_osher)
    assert found.nonnegative
    assert found.cfl == field.zero
    assert found.limiting == ("beta", 1, 1)


@pytest.mark.parametrize("name", ["alpha", "beta"])
def test_a_negative_entry_certifies_nothing(name: str) -> None:
    rows = {"alpha": [["1"], ["1/2", "1/2"]], "beta": [["1"], ["0", "1/2"]]}
    rows[name][1][0] = "-1/8"
    field, shu_osher = form(rows["alpha"], rows["beta"])
    found = declared(field, shu_osher)
    assert found.negative == ((name, 1, 0),)
    assert found.cfl is None


def test_the_canonical_form_attains_the_optimum() -> None:
    for method, R in ((known.SSP3, 1), (known.SSPRK43, 2), (known.ssprk104(), 6), (known.ssprk_n2_3(3), 6)):
        field, A, b = method
        found = declared(field, canonical_shu_osher(Method(field, A, b), field.rational(R)))
        assert found.cfl == field.rational(R)
