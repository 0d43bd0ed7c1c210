"""Poles within the domain of a family: found exactly, and not imagined."""

import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkblocks import files


def found(entry: str, **domains: tuple[str | None, str | None, str]) -> bool:
    """Whether a file with this entry is refused for a pole; a domain is (low, high, init)."""
    parameters = {name: {"domain": [low, high], "init": init} for name, (low, high, init) in domains.items()}
    reading = files.read_text(json.dumps({"parameters": parameters, "A": [[]], "b": [entry]}))
    codes = {d.code for d in reading.diagnostics}
    assert codes <= {"RK218"}
    return bool(codes)


@pytest.mark.parametrize(
    ("entry", "domain", "pole"),
    [
        ("1/w", ("-1", "1", "1/2"), True),
        ("1/w", ("0", "1", "1/2"), False),
        ("1/w", ("-1", "0", "-1/2"), False),
        ("1/w", (None, None, "1"), True),
        ("1/w", ("0", None, "1"), False),
        ("1/w", (None, "0", "-1"), False),
        ("1/(w**2 + 1)", (None, None, "0"), False),
        ("1/(w**2 - 2)", ("1", "2", "3/2"), True),
        ("1/(w**2 - 2)", ("0", "7/5", "1"), False),
        ("1/(w**2 - 2)", ("0", "1.4143", "1"), True),
        ("1/(w**2 - 2)", ("0", "sqrt(2)", "1"), False),
        ("1/(w - sqrt(2))", ("0", "sqrt(2)", "1"), False),
        ("1/(w - sqrt(2))", ("0", "3/2", "1"), True),
        ("1/(w - sqrt(2))", ("sqrt(2)", None, "3/2"), False),
        ("1/(w - 1/3)**2", ("0", "1", "1/2"), True),
        ("1/(w - 1)**2", ("0", "1", "1/2"), False),
        ("1/((w - 1)**3*(w - 1/2))", ("0", "1", "1/4"), True),
        ("1/(w*(w - 1))", ("0", "1", "1/4"), False),
        ("(w - 1/2)/(w - 1/2)", ("0", "1", "1/4"), False),
        ("1 + 1/w - 1/w", ("-1", "1", "1/4"), False),
        ("1/(w**4 - 5*w**2 + 6)", ("3/2", "2", "1.7"), True),
        ("1/(w**4 - 5*w**2 + 6)", ("1.42", "1.73", "1.5"), False),
        ("1/(w - 0.3333333333333333)", ("0.3333333333333332", "0.3333333333333334", "0.33333333333333325"), True),
    ],
)
def test_one_parameter_is_decided_exactly(entry: str, domain: tuple[str | None, str | None, str], pole: bool) -> None:
    assert found(entry, w=domain) is pole


@given(st.fractions(-3, 3, max_denominator=20), st.fractions(-3, 3, max_denominator=20), st.integers(1, 3))
@settings(deadline=None)
def test_a_linear_denominator_has_its_pole_where_it_says(root: Fraction, low: Fraction, power: int) -> None:
    high = low + 1
    init = low + Fraction(1, 97)
    assert found(f"1/(w - ({root}))**{power}", w=(str(low), str(high), str(init))) is (low < root < high)


@pytest.mark.parametrize(
    ("entry", "pole"),
    [
        ("1/(v - w)", True),
        ("1/(v + w)", False),
        ("1/(v*w)", False),
        ("1/(v + w - 1)", True),
        ("1/((v + w)*(2*w - 1))", True),
        ("1/(v**2 + w**2 + 1)", False),
        ("1/(sqrt(2)*v - w)", True),
        ("1/(sqrt(2)*v + w)", False),
        ("1/((v - 1/3)**2 + (w - 2/7)**2)", True),
        ("1/((v - 1/3)**2 + (w - 9/7)**2)", False),
        ("1/(v**2 + w**2)", False),
        ("1/((v - 1/2)**2 + (w - 1)**2)", False),
        ("1/((v - w)**4 + (v + w - 2/3)**2)", True),
        ("1/((v - w)**2 + v**2*w**2 + 1/1000)", False),
        ("1/(v**2*(w - 1/2)**2 + (v - 1/3)**2)", True),
    ],
)
def test_several_parameters(entry: str, pole: bool) -> None:
    assert found(entry, v=("0", "1", "1/2"), w=("0", "1", "1/4")) is pole


@pytest.mark.parametrize(
    ("entry", "pole"),
    [
        ("1/((u - v)**2 + (w - 1/3)**2)", True),  # along a line
        ("1/((u - 1/7)**2 + (v - 2/7)**2 + (w - 3/7)**2)", True),
        ("1/((u - 1/7)**2 + (v - 2/7)**2 + (w - 10/7)**2)", False),
        ("1/((u*v - w)**2 + (u + v + w)**2)", False),
    ],
)
def test_three_parameters(entry: str, pole: bool) -> None:
    assert found(entry, u=("0", "1", "1/5"), v=("0", "1", "2/5"), w=("0", "1", "3/5")) is pole


@given(*[st.fractions(Fraction(1, 9), Fraction(8, 9), max_denominator=9)] * 2, st.integers(1, 3), st.integers(-2, 2))
@settings(deadline=None, max_examples=25)
def test_a_zero_at_one_inner_point_is_found(x: Fraction, y: Fraction, scale: int, mix: int) -> None:
    entry = f"1/({scale}*(v - ({x}))**2 + (w - ({y}) + ({mix})*(v - ({x})))**2)"
    assert found(entry, v=("0", "1", "1/97"), w=("0", "1", "2/97"))


def test_the_initial_values_themselves() -> None:
    """(v - w)**2 has one sign everywhere else, and the grid may miss its zeros."""
    assert found("1/(v - w)**2", v=("0", "1", "1/5"), w=("0", "1", "1/5"))


def test_poles_of_domains_and_claims_do_not_count() -> None:
    text = json.dumps(
        {
            "parameters": {"w": {"domain": ["-1", "1"], "init": "1/2"}},
            "A": [[]],
            "b": ["w"],
            "claims": {"ssp": "1/w"},
        }
    )
    assert not files.read_text(text).diagnostics
