"""The radius of circle contractivity, by three routes: elimination, eigenvalues at 60 digits, and worst cases.

The worst cases are data on which a method expands; that F exists which takes these values is Kirszbraun's theorem for
the Euclidean norm (I + h0 F is nonexpansive on the finite set) and coordinatewise for the supremum norm.
"""

import json
from fractions import Fraction

import hypothesis.strategies as st
import mpmath
import pytest
import sympy
from hypothesis import given, settings
from verify_methods import DOPRI5, EULER, HEUN_DEAD, MIDPOINT, RK4, SSP2, SSP3, SSPRK43, rational, ssprk104

import rkblocks
from rkblocks import check, files, verify
from rkblocks.exact.field import Field
from rkblocks.exact.work import TooLarge, budget
from rkblocks.forms import Method, reduce, resolvent
from rkblocks.verify.contractivity import circle_contractivity, matrix, semidefinite, value
from rkblocks.verify.facts import Facts
from rkblocks.verify.values import root_text

NUMBERS = [entry.name for entry in files.catalog() if not files.load(entry.name).parameters]


def rho(method):
    field, A, b = method
    found = circle_contractivity(Method(field, A, b))
    return None if found is None else root_text(found.root)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (EULER, "1"),
        (SSP2, "1"),
        (SSP3, "1"),
        (RK4, "1"),
        (SSPRK43, "2"),
        (ssprk104(), "6"),
        (MIDPOINT, "0"),
        (DOPRI5, "0"),
        (rational("1/2; -1 2", "1/6 2/3 1/6"), "1/2"),
        (rational("1/3; 0 2/3", "1/4 0 3/4"), "0"),
        (rational("2/3", "1/4 3/4"), "-3/2 + sqrt(21)/2"),
        (rational("1/2; 0 3/4", "2/9 1/3 4/9"), "-4 + 2*sqrt(6)"),
        (rational("1/3; -1/3 1; 1 -1 1", "1/8 3/8 3/8 1/8"), "-3 + 2*sqrt(3)"),
        (rational("1/3; 1/3 1/3", "1/3 1/3 1/3"), "3"),  # a root of multiplicity three
        ((Field(), (), ()), None),
    ],
)
def test_known_methods(method, expected: str | None) -> None:
    assert rho(method) == expected


def test_a_rational_root_between_two_others_is_not_where_it_ends() -> None:
    """Roots of det(B + r M) at 3 and on both sides of it, 1e-338 away: rho is the lowest, and B + 3 M indefinite."""
    content = json.loads(files.resolve("ssprk42").read_text(encoding="utf-8"))
    content["beta"][2][0] = "1/7**400"
    found = check(rkblocks.tableau(alpha=content["alpha"], beta=content["beta"])).contractivity
    assert found is not None
    start = found.euclidean.certificate
    assert start is not None
    assert start.root.fraction is None
    assert start.root.compare(3) < 0 < start.root.compare(3 - Fraction(1, 10**337))


def test_the_library_table() -> None:
    names = {"gill4": "2 - sqrt(2)", "ssprk54": "1.8349726121…", "leastgrowth33": "1.0075822186…"}
    for name, expected in names.items():
        assert root_text(Facts(files.load(name)).contractivity.root) == expected


def test_it_is_that_of_the_reduced_method() -> None:
    field, A, b = HEUN_DEAD
    assert rho(HEUN_DEAD) == "0"  # as typed: the dead stage has the weight 0
    left = reduce(Method(field, A, b))
    assert rho((field, left.A, left.b)) == "1"


def eigenvalue_route(field, A, b):
    """-1 over the least eigenvalue of B^-1/2 M B^-1/2, at 60 digits."""
    with mpmath.workdps(60):

        def number(a):
            return (
                mpmath.mpf(sympy.Rational(0) + field.sympy(a))
                if field.is_rational(a)
                else mpmath.mpf(sympy.N(field.sympy(a), 70))
            )

        b = [number(w) for w in b]
        if min(b) <= 0:
            return mpmath.mpf(0)
        A = [[number(a) for a in row] for row in A]
        m = len(b)
        N = mpmath.matrix(m, m)
        for i in range(m):
            for j in range(m):
                N[i, j] = (b[i] * A[i][j] + b[j] * A[j][i] - b[i] * b[j]) / mpmath.sqrt(b[i] * b[j])
        return -1 / min(mpmath.eigsy(N, eigvals_only=True))


@pytest.mark.parametrize("name", NUMBERS)
def test_eigenvalues_at_60_digits_agree_over_the_library(name: str) -> None:
    facts = Facts(files.load(name))
    found = facts.contractivity.root.refine(200)
    with mpmath.workdps(60):
        expected = eigenvalue_route(facts.field, facts.reduced.A, facts.reduced.b)
        assert abs(mpmath.mpf(found.low.numerator) / found.low.denominator - expected) < mpmath.mpf(10) ** -45


entries = st.fractions(min_value=-1, max_value=1, max_denominator=6)
weights = st.fractions(min_value=Fraction(1, 12), max_value=1, max_denominator=12)


@st.composite
def methods(draw):
    m = draw(st.integers(1, 4))
    field = Field()
    A = tuple(tuple(field.rational(draw(entries) if j < i else Fraction(0)) for j in range(m)) for i in range(m))
    return field, A, tuple(field.rational(draw(weights)) for _ in range(m))


@given(methods())
@settings(max_examples=60, deadline=None)
def test_the_certificate_of_any_method_holds(method) -> None:
    field, A, b = method
    found = circle_contractivity(Method(field, A, b))
    M = matrix(Method(field, A, b))
    with mpmath.workdps(60):
        tight = found.root.refine(120)
        expected = eigenvalue_route(field, A, b)
        assert abs(mpmath.mpf(tight.low.numerator) / tight.low.denominator - expected) < mpmath.mpf(10) ** -30
    assert semidefinite(field, b, M, found.root.low)[0] >= 0
    above = found.root.high * (1 + Fraction(1, 10**9))
    assert field.sign(value(field, b, M, above, found.direction)) < 0
    assert semidefinite(field, b, M, above)[0] < 0


@given(methods())
@settings(max_examples=60, deadline=None)
def test_rho_is_never_below_the_ssp_coefficient(method) -> None:
    field, A, b = method
    left = reduce(Method(field, A, b))
    optimal = verify.radius.ssp_coefficient(left)
    found = circle_contractivity(left)
    if optimal is not None and found is not None:
        assert found.root.compare(optimal.root) >= 0


def euclidean_worst_case(field, A, b, r, v):
    """Two runs of the method at step h = r, h0 = 1: (|difference after|^2 - |before|^2, all pairs nonexpansive).

    Stage differences d_i and F's differences f_i lie in the plane of e and n, d_0 = L n; f_i = v_i e + g_i/L n with
    <f_i, d_i> = -|f_i|^2/2.  The stages themselves are apart along a third axis, where F(x) = 1 - x/8, so that small
    differences leave all other pairs nonexpansive.  Everything is rational: an exact counterexample.
    """
    m, L, eps = len(b), Fraction(10**7), Fraction(1, 10**20)
    scale = max(map(abs, v))
    v = [x / scale for x in v]
    f, d = [], []
    for i in range(m):
        along = sum((A[i][j] * v[j] for j in range(i)), Fraction(0))
        e = r * along
        n = L + r * sum((A[i][j] * f[j][1] for j in range(i)), Fraction(0))
        # v_i e + g n / L with <f, d> <= -|f|^2 / 2: solve for g, a little more for strictness
        g = (-(v[i] ** 2) / 2 - v[i] * e - Fraction(1, 10**12)) / n
        f.append((v[i], g))
        d.append((e, n))
    after = (r * sum(b[i] * f[i][0] for i in range(m)), L + r * sum(b[i] * f[i][1] for i in range(m)))
    growth = after[0] ** 2 + after[1] ** 2 - L**2
    x, F = [], []
    for i in range(m):
        x.append(r * sum((A[i][j] * F[j] for j in range(i)), Fraction(0)))
        F.append(1 - x[i] / 8)
    points = [(x[i], Fraction(0), Fraction(0), F[i], Fraction(0), Fraction(0)) for i in range(m)]
    points += [(x[i], eps * d[i][0], eps * d[i][1], F[i], eps * f[i][0], eps * f[i][1]) for i in range(m)]
    assert len(set(x)) == m

    def nonexpansive(p, q):
        delta = [a - c for a, c in zip(p, q, strict=True)]
        after = [delta[k] + delta[k + 3] for k in range(3)]
        return sum(a * a for a in after) <= sum(a * a for a in delta[:3])

    return growth, all(nonexpansive(p, q) for k, p in enumerate(points) for q in points[:k])


@pytest.mark.parametrize("name", ["euler", "ssp2", "ssp3", "rk4", "kutta3", "ralston2", "ssprk43", "leastgrowth33"])
def test_a_nonlinear_problem_expands_just_above_rho_and_not_below(name: str) -> None:
    facts = Facts(files.load(name))
    field, found = facts.field, facts.contractivity
    A = [[field.fraction(a) for a in row] for row in facts.reduced.A]
    b = [field.fraction(w) for w in facts.reduced.b]
    v = [field.fraction(x) for x in found.direction]
    above, below = found.root.high * Fraction(101, 100), found.root.low * Fraction(99, 100)
    growth, premise = euclidean_worst_case(field, A, b, above, v)
    assert premise
    assert growth > 0
    growth, premise = euclidean_worst_case(field, A, b, below, v)
    assert premise
    assert growth < 0


@pytest.mark.parametrize("name", ["midpoint", "heun3", "dopri5"])
def test_a_weight_that_is_not_positive_allows_no_step(name: str) -> None:
    facts = Facts(files.load(name))
    field, b = facts.field, facts.reduced.b
    M = matrix(Method(field, facts.reduced.A, b))
    assert facts.contractivity.root.fraction == 0
    for r in (Fraction(1, 1000), Fraction(1, 10**9), Fraction(3)):
        verdict, v = semidefinite(field, b, M, r)
        assert verdict < 0
        assert field.sign(value(field, b, M, r, v)) < 0


def worst_growth(field, A, b, r):
    """The largest growth in the supremum norm of one step, over F whose Euler steps of h0 = h/r do not expand.

    y = d x + r P g with g = y + h0 F(y): each stage difference may take the sign of its coefficient in one coordinate.
    """
    P, d = resolvent(Method(field, A, b), field.rational(r))
    norms = []
    for row, rest in zip(P, d, strict=True):
        terms = [abs(field.fraction(entry)) * r * n for entry, n in zip(row, norms, strict=True)]
        norms.append(abs(field.fraction(rest)) + sum(terms, Fraction(0)))
    return norms[-1]


@pytest.mark.parametrize(
    "name", ["euler", "ssp2", "ssp3", "ralston2", "ssprk43", "ssprk104", "midpoint", "rk4", "kutta3", "leastgrowth33"]
)
def test_in_the_supremum_norm_a_step_expands_just_above_ssp_and_not_below(name: str) -> None:
    facts = Facts(files.load(name))
    method = facts.field, facts.reduced.A, facts.reduced.b
    C = facts.optimal.root.fraction
    assert worst_growth(*method, C) == 1
    assert worst_growth(*method, C * Fraction(99, 100)) == 1
    assert worst_growth(*method, C + Fraction(1, 100)) > 1


def ark_by_hand(beta):
    """GUARANTEES: (sqrt(p - 3 p^2) - p) / (1/2 - 2 p) with p = (1 - 1/(2 b)) / (2 b), 1 at p = 1/4."""
    p = (1 - 1 / (2 * beta)) / (2 * beta)
    return 1 if p == sympy.Rational(1, 4) else (sympy.sqrt(p - 3 * p**2) - p) / (sympy.Rational(1, 2) - 2 * p)


def test_the_ark_family_has_the_closed_form() -> None:
    found = check("ark_ssp_wide").contractivity.euclidean
    expression = sympy.sympify(found.rho)
    for beta in (sympy.Rational(3, 5), sympy.Rational(3, 4), sympy.Integer(1), sympy.Rational(7, 3)):
        assert sympy.simplify(expression.subs("beta10", beta) - ark_by_hand(beta)) == 0
    assert found.rho_at_init_float == found.rho_float == 1.0
    cases = check("ark").contractivity.euclidean.cases
    assert [(case.when, case.rho == "0") for case in cases] == [
        ("0 < beta10 <= 1/2", True),
        ("1/2 < beta10 < 1", False),
    ]


@pytest.mark.parametrize("name", ["ark", "ark_ssp", "ark_ssp_half", "rk22_family", "rk44_family"])
@given(share=st.fractions(min_value=Fraction(1, 50), max_value=Fraction(49, 50), max_denominator=50))
@settings(max_examples=12, deadline=None)
def test_the_pieces_of_a_family_agree_with_its_members(name: str, share: Fraction) -> None:
    tableau = files.load(name)
    (parameter,) = Facts(tableau).effective
    numbers = tableau.field.constants
    low = numbers.fraction(parameter.low)
    high = low + 2 if parameter.high is None else numbers.fraction(parameter.high)
    at = low + (high - low) * share
    member = Facts(tableau.at({**tableau.initial(), parameter.name: at})).contractivity.root
    for piece in Facts(tableau).rho_cases:
        below = piece.low is None or piece.low.compare(at) < piece.low_closed
        above = piece.high is None or piece.high.compare(at) > -piece.high_closed
        if below and above:
            break
    else:
        pytest.fail(f"no piece for {at}")
    if piece.expression is not None:
        claimed = piece.expression.subs(parameter.name, sympy.Rational(at.numerator, at.denominator))
        assert abs(float(sympy.N(claimed, 30)) - member.to_float()) < 1e-12
    else:
        value = sum(
            sympy.sympify(c).subs(parameter.name, sympy.Rational(at.numerator, at.denominator)) * member.to_float() ** k
            for k, c in enumerate(piece.polynomial)
        )
        assert abs(value) < 1e-9


def test_json_text_and_claims() -> None:
    found = check("rk4").to_dict()["contractivity"]
    assert found["any_norm"] == {"cfl": "0", "cfl_float": 0.0}
    certificate = found["euclidean"].pop("certificate")
    assert found["euclidean"] == {"rho": "1", "rho_float": 1.0}
    assert certificate["polynomial"] == ["-1", "1"]
    assert certificate["interval"] == ["1", "1"]
    assert certificate["direction"] in (["1", "-1", "1", "-1"], ["-1", "1", "-1", "1"])
    midpoint = check("midpoint").to_dict()["contractivity"]["euclidean"]
    assert midpoint["rho"] == "0"
    assert midpoint["certificate"] == {"polynomial": ["0", "1"], "interval": ["0", "0"], "weight": "b[0] = 0"}
    text = '{"name": "t", "A": [[], ["2/3"]], "b": ["1/4", "3/4"], "claims": {"rho": "%s"}}'
    for claimed, holds in (("0.791…", True), ("-3/2 + sqrt(21)/2", True), ("0.7912", False), ("1", False)):
        report = verify.check(files.read_text(text % claimed).tableau)
        assert [claim.holds for claim in report.claims] == [holds]
        assert [d.code for d in report.diagnostics if d.severity == "error"] == ([] if holds else ["RK360"])


def test_numbers_that_are_too_large_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    field, A, b = RK4
    with budget(1), pytest.raises(TooLarge) as found:
        circle_contractivity(Method(field, A, b))
    assert found.value.low is None
    field, A, b = rational("2/3", "1/4 3/4")

    def unaffordable(*_: object) -> None:
        raise TooLarge

    monkeypatch.setattr("rkblocks.verify.contractivity.first_crossing", unaffordable)
    with pytest.raises(TooLarge) as found:
        circle_contractivity(Method(field, A, b))
    M = matrix(Method(field, A, b))
    assert found.value.low < (sympy.sqrt(21) - 3) / 2 < found.value.high
    assert semidefinite(field, b, M, found.value.low)[0] == 1
    assert semidefinite(field, b, M, found.value.high)[0] == -1
