"""Lowering and the choice of a form, over the whole library: calls of F, the method, effective parameters, cost."""

from fractions import Fraction

import pytest

from rkblocks import files
from rkblocks.diagnostics import TableauError
from rkblocks.program import driver as compiler
from rkblocks.program import explain, explanation, listing, lower
from rkblocks.program.ir import Combine, Program, Term
from rkblocks.program.meaning import method, weighted_method
from rkblocks.program.well_formed import InvalidProgram, validated

NAMES = [entry.name for entry in files.catalog()]


@pytest.mark.parametrize("name", NAMES)
def test_program_is_the_reduced_method_with_one_call_a_stage(name: str) -> None:
    tableau = compiler.fixed(files.load(name))
    steps = compiler.choose(tableau)
    program = steps[-1].program
    validated(program, calls=len(tableau.reduced.kept))
    if not tableau.tolerance:
        assert method(program) == (tableau.reduced.A, tableau.reduced.b)
    assert steps[-1].cost <= steps[0].cost


def test_ark_calls_f_twice_and_has_no_parameter_without_effect() -> None:
    program = lower("ark")
    assert program.calls == 2
    assert [p.name for p in program.parameters] == ["beta10"]


def test_learnable_parameter_without_effect_is_dropped_too() -> None:
    from dataclasses import replace

    ark = files.load("ark")
    ark = replace(ark, parameters=tuple(replace(p, learnable=True) for p in ark.parameters))
    assert [p.name for p in compiler.choose(ark)[-1].program.parameters] == ["beta10"]


def test_programs_of_the_paper() -> None:
    assert listing(lower("ssp3")).splitlines() == [
        "f0 = F(x)",
        "u1 = x + f0",
        "f1 = F(u1)",
        "v1 = u1 + f1",
        "u2 = 3/4 x + 1/4 v1",
        "f2 = F(u2)",
        "v2 = u2 + f2",
        "y = 1/3 x + 2/3 v2",
        "return y",
    ]
    assert listing(lower("midpoint")).splitlines() == [
        "f0 = F(x)",
        "u1 = x + 1/2 f0",
        "f1 = F(u1)",
        "y = x + f1",
        "return y",
    ]


def test_ssprk104_needs_two_tensors() -> None:
    """Ketcheson 2008 stores it in two registers; the passes find that by themselves."""
    assert explain("ssprk104")[-1].cost.live == 2


def test_canonical_form_is_found_where_the_file_has_none() -> None:
    """SSPRK(10,4) in Butcher form alone: the form of the optimum takes far fewer passes."""
    from dataclasses import replace

    tableau = replace(files.load("ssprk104"), butcher=files.load("ssprk104").butcher_form, shu_osher=None)
    assert lower(tableau).form.startswith("canonical Shu-Osher form at 6")
    assert explain(tableau)[-1].cost.passes <= explain("ssprk104")[-1].cost.passes


def test_step_size_and_time() -> None:
    program = lower("ssp2", dt=Fraction(1, 3), time=True)
    assert program.dt == Fraction(1, 3)
    assert "f1 = F(u1, t + dt)" in listing(program)
    assert listing(program).splitlines()[:3] == ["f0 = F(x, t)", "u1 = x + dt f0", "v1 = x + 1/2 dt f0"]


@pytest.mark.parametrize("name", ["rk4", "ark"])
def test_explanation_shows_every_pass_that_changed_something(name: str) -> None:
    text = explanation(explain(name))
    assert text.startswith("# lower (Butcher form): ")
    assert "# merge_equal: " in text
    assert listing(lower(name)) in text


def test_a_pass_that_changes_the_method_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def double_slopes(program: Program) -> Program:
        """Wrong on purpose."""
        two = program.field.rational(2)
        body = [
            Combine(i.target, tuple(Term(t.coefficient * two, t.value) if t.value == "f0" else t for t in i.terms))
            if isinstance(i, Combine)
            else i
            for i in program.body
        ]
        return program.with_body(body)

    monkeypatch.setattr(compiler, "PASSES", (*compiler.PASSES, double_slopes))
    with pytest.raises(InvalidProgram, match="double_slopes changes the method"):
        compiler.choose.__wrapped__(files.load("euler"))


def test_a_family_that_is_consistent_at_its_start_only_runs_as_declared() -> None:
    """alpha20 + alpha21 is free, so no other form is the same method, and every pass keeps the weight of x."""
    program = lower("ark_free")
    assert program.form == "Shu-Osher form as declared"
    assert program.only_at_init
    assert listing(program).splitlines()[-2] == "y = alpha20 x + alpha21 u1 + beta20 f0 + beta21 f1"
    weights, result = weighted_method(program)
    assert weights[2][0] == program.field.one
    assert result[0] == program.field.parameter("alpha20") + program.field.parameter("alpha21")


def test_a_family_that_is_consistent_nowhere_near_its_start_is_refused() -> None:
    text = """{"name": "off", "parameters": {"a": {"domain": [null, null], "init": "1/3"}}, "A": [[], ["1"]],
               "b": ["a", "a"]}"""
    with pytest.raises(TableauError) as error:
        lower(files.read_text(text).tableau)
    assert "RK304" in {d.code for d in error.value.diagnostics}
    assert lower(files.read_text(text.replace("1/3", "1/2")).tableau).calls == 2


def test_no_pass_divides_by_a_coefficient_that_can_vanish() -> None:
    """b0 : b1 occurs in two sums; b1 = (1 - a) b0 summed once would divide by a, which is 0 inside the domain."""
    text = """{"name": "pole", "parameters": {"a": {"domain": ["-1", "1"], "init": "1/2"}},
               "A": [[], ["1"], ["a/2", "1/2"]], "b": ["a/3", "1/3", "2/3 - a/3"]}"""
    tableau = files.read_text(text).tableau
    for step in explain(tableau):
        for combine in step.program.combines:
            for term in combine.terms:
                value = step.program.field.substitute(term.coefficient, {"a": 0})
                assert value is not None


REFUSED = {
    "inconsistent": '{"name": "half", "A": [[]], "b": ["1/2"]}',
    "implicit": '{"name": "implicit", "A": [["1/2"]], "b": ["1"]}',
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refusals_carry_the_diagnostics_of_check(text: str) -> None:
    from rkblocks import verify as checker

    tableau = files.read_text(text).tableau
    assert tableau is not None
    expected = {d.code for d in checker.check(tableau).diagnostics if d.severity == "error"}
    with pytest.raises(TableauError) as error:
        lower(tableau)
    assert expected
    assert {d.code for d in error.value.diagnostics} == expected


@pytest.mark.parametrize("dt", [0, -1, float("inf"), float("nan"), 10**400, "soon"])
def test_step_size_must_be_positive(dt: object) -> None:
    from rkblocks.diagnostics import RkblocksError

    with pytest.raises(RkblocksError) as error:
        lower("euler", dt=dt)
    assert [d.code for d in error.value.diagnostics] == ["RK501"]
