"""The threat model: exact numbers, every field validated with its own code."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkblocks.attacks import Threat, fraction_text
from rkblocks.diagnostics import RkblocksError
from rkblocks.settings.threat import parse_fraction


def test_budgets_are_exact_whatever_they_were_written_as():
    threat = Threat(eps="8/255", step="2/255")
    assert threat.eps == Fraction(8, 255)
    assert threat.length == Fraction(2, 255)
    assert Threat(eps=0.1).eps == Fraction(1, 10)
    assert Threat(eps="1e-3").eps == Fraction(1, 1000)
    assert Threat(eps="0.5/255").eps == Fraction(1, 510)
    assert Threat(eps="0.3", step=None).length == Fraction(3, 40)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"norm": "l7"}, "RK802"),
        ({"eps": "-1/255"}, "RK803"),
        ({"eps": "1/0"}, "RK803"),
        ({"eps": float("nan")}, "RK803"),
        ({"eps": True}, "RK803"),
        ({"eps": "9e999999999"}, "RK803"),
        ({"eps": "1e39"}, "RK803"),
        ({"eps": 10**6 + 1}, "RK803"),
        ({"step": "1e39"}, "RK803"),
        ({"step": "x"}, "RK803"),
        ({"steps": -1}, "RK804"),
        ({"steps": 2.0}, "RK804"),
        ({"steps": True}, "RK804"),
        ({"restarts": 0}, "RK804"),
        ({"restarts": 10**9}, "RK804"),
        ({"random_start": 1}, "RK804"),
        ({"rounded": 1}, "RK804"),
        ({"rounded": True, "bounds": (0, 2)}, "RK806"),
        ({"restarts": 2, "random_start": False}, "RK804"),
        ({"loss": "mse"}, "RK805"),
        ({"targets": 0}, "RK813"),
        ({"targets": True}, "RK813"),
        ({"targets": "most"}, "RK813"),
        ({"decay": "-1"}, "RK803"),
        ({"queries": 0}, "RK804"),
        ({"bounds": (1, 0)}, "RK806"),
        ({"bounds": (0,)}, "RK806"),
        ({"bounds": 7}, "RK806"),
    ],
)
def test_each_unfit_field_has_its_code(fields, code):
    with pytest.raises(RkblocksError) as caught:
        Threat(**fields)
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert found.help


def test_the_report_holds_everything_and_reads_well():
    threat = Threat(eps="8/255", steps=20, step="2/255", restarts=5, loss="margin")
    assert threat.to_dict() == {
        "norm": "linf",
        "eps": "8/255",
        "steps": 20,
        "step": "2/255",
        "restarts": 5,
        "random_start": True,
        "loss": "margin",
        "bounds": ["0", "1"],
    }
    assert threat.text() == "linf eps 8/255, 20 steps of 2/255, random start, 5 restarts, loss margin"
    assert threat.reach == Fraction(40, 255)


def test_fields_of_single_attacks_are_reported_where_they_are_set():
    threat = Threat(eps="8/255", step="2/255", targets="3", decay="9/10", queries=100, source="runs/b")
    assert threat.to_dict() == {
        **Threat(eps="8/255", step="2/255").to_dict(),
        "targets": 3,
        "decay": "9/10",
        "queries": 100,
        "source": "runs/b",
    }
    assert threat.text().endswith("loss ce, 3 targets, decay 9/10, 100 queries, from runs/b")
    square = Threat(eps="3/10", steps=0, queries=1000, loss="margin")
    assert square.text() == "linf eps 3/10, 1 restart, loss margin, 1000 queries"
    assert Threat(targets="least-likely").to_dict()["targets"] == "least-likely"


def test_texts_of_budgets_parse_back():
    assert fraction_text(Fraction(15, 255)) == "15/255"
    assert fraction_text(Fraction(3, 10)) == "3/10"
    assert fraction_text(Fraction(1)) == "1"


@given(st.fractions(min_value=0, max_value=10, max_denominator=10**6))
def test_every_text_parses_back(value):
    assert parse_fraction(fraction_text(value), "eps") == value


@given(st.floats(min_value=1e-90, max_value=10))
def test_a_float_is_read_as_its_shortest_decimal(value):
    assert float(parse_fraction(value, "eps")) == value


@pytest.mark.parametrize(
    ("value", "help"),
    [
        ("1e999", "pixels lie in [0, 1]: eps=8/255"),
        ("1e30", "pixels lie in [0, 1]: eps=8/255"),
        (float("inf"), "pixels lie in [0, 1]: eps=8/255"),
        (float("nan"), "write eps as a fraction (8/255) or a decimal (0.03)"),
        ("eight", "write eps as a fraction (8/255) or a decimal (0.03)"),
        ("-1/255", "write it without a sign: 1/255"),
        ("1e-999", "a number has at most 40 digits on either side of its point, and 2 in its exponent"),
    ],
)
def test_a_budget_that_is_none_is_told_the_range_and_what_helps(value, help):
    with pytest.raises(RkblocksError, match=r"expected from 0 to 1000000") as error:
        parse_fraction(value, "eps")
    assert error.value.diagnostics[0].help == help


def test_another_radius_keeps_the_ratio_of_step_and_radius():
    wide = Threat(eps="8/255", steps=10, step="2/255").with_eps("16/255")
    assert (wide.length, wide.steps) == (Fraction(4, 255), 10)
    assert Threat(eps=0, step=0).with_eps("4/255").length == Fraction(1, 255)
