"""Families: R as a piecewise function against R at sampled members, regions against evaluation, exact minima."""

import json
from fractions import Fraction

import pytest
import verify_methods as known
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Poly, symbols

from rkblocks import check, files
from rkblocks.exact.field import Element, Field
from rkblocks.exact.roots import Root, real
from rkblocks.forms import Method, ShuOsher, reduce
from rkblocks.render.report_text import paragraph
from rkblocks.tableau import Parameter
from rkblocks.verify.family import cells
from rkblocks.verify.family.inequality import nonnegative, value_at
from rkblocks.verify.family.minimum import least_growth
from rkblocks.verify.family.region import reach, region
from rkblocks.verify.family.ssp_cases import ssp_cases
from rkblocks.verify.radius import ssp_coefficient
from rkblocks.verify.variance import variance_growth

ARK = known.ark()


def parameter(
    field: Field, name: str, low: str | None, high: str | None, init: str, learnable: bool = True
) -> Parameter:
    def number(text: str | None) -> Element | None:
        return None if text is None else field.constants.rational(Fraction(text))

    return Parameter(name, number(low), number(high), number(init), learnable)


def ark_form() -> ShuOsher:
    field = ARK[0]
    a, b, one = field.parameter("alpha21"), field.parameter("beta10"), field.one
    return ShuOsher(((one,), (one - a, a)), ((b,), (one - one / (2 * b) - a * b, one / (2 * b))))


def member_coefficient(at: Fraction) -> Root:
    field, A, b = ARK

    def row(entries: tuple[Element, ...]) -> tuple[Element, ...]:
        return tuple(field.substitute(e, {"alpha21": Fraction(1, 3), "beta10": at}) for e in entries)

    member = reduce(Method(field.constants, tuple(map(row, A)), row(b)))
    found = ssp_coefficient(member)
    assert found is not None
    return found.root


def test_ark_is_piecewise() -> None:
    field, A, b = ARK
    cases = ssp_cases(Method(field, A, b), parameter(field, "beta10", "0", "1", "3/4"))
    assert cases is not None
    shown = [(c.low.text, c.low_closed, c.high.text, c.high_closed, field.text(c.value)) for c in cases]
    assert shown == [("0", False, "1/2", False, "0"), ("1/2", True, "1", False, "2 - 1/beta10")]


@settings(max_examples=30, deadline=None)
@given(st.fractions(Fraction(1, 50), 5, max_denominator=60))
def test_every_member_has_the_value_of_its_case(at: Fraction) -> None:
    field = ARK[0]
    cases = _wide_cases()
    (case,) = [
        c
        for c in cases
        if (c.low is None or c.low.compare(at) < 0 or (c.low_closed and c.low.compare(at) == 0))
        and (c.high is None or c.high.compare(at) > 0 or (c.high_closed and c.high.compare(at) == 0))
    ]
    assert member_coefficient(at).fraction == field.fraction(value_at(field, case.value, {"beta10": at}))


def _wide_cases() -> tuple:
    field, A, b = ARK
    cases = ssp_cases(Method(field, A, b), parameter(field, "beta10", "0", None, "1"))
    assert cases is not None
    assert len(cases) == 3
    return cases


def test_irrational_cuts_are_joined_when_they_change_nothing() -> None:
    """Kutta's fourth-order family: R = 0 for every w, though the cells end at irrational points."""
    field = Field((), ("w",))
    w, q = field.parameter("w"), field.rational
    o = field.zero
    A = ((o,) * 4, (q(1, 2), o, o, o), (q(1, 2) - q(1, 6) / w, q(1, 6) / w, o, o), (o, field.one - 3 * w, 3 * w, o))
    b = (q(1, 6), q(2, 3) - w, w, q(1, 6))
    cases = ssp_cases(Method(field, A, b), parameter(field, "w", "0", None, "1/3"))
    assert cases is not None
    assert [(c.low.text, c.high, field.text(c.value)) for c in cases] == [("0", None, "0")]


def test_an_algebraic_piece_is_a_root_of_its_polynomial() -> None:
    """b = (1/2, 1/2), A[2,1] = t: d_2 = 1 - r + t r^2/2 limits R where it has a real root."""
    field = Field((), ("t",))
    t, half = field.parameter("t"), field.rational(1, 2)
    A, b = ((field.zero, field.zero), (t, field.zero)), (half, half)
    cases = ssp_cases(Method(field, A, b), parameter(field, "t", "1/100", "2/5", "1/4"))
    assert cases is not None
    for case in cases:
        at = cells.between(case.low, case.high)
        member = (A[0][0], A[0][0]), (field.substitute(t, {"t": at}), field.constants.zero)
        found = ssp_coefficient(Method(field.constants, (member[0], member[1]), (field.constants.rational(1, 2),) * 2))
        assert found is not None
        coefficients = [field.fraction(value_at(field, c, {"t": at})) for c in case.polynomial]
        r = found.root.refine(120).low
        assert abs(sum(c * r**k for k, c in enumerate(coefficients))) < Fraction(1, 10**20)


def test_region_with_an_exact_counterexample() -> None:
    field, form = ARK[0], ark_form()
    parameters = (
        parameter(field, "alpha21", "0", "1", "1/4", learnable=False),
        parameter(field, "beta10", "0", "1", "3/4"),
    )
    found = region(field, form, parameters)
    assert found.inside is False
    violation = found.violations[0]
    name, i, k = violation.entry
    assert field.sign(value_at(field, getattr(form, name)[i][k], violation.point)) < 0
    assert all(0 < x < 1 for x in violation.point.values())


@pytest.mark.parametrize(("alpha21", "expected"), [("9/16", "nowhere"), ("1/4", "somewhere"), ("1/1000", "somewhere")])
def test_what_training_can_reach_with_alpha21_fixed(alpha21: str, expected: str) -> None:
    field = ARK[0]
    fixed = parameter(field, "alpha21", "0", "1", alpha21, learnable=False)
    assert reach(field, ark_form(), (fixed, parameter(field, "beta10", "0", "1", "3/4"))) == expected


def test_a_domain_inside_the_region_is_proved() -> None:
    field = Field((), ("t",))
    t, one = field.parameter("t"), field.one
    a = (2 * t - one) / (2 * t * t)
    form = ShuOsher(((one,), (one - a, a)), ((t,), (field.zero, one / (2 * t))))
    found = region(field, form, (parameter(field, "t", "1/2", "1", "3/4"),))
    assert found.inside is True
    assert found.cfl == field.rational(2) - one / t
    wider = region(field, form, (parameter(field, "t", "1/3", "1", "3/4"),))
    assert wider.inside is False


def test_inequalities_in_two_parameters() -> None:
    field = Field((), ("p", "q"))
    p, q = field.parameter("p"), field.parameter("q")
    square = (parameter(field, "p", "0", "1", "1/2"), parameter(field, "q", "0", "1", "1/2"))
    assert nonnegative(field, (p - q) * (p - q), square).holds is True
    assert nonnegative(field, p + q - p * q, square).holds is True
    low = nonnegative(field, p * p + q * q - field.rational(1, 10**4), square)
    assert low.holds is False
    assert low.counterexample is not None
    assert sum(x * x for x in low.counterexample.values()) < Fraction(1, 10**4)
    assert nonnegative(field, p**9 * q**9, square).holds is None


def test_least_growth_of_ark_is_that_of_ssp2() -> None:
    field, A, b = ARK
    growth = variance_growth(Method(field, A, b)).growth
    inner = least_growth(field, growth, (parameter(field, "beta10", "1/2", "2", "1"),))
    assert inner is not None
    assert (inner.value.fraction, inner.at.fraction, inner.inside) == (Fraction(7, 4), 1, True)
    closure = least_growth(field, growth, (parameter(field, "beta10", "0", "1", "1/2"),))
    assert closure is not None
    assert (closure.value.fraction, closure.at.fraction, closure.inside) == (Fraction(7, 4), 1, False)


def test_an_irrational_minimum() -> None:
    field = Field((), ("t",))
    t = field.parameter("t")
    found = least_growth(field, t**3 - 2 * t + 5, (parameter(field, "t", "0", None, "1"),))
    assert found is not None
    assert found.at.polynomial == (-2, 0, 3)
    assert found.value.to_float() == pytest.approx(5 - 4 / 3 * (2 / 3) ** 0.5, rel=1e-15)


def test_simplest_fractions_lie_between() -> None:
    for low, high in (
        (Fraction(1, 3), Fraction(2, 5)),
        (Fraction(-7, 3), Fraction(-9, 4)),
        (Fraction(0), Fraction(1, 9)),
    ):
        x = cells.simplest_between(low, high)
        assert low < x < high
        assert all(not low < Fraction(n, d) < high for d in range(1, x.denominator) for n in range(-3 * d, 3 * d))
    assert cells.simplest_between(None, None) == 0
    assert cells.simplest_between(Fraction(5, 2), None) == 3
    assert cells.simplest_between(None, Fraction(-5, 2)) == -3


def test_real_roots_in_order() -> None:
    x = symbols("x")
    found = cells.real_roots(Poly((x**2 - 2) * (x - 1) * (x**3 - x + 1) * (3 * x - 4), x, domain="QQ"))
    values = [r.to_float() for r in found]
    assert values == pytest.approx([-(2**0.5), -1.324717957244746, 1, 4 / 3, 2**0.5])


def test_numbers_of_a_field_find_their_conjugate() -> None:
    field = Field((2, 3))
    for sign in (1, -1):
        value = field.sqrt(Fraction(2)) + sign * field.sqrt(Fraction(3))
        assert real(field, value).to_float() == pytest.approx(2**0.5 + sign * 3**0.5, rel=1e-15)


def test_a_member_that_reduces_is_a_case_of_its_own() -> None:
    """Stages 2 and 3 are equal at t = 1/2 alone; there the method is one with two stages, and R may jump."""
    field = Field((), ("t",))
    t, q, o = field.parameter("t"), field.rational, field.zero
    A = ((o, o, o), (q(1, 2), o, o), (field.one - t, 2 * t - 1, o))
    b = (q(1, 3), q(1, 3), q(1, 3))
    cases = ssp_cases(Method(field, A, b), parameter(field, "t", "0", "1", "1/3"))
    assert cases is not None
    covered = [c for c in cases if c.low is not None and c.low.fraction == Fraction(1, 2)]
    member = reduce(Method(field.constants, *_member(field, A, b, Fraction(1, 2))))
    assert len(member.b) == 2
    found = ssp_coefficient(member)
    assert found is not None
    (closed,) = [c for c in covered if c.low_closed]
    at_cut = [field.fraction(value_at(field, c, {"t": Fraction(1, 2)})) for c in closed.polynomial]
    assert found.root.fraction == 1
    assert sum(at_cut) == 0  # R = 1 is a root of the polynomial of the case on the right, and the limit from there:
    near = ssp_coefficient(Method(field.constants, *_member(field, A, b, Fraction(1, 2) + Fraction(1, 10**9))))
    assert near is not None
    assert abs(near.root.to_float() - 1) < 1e-8
    assert [field.text(c.value) for c in cases if c.value is not None] == ["0", "-1 + 1/(2*t - 1)"]


def _member(field: Field, A: tuple, b: tuple, at: Fraction) -> tuple[tuple, tuple]:
    return tuple(tuple(field.substitute(e, {"t": at}) for e in row) for row in A), tuple(
        field.substitute(e, {"t": at}) for e in b
    )


def test_a_bound_for_two_parameters_is_proved() -> None:
    """Three-stage third-order methods around ssp3: R is at least the bound at every member that is tried."""
    from rkblocks.files import load
    from rkblocks.verify.family.lower_bound import lower_bound

    tableau = load("rk33_ssp")
    reduced = tableau.reduced
    found = lower_bound(reduced, tableau.parameters)
    assert found is not None
    assert found.least > Fraction(1, 3)
    for shares in ((0.1, 0.1), (0.9, 0.9), (0.5, 0.9), (0.9, 0.1)):
        inside = {
            p.name: p.low + (p.high - p.low) * tableau.field.constants.rational(Fraction(str(share)))
            for p, share in zip(tableau.parameters, shares, strict=True)
        }
        member = tableau.at(inside).reduced
        value = ssp_coefficient(member)
        assert value is not None
        assert value.root.compare(found.least) >= 0
    wide = load("rk33_family")
    none = lower_bound(wide.reduced, wide.parameters)
    assert none is not None
    assert none.least == 0
    assert none.zero_at is not None


@pytest.mark.parametrize(
    ("domain", "init", "A", "b", "growth", "at", "taken", "start"),
    [
        (("-1", "1"), "1/2", [[], ["u"]], ["1/2", "1/2"], "3/2", "0", False, 1.5625),
        (("-1", "1"), "0", [[], ["u"]], ["1/2", "1/2"], "3/2", "0", False, 2.0),
        (("0", "2"), "1", [[], ["1"], ["u", "0"]], ["1/2", "1/4", "1/4"], "23/16", "0", False, 1.75),
        (("-1", "1"), "1/2", [[], ["u"]], ["3/2", "-1/2"], "2", "0", True, 3.5625),  # weights that cancel in the sum
        (("1", "3"), "2", [[], ["1"], ["u**2 - 1", "0"]], ["1/2", "3/4", "-1/4"], "7/4", "sqrt(2)", True, None),
    ],
)
def test_growth_where_stages_coincide_is_that_of_the_reduced_member(domain, init, A, b, growth, at, taken, start):
    """The formula of the family goes on at such a member, but its stages are evaluated once there."""
    text = json.dumps({"parameters": {"u": {"domain": list(domain), "init": init}}, "A": A, "b": b})
    report = check(files.read_text(text).tableau)
    found = report.variance.minimum
    assert (found["growth"], found["at"], found.get("taken", True)) == (growth, {"u": at}, taken)
    if start is not None:
        assert report.variance.growth_float == start
        member = files.read_text(text).tableau
        assert check(member.at(member.initial())).variance.growth_float == start


@pytest.mark.parametrize("large", ["1e30", "1e60"])
@pytest.mark.parametrize("small", ["sqrt(2)*t", "sqrt(2) + t", "1e30*sqrt(2)*t"])
def test_square_roots_beside_numbers_of_many_digits(large: str, small: str) -> None:
    """sympy reads such numbers back from its own expressions by a search in floats, which does not find them."""
    domain = {"t": {"domain": ["0", "1"], "init": "3/4"}}
    weights = [f"1 - ({small}) - 1/4", small, "1/4"]
    for A, b in (([[], [large]], [f"1 - ({small})", small]), ([[], [large], [small, "1"]], weights)):
        reading = files.read_text(json.dumps({"name": "large", "parameters": domain, "A": A, "b": b}))
        assert reading.tableau is not None
        report = check(reading.tableau)
        assert "RK999" not in {d.code for d in report.diagnostics}
        assert json.loads(json.dumps(report.to_dict())) == report.to_dict()


def test_a_stability_polynomial_without_the_parameter_has_intervals_and_a_threshold():
    """Every method of four stages and order 4 has the polynomial of RK4, whatever its parameter (famcase1001)."""
    entry = "(1-2*u)*(1-u)/(2*(2/3-u)*(4*u-4*(u+2/3)+3))"
    node, weight = "(2/3)*(2/3-u)/(2*u*(1-2*u))", "(1-u)*(u-4/9)/(2*u*(2/3-u)*(4*u-4*(u+2/3)+3))"
    A = [[], ["u"], [f"2/3-{node}", node], [f"1-({weight})-({entry})", weight, entry]]
    b = [
        "1/2+(1-2*(u+2/3))/(8*u)",
        "(1/3)/(12*u*(2/3-u)*(1-u))",
        "(1-2*u)/((8/3)*(2/3-u))",
        "1/2+(2*(u+2/3)-3)/(4*(1-u))",
    ]
    content = {"parameters": {"u": {"domain": ["1/10", "2/5"], "init": "1/3"}}, "A": A, "b": b}
    report = check(files.read_text(json.dumps(content)).tableau)
    assert report.order.value == 4
    plain = check("rk4")
    for part in ("polynomial", "real", "imaginary"):
        assert report.stability[part] == plain.stability[part]
    assert report.ssp.linear.to_dict() == plain.ssp.linear.to_dict()
    assert "real axis: stable from 0 to -2.78529" in paragraph(report, verbose=True)


def test_a_stability_polynomial_with_a_parameter_says_why_nothing_is_computed():
    content = {
        "name": "x",
        "parameters": {"w": {"domain": ["0", "1"], "init": "1/2"}},
        "A": [[], ["w"]],
        "b": ["1/2", "1/2"],
    }
    report = check(files.read_text(json.dumps(content)).tableau)
    reason = report.to_dict()["stability"]["absent"]
    if report.to_dict()["ssp"]["linear_absent"] != reason or "depends on w" not in reason:
        pytest.fail(reason)
    text = paragraph(report, verbose=True)
    assert f"intervals not computed: the polynomial {reason}" in text
    assert f"linear threshold factor not computed: the polynomial {reason}" in text
