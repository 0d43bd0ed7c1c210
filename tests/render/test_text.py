"""Reports for people, as whole strings."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from rkblocks.diagnostics import Diagnostic, Severity
from rkblocks.exact.field import Field
from rkblocks.exact.roots import Root
from rkblocks.exact.value import Exact
from rkblocks.render.report_text import render, summary
from rkblocks.render.verdict_lines import cut, exact, polynomial
from rkblocks.verify.report import (
    CaseReport,
    ClaimReport,
    DeclaredReport,
    OptimalReport,
    OrderReport,
    Report,
    SspCertificate,
    SspReport,
    TypedReport,
    VarianceReport,
    Witness,
)

FAMILY = Field((), ("b", "c2", "x"))
B, C2, X = map(FAMILY.parameter, FAMILY.parameters)


def number(value: Fraction | int | str) -> Exact:
    return Exact.rational(Fraction(value))


def expression(value: Any) -> Exact:
    return Exact(FAMILY, value)


SOUND = Report(
    source="mine.json",
    name="mine",
    ok=True,
    stages=3,
    order=OrderReport(3, "exact", number(0), Witness("[[[[]]]]", 4, number(0), Fraction(1, 24)), 3),
    ssp=SspReport(
        DeclaredReport(True, number(1)),
        OptimalReport(
            number(1), certificate=SspCertificate("P[3,0]", Root.rational(1), (number("1/6"), number("-1/6")))
        ),
    ),
    variance=VarianceReport(number("29/18"), number("29/18"), (number(1), number(2)), ()),
    claims=(ClaimReport("order", "3", "3", True), ClaimReport("variance", "29/18", "29/18", True)),
    diagnostics=(),
)
UNREADABLE = Report("bad.json", None, False, None, None, None, None, (), ())


def test_a_sound_report() -> None:
    assert render([SOUND]) == (
        "mine: sound  mine.json\n"
        "  stages    3\n"
        "  order     3, exactly\n"
        "            not 4: the tree [[[[]]]] gives 0 instead of 1/24\n"
        "  SSP       optimal 1, beyond it P[3,0] is negative\n"
        "            declared 1, every entry nonnegative\n"
        "  growth    29/18 = 1.61111\n"
        "  claims    true: order 3, variance 29/18\n"
    )


def test_an_unreadable_file_shows_the_line() -> None:
    found = Diagnostic("RK105", Severity.ERROR, 'duplicate key "b"', "/b", 1, 10)
    report = replace(UNREADABLE, diagnostics=(found,))
    assert render([report], texts={"bad.json": '{"b": 1, "b": 2}'}) == (
        "bad.json: unreadable\n"
        'error[RK105]: duplicate key "b"\n'
        "  --> bad.json:1:10 (/b)\n"
        "  |\n"
        '1 | {"b": 1, "b": 2}\n'
        "  |          ^\n"
    )


def test_a_false_claim_an_undecided_one_and_the_tolerance() -> None:
    order = OrderReport(2, "tolerance", number("1/3000"), Witness("[[]]", 3, expression(X), Fraction(1, 3)), 1)
    claims = (ClaimReport("order", "4", "2", False), ClaimReport("ssp", "1", None, None))
    report = replace(SOUND, source="-", order=order, ssp=None, variance=None, claims=claims)
    assert render([report]) == (
        "mine: sound  <stdin>\n"
        "  stages    3\n"
        "  order     2, within the tolerance (largest residual 1/3000 = 0.000333333); exactly 1\n"
        "            not 3: the tree [[]] gives x instead of 1/3\n"
        "  claims    FALSE: order 4, found 2\n"
        "            undecided: ssp 1\n"
    )


def test_a_family() -> None:
    cases = (CaseReport("1/2 <= b <= 1", expression(2 - 1 / B)), CaseReport("b >= 1", None))
    optimal = OptimalReport(None, cases=cases, at_init=OptimalReport(number("0.632")))
    declared = DeclaredReport(False, None, nonnegative_at_init=False)
    order = replace(SOUND.order, value=2, remaining=(expression(B - FAMILY.rational(2, 3)),))  # type: ignore[type-var]
    report = replace(
        SOUND,
        order=order,
        ssp=SspReport(declared, optimal, (expression(B - 1), expression(C2))),
        variance=None,
        claims=(),
        ineffective=("a",),
        as_typed=TypedReport(4, None, SOUND.variance),  # type: ignore[arg-type]
    )
    assert render([report]) == (
        "mine: sound  mine.json\n"
        "  stages    3, 4 as typed\n"
        "  order     2, exactly\n"
        "            not 4: the tree [[[[]]]] gives 0 instead of 1/24\n"
        "            4 where b - 2/3 = 0\n"
        "  SSP       optimal depends on the parameters, initially 0.632\n"
        "              2 - 1/b where 1/2 <= b <= 1\n"
        "              a root of 0 where b >= 1\n"
        "            declared none: an entry is negative, also at the initial values\n"
        "            form nonnegative where\n"
        "              b - 1 >= 0\n"
        "              c2 >= 0\n"
        "  no effect a: the method does not depend on it\n"
    )


START = OptimalReport(number(1))
SURD = Field((2,))


@pytest.mark.parametrize(
    ("optimal", "lines"),
    [
        (
            OptimalReport(None, at_least=Fraction(1, 2), at_init=START),
            ["optimal depends on the parameters, initially 1", "  at least 1/2 on the whole domain"],
        ),
        (
            OptimalReport(
                None, at_least=Fraction(0), zero_at={"c2": Fraction(1, 24), "c3": Fraction(5)}, at_init=START
            ),
            ["optimal depends on the parameters, initially 1", "  0 at c2 = 1/24, c3 = 5"],
        ),
        (
            OptimalReport(
                expression(2 - 1 / B), cases=(CaseReport("1/2 < b < 1", expression(2 - 1 / B)),), at_init=START
            ),
            ["optimal 2 - 1/b = 1 at the initial values"],
        ),
        (OptimalReport(Exact(SURD, SURD.sqrt(Fraction(1, 2)))), ["optimal sqrt(2)/2 = 0.707107"]),
        (OptimalReport(None, bracket=(Fraction(3, 2), Fraction(5, 3))), ["optimal 1.5"]),
    ],
)
def test_what_holds_at_the_initial_values_is_not_said_of_the_family(optimal: OptimalReport, lines: list[str]) -> None:
    text = render([replace(SOUND, ssp=SspReport(None, optimal))])
    head, *rest = lines
    assert "\n".join([f"  SSP       {head}", *(f"            {line}" for line in rest), "  growth"]) in text


def test_inequalities_that_hold_on_the_whole_domain_are_not_listed() -> None:
    declared = DeclaredReport(True, number("1/2"))
    assert "nonnegative where" not in render([replace(SOUND, ssp=SspReport(declared, None, (expression(C2),)))])


@pytest.mark.parametrize(
    ("declared", "line"),
    [
        (DeclaredReport(False, None), "declared none: an entry is negative"),
        (
            DeclaredReport(False, None, nonnegative_at_init=True, at_init=number("1/3")),
            "declared none on the whole domain; every entry is nonnegative at the initial values, 1/3 there",
        ),
        (
            DeclaredReport(True, None, True, number(1), least_of=(expression(1 / B), expression(2 - 1 / B))),
            "declared the least of 1/b, 2 - 1/b, every entry nonnegative",
        ),
        (DeclaredReport(None, None), "declared: undecided whether every entry is nonnegative"),
    ],
)
def test_the_declared_form(declared: DeclaredReport, line: str) -> None:
    report = replace(SOUND, ssp=SspReport(declared, None))
    assert f"  SSP       {line}\n" in render([report])


def test_an_order_that_no_parameter_gives_is_not_spelled_out() -> None:
    order = replace(SOUND.order, remaining=(number("-1/6"), expression(B / 2)))  # type: ignore[type-var]
    assert " where " not in render([replace(SOUND, order=order)])


def test_several_are_counted() -> None:
    error, warning = (Diagnostic("RK105", s, "m") for s in (Severity.ERROR, Severity.WARNING))
    reports = [SOUND, replace(SOUND, diagnostics=(warning,)), replace(UNREADABLE, diagnostics=(error, error))]
    assert render(reports).endswith("\n\n3 files: 2 sound, 1 unreadable; 2 errors, 1 warning\n")
    assert summary([SOUND]) == "1 file: 1 sound"
    assert summary([]) == "0 files"


def test_colour_marks_the_verdict() -> None:
    assert render([SOUND], colour=True).startswith("\x1b[1mmine\x1b[0m: \x1b[1;32msound\x1b[0m")


def test_numbers() -> None:
    assert exact(number("1/2")) == "1/2 = 0.5"
    assert exact(number(2)) == "2"
    assert exact(Exact.root(Root((-3, 2, -5, 1), Fraction(4), Fraction(5)))) == "4.71062"
    assert exact(number("9" * 200)) == "1e+200"
    assert exact(expression(B), 0.5) == "b = 0.5 at the initial values"
    assert exact(None) == "unknown"
    assert cut("x" * 500) == "x" * 32 + "…" + "x" * 16
    assert polynomial([3, 0, -2, 1]) == "3 - 2 r^2 + r^3"
    assert polynomial([0, -1, 1]) == "-r + r^2"
    assert polynomial([0]) == "0"
