"""Decimals without tolerance, with one, and what messages say of numbers that look the same."""

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rkblocks
from rkblocks import files
from rkblocks.cli import main
from rkblocks.render.report_text import paragraph
from rkblocks.verify.consistency import rounded
from rkblocks.verify.facts import Facts
from rkblocks.verify.report import Report

HEUN3 = {"name": "heun3f", "A": [[], [0.3333333333333333], [0, 0.6666666666666666]], "b": [0.25, 0, 0.75]}


def report(content: dict[str, Any], tolerance: str | None = None) -> Report:
    tableau = files.read_text(json.dumps(content)).tableau
    assert tableau is not None
    return rkblocks.check(tableau, tolerance)


def found(content: dict[str, Any], code: str) -> Any:
    return next((d for d in report(content).diagnostics if d.code == code), None)


def test_heun_in_doubles() -> None:
    remark = found(HEUN3, "RK341")
    assert "a method of order 3" in remark.message
    assert "1e-16" in remark.help
    assert "A[1][0] = 1/3, A[2][1] = 2/3" in remark.help
    assert report(HEUN3).ok
    with_tolerance = report(HEUN3, "1e-16")
    assert with_tolerance.order is not None
    assert (with_tolerance.order.value, with_tolerance.order.verdict) == (3, "tolerance")


@pytest.mark.parametrize("digits", [6, 8, 12, 16])
@pytest.mark.parametrize("name", ["heun3", "rk4", "dopri5", "tsit5", "ssprk43", "ssprk54", "cashkarp", "ark"])
def test_rounded_tables_of_the_library_are_recognised(name: str, digits: int) -> None:
    """The remark names the order of the method, and the tolerance that it names gives exactly that order."""
    t = rkblocks.load(name)
    t = t.at(t.initial())
    exact = rkblocks.check(t)
    assert exact.order is not None
    form, number = t.butcher_form, t.field.to_float
    rows = [[f"{Decimal(number(e)):.{digits}g}" for e in row[:i]] for i, row in enumerate(form.A)]
    content = {"name": "decimals", "A": rows, "b": [f"{Decimal(number(e)):.{digits}g}" for e in form.b]}
    remark = found(content, "RK341")
    now = report(content).order
    assert now is not None
    if now.exact == exact.order.value:
        assert remark is None
        return
    if remark is None:
        assert digits <= 8, "few digits may be too coarse to tell"
        return
    named = int(remark.message.partition(" of order ")[2].partition(":")[0])
    assert named == exact.order.value or (digits <= 8 and named < exact.order.value)
    tolerance = json.loads(remark.help.partition('"tolerance": ')[2].split(";")[0])
    again = report({**content, "tolerance": tolerance})
    assert again.order is not None
    assert again.order.value == named or digits <= 8
    assert again.order.value >= named
    assert found({**content, "tolerance": tolerance}, "RK341") is None


def test_no_table_of_exact_numbers_looks_rounded() -> None:
    for entry in files.catalog():
        tableau = files.load(entry.name)
        assert tableau.tolerance or rounded(Facts(tableau)) is None, entry.name


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_decimals_of_no_method_do_not_look_rounded(x: int, y: int) -> None:
    a, w = Fraction(x, 10**6) + 1, Fraction(y, 10**6)
    residual = abs(w * a - Fraction(1, 2))
    content = {"name": "x", "A": [[], [str(a)]], "b": [str(1 - w), str(w)]}
    if residual > Fraction(1, 2000):
        assert found(content, "RK341") is None


def test_weights_that_miss_one_by_a_digit_say_by_how_much() -> None:
    content = {"name": "x", "A": [[], ["1"]], "b": ["0.5", "0.49999999999999983"]}
    assert "sum to 1 - 1.7e-16, not to 1" in found(content, "RK304").message
    assert "tolerance" in found(content, "RK341").help
    text = paragraph(report(content))
    assert "gives 99999999999999983/100000000000000000 instead of 1 (off by 1.7e-16)" in text


def test_other_messages_show_the_difference_too() -> None:
    heun = {"name": "x", "A": [[], ["1"]], "b": ["1/2", "1/2"]}
    near = "0.99999999999999999"
    assert "(off by 1e-17)" in found({**heun, "c": ["0", near]}, "RK311").message
    assert "(off by 1e-17)" in found({**heun, "claims": {"ssp": near}}, "RK402").message
    assert "(off by 1e-17)" in found({**heun, "claims": {"variance": "1.74999999999999999"}}, "RK404").message
    assert "sum to 1 - 1e-17, not to 1" in found({**heun, "b_hat": [near, "0"]}, "RK317").message
    shu = {"name": "x", "alpha": [["1"], ["1/2", "1/2"]], "beta": [["1"], ["0", "1/2"]]}
    assert "(off by 1e-17)" in found({**shu, "claims": {"declared_ssp": near}}, "RK403").message
    assert "(off by 1e-17)" in found({**shu, "A": [[], [near]], "b": ["1/2", "1/2"]}, "RK303").message
    assert "sums to 1 - 1e-17, not to 1" in found({**shu, "alpha": [[near], ["1/2", "1/2"]]}, "RK302").message
    assert "off by" not in found({**heun, "claims": {"ssp": "2"}}, "RK402").message


def test_rows_of_alpha_within_the_tolerance_make_no_order_exactly() -> None:
    shu = {"name": "x", "alpha": [["1.0001"], ["1/2", "1/2"]], "beta": [["1"], ["0", "1/2"]], "tolerance": "1e-3"}
    checked = report(shu)
    assert checked.order is not None
    assert (checked.order.value, checked.order.verdict, checked.order.exact) == (2, "tolerance", 0)
    assert checked.order.residual_float == 1e-4
    text = paragraph(checked)
    assert "order     2, within the tolerance" in text
    assert "rows of alpha sum to 1 within 0.0001" in text
    assert "within 0.0001" in found(shu, "RK319").message


def test_an_entry_above_the_diagonal_within_the_tolerance_is_zero() -> None:
    content = {"name": "x", "A": [["0", "1e-17"], ["1", "1e-16"]], "b": ["1/2", "1/2"], "tolerance": "1e-15"}
    checked = report(content)
    assert checked.ok
    assert checked.order is not None
    assert checked.order.value == 2
    assert "A[0][1]" in found(content, "RK343").message
    t = files.read_text(json.dumps(content)).tableau
    assert t is not None
    assert rkblocks.interpret(rkblocks.lower(t), lambda x: -x, 1.0, {}) == 0.5
    assert files.read_text(t.to_json()).tableau == t, "what the file says stays in it"
    assert found({**content, "tolerance": "1e-17"}, "RK301") is not None


def test_the_tolerance_of_a_command(tmp_path, capsys) -> None:
    path = tmp_path / "heun3.json"
    path.write_text(json.dumps(HEUN3))
    assert main(["check", str(path), "--tolerance", "1e-15"]) == 0
    out = capsys.readouterr().out
    assert "order     3, within the tolerance" in out
    assert "RK342" in out
    assert "in place of the file's 0" in out
    assert main(["check", str(path), "--tolerance", "1e-15", "--format", "json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["order"]["value"] == 3
    assert "RK342" in {d["code"] for d in result["diagnostics"]}
    for wrong in ("1/3", "x", "1", "-1e-3", "1e-99999"):
        assert main(["check", str(path), "--tolerance", wrong]) == 2
        assert "RK145" in capsys.readouterr().err
    assert rkblocks.check(path, Fraction(1, 10**15)).order.value == 3
