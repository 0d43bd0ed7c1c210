"""The interpreter against a direct evaluation of the Butcher form, over exact numbers and over floats."""

from fractions import Fraction

import pytest
import sympy

from rkblocks import files
from rkblocks.diagnostics import RkblocksError
from rkblocks.program import interpret, lower
from rkblocks.program.driver import choose, fixed

RATIONAL = [e.name for e in files.catalog() if e.stages <= 5]


def butcher_step(tableau, f, x, number):
    """x + sum b_i F(u_i), straight from the definition."""
    form = tableau.butcher_form
    slopes = []
    for row in form.A:
        slopes.append(f(x + sum((number(a) * k for a, k in zip(row, slopes, strict=False)), 0 * x)))
    return x + sum((number(b) * k for b, k in zip(form.b, slopes, strict=True)), 0 * x)


@pytest.mark.parametrize("name", RATIONAL)
def test_equals_the_butcher_form_exactly(name: str) -> None:
    """On F(u) = u**2 from x = 1/3; families at their start, algebraic numbers as elements of the field."""
    tableau = files.load(name)
    tableau = tableau.at(tableau.initial()) if tableau.parameters else tableau
    if tableau.tolerance:
        pytest.skip("two forms of a decimal table agree only within its tolerance")
    field = tableau.field
    start = field.rational(1, 3)
    expected = butcher_step(tableau, lambda u: u * u, start, lambda a: a)
    found = interpret(choose(tableau)[-1].program, lambda u: u * u, start, t=field.zero, number=lambda a: a)
    assert not found - expected


@pytest.mark.parametrize("name", [e.name for e in files.catalog()])
def test_equals_the_butcher_form_in_floats(name: str) -> None:
    import math

    tableau = files.load(name)
    tableau = tableau.at(tableau.initial()) if tableau.parameters else tableau
    number = tableau.field.to_float
    expected = butcher_step(tableau, math.sin, 0.7, number)
    found = interpret(choose(tableau)[-1].program, math.sin, 0.7, number=number)
    assert found == pytest.approx(expected, rel=1e-11 + 10 * float(tableau.tolerance))


def test_stability_polynomial_of_rk4() -> None:
    z, one = sympy.Symbol("z"), sympy.Integer(1)
    result = interpret(lower("rk4"), lambda u: z * u, one)
    assert sympy.expand(result) == 1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24


def test_parameters_are_taken_exactly() -> None:
    """ArkBlock of F(u) = -u: 1 - 1 + 1/2 for every beta10, since it has order 2 identically."""
    program = lower("ark")
    for beta in (Fraction(1, 7), Fraction(3, 5)):
        assert interpret(program, lambda u: -u, Fraction(1), {"beta10": beta}) == Fraction(1, 2)
    beta = Fraction(3, 4)
    square = interpret(program, lambda u: u * u, Fraction(1), {"beta10": beta})
    assert square == 1 + (1 - 1 / (2 * beta)) + (1 + beta) ** 2 / (2 * beta)


def test_time_reaches_the_residual_at_the_abscissae() -> None:
    """x' = 4 t**3 from t = 1 with dt = 1/2: exact for order 4, since it is Simpson's rule."""
    program = lower("rk4", dt=Fraction(1, 2), time=True)
    result = interpret(program, lambda x, t: 4 * t**3, Fraction(0), t=Fraction(1))
    assert result == Fraction(3, 2) ** 4 - 1


def test_step_size_at_run_time() -> None:
    program = lower("ssp2", dt=None)
    assert interpret(program, lambda u: u, Fraction(1), dt=Fraction(1, 2)) == Fraction(13, 8)


def test_fixed_parameters_are_at_their_start() -> None:
    assert fixed(files.load("ark")).field.parameters == ("beta10",)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: interpret("ssp3", lambda u: u, 1), "a str is no program"),
        (lambda: interpret(files.load("ssp3"), lambda u: u, 1), "a Tableau is no program"),
        (lambda: interpret(None, lambda u: u, 1), "a NoneType is no program"),
        (lambda: interpret(lower("ssp3"), None, 1), "F is None, expected a function"),
        (lambda: interpret(lower("ark"), lambda u: u, 1, 3), "the parameters are a int, expected a dict"),
        (
            lambda: interpret(lower("ark"), lambda u: u, 1, {"alpha21": 1}),
            "'alpha21' is no parameter of the program; it has",
        ),
        (lambda: interpret(lower("ssp3"), lambda u: u, 1, {"b": 1}), "'b' is no parameter of the program; it has none"),
        (lambda: interpret(lower("ssp3", dt=None), lambda u: u, 1), "takes its step size at run time"),
    ],
)
def test_what_cannot_be_run(call, said: str) -> None:
    with pytest.raises(RkblocksError) as error:
        call()
    (found,) = error.value.diagnostics
    assert (found.code, said in found.message, bool(found.help)) == ("RK521", True, True), found
