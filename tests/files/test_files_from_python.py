"""`rkblocks.tableau(...)`: what Python values become, through the reader of files, and back."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import example, given
from hypothesis import strategies as st

import rkblocks
from rkblocks import files
from rkblocks.exact.decimals import meant, places, simplest
from rkblocks.tableau import Tableau
from rkblocks.testing import strategies

x = sympy.Symbol("x", positive=True)
FAMILY = {"parameters": {"x": {"domain": [Fraction(1, 2), None], "init": 1}}, "A": [[], [x]]}


def keywords(t: Tableau) -> dict[str, Any]:
    """The public values of a tableau as keywords: numbers and expressions of sympy."""
    butcher = {} if t.butcher is None else {"A": t.A, "b": t.b}
    declared = {} if t.shu_osher is None else {"alpha": t.alpha, "beta": t.beta}
    number = t.field.constants.sympy
    parameters = {
        p.name: {
            "domain": [None if end is None else number(end) for end in (p.low, p.high)],
            "init": number(p.init),
            "learnable": p.learnable,
        }
        for p in t.parameters
    }
    more = {"parameters": parameters} if parameters else {}
    if t.butcher is not None and t.butcher.c is not None:
        more["c"] = t.c
    if t.b_hat is not None:
        more["b_hat"] = t.b_hat
    return {"name": t.name, "tolerance": t.tolerance or None, **declared, **butcher, **more}


@given(st.one_of(strategies.tableaus(), strategies.families()))
def test_a_round_trip_through_python_and_through_text(t: Tableau) -> None:
    again = rkblocks.tableau(**keywords(t))
    assert again == t
    assert files.read_text(again.to_json(), "again.json").tableau == t


@pytest.mark.parametrize("name", ["cooperverner8", "ark", "bs3", "ssprk54"])
def test_the_library_from_its_public_values(name: str, tmp_path: Path) -> None:
    t = rkblocks.load(name)
    again = rkblocks.tableau(**keywords(t))
    assert again.digest == t.digest
    path = tmp_path / "again.json"
    rkblocks.save(again, path)
    assert rkblocks.load(path) == again
    assert rkblocks.check(path).to_dict()["order"] == rkblocks.check(name).to_dict()["order"]


@pytest.mark.parametrize(
    "half",
    [
        *(Fraction(1, 2), sympy.Rational(1, 2), "1/2", "0.5", Decimal("0.5"), Decimal("5E-1")),
        *(sympy.sqrt(sympy.Rational(1, 4)), 1 - sympy.Integer(1) / 2, np.array(Fraction(1, 2))),
    ],
)  # fmt: skip
def test_every_way_to_write_a_half(half: Any) -> None:
    assert rkblocks.tableau(A=[[], [np.int64(1)]], b=[half, half]).b == (sympy.Rational(1, 2),) * 2


def test_rows_of_arrays_and_matrices() -> None:
    wanted = rkblocks.tableau(A=[[0, 0], [1, 0]], b=[1, 0])
    A = np.array([[0, 0], [1, 0]])
    for given_A, b in ((A, np.array([1, 0])), (sympy.Matrix(A), sympy.Matrix([1, 0])), ((r for r in A), (1, 0))):
        assert rkblocks.tableau(A=given_A, b=b) == wanted


def test_floats_count_by_their_shortest_text_where_a_tolerance_says_what_they_are() -> None:
    for third in (1 / 3, np.float64(1 / 3)):
        t = rkblocks.tableau(A=[[], [third]], b=[-0.5, 1.5], tolerance=1e-15)
        assert t.A[1][0] == sympy.Rational("0.3333333333333333")
        assert t.tolerance == Fraction(1, 10**15)
    single = rkblocks.tableau(A=[[], [np.float32(1 / 3)]], b=[-0.5, 1.5], tolerance="1e-6")
    assert single.A[1][0] == sympy.Rational("0.33333334")


@pytest.mark.parametrize(
    ("entry", "more", "code"),
    [
        (1 / 3, {}, "RK340"),
        (np.float64(0.5), {}, "RK340"),
        (sympy.Float("0.5"), {}, "RK340"),
        (x / 3.0, {}, "RK340"),
        (float("nan"), {"tolerance": "1e-9"}, "RK340"),
        (sympy.oo, {}, "RK340"),
        (sympy.pi, {}, "RK340"),
        (sympy.I, {"parameters": {"I": {"domain": [0, 1], "init": "1/2"}}}, "RK340"),
        (sympy.Symbol("1/2"), {}, "RK340"),
        (1j, {}, "RK340"),
        (object(), {}, "RK340"),
        (b"1", {}, "RK340"),
        ({1}, {}, "RK340"),
        (sympy.sin(1), {}, "RK220"),
        (sympy.Symbol("y"), {}, "RK203"),
        (sympy.cbrt(2), {}, "RK208"),
        ("1/0", {}, "RK207"),
        (True, {}, "RK221"),
        (None, {}, "RK221"),
        ([1], {}, "RK221"),
        pytest.param(10**5000, {}, "RK212", id="5000 digits"),
        pytest.param(Fraction(1, 10**2000), {}, "RK211", id="2000 digits"),
    ],
)
def test_what_is_refused_has_a_code_a_place_and_help(entry: Any, more: dict[str, Any], code: str) -> None:
    with pytest.raises(rkblocks.TableauError if code != "RK340" else rkblocks.RkblocksError) as raised:
        rkblocks.tableau(A=[[], [entry]], b=["1/2", "1/2"], **more)
    found = raised.value.diagnostics[0]
    assert found.code == code
    assert found.path.startswith("/A/1/0")
    assert found.help
    assert found.line is None
    assert str(raised.value).startswith("tableau(): /A/1/0")


def test_a_float_is_refused_with_the_fraction_that_it_may_stand_for() -> None:
    with pytest.raises(rkblocks.RkblocksError, match=r'"2/3".*tolerance="1e-15"'):
        rkblocks.tableau(alpha=[[1]], beta=[[2 / 3]])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rkblocks.tableau(), "RK133: no form of a scheme is given"),
        (lambda: rkblocks.tableau([[], [1]], ["1/2", "1/2"]), "RK822: 2 arguments without a name.*\n.*A=..., b=..."),
        (lambda: rkblocks.tableau(A=None, b=[1]), 'RK134: "b" is given without "A"'),
        (lambda: rkblocks.tableau(A=np.zeros((1, 1)), b=[1]), r"RK340: 0\.0 \(float64 of numpy\) is a float"),
        (lambda: rkblocks.check({"A": [[]], "b": [1]}), r"RK002.*\n.*rkblocks\.tableau\(\*\*it\)"),
    ],
)
def test_what_is_missing_of_a_tableau_is_said_in_words_of_python(call: Callable[[], object], words: str) -> None:
    with pytest.raises(rkblocks.RkblocksError, match=words):
        call()


def test_claims_and_texts_are_those_of_a_file() -> None:
    t = rkblocks.tableau(
        **FAMILY,
        b=[1 - 1 / (2 * x), 1 / (2 * x)],
        title="t",
        aliases=("a",),
        references=["r"],
        claims={"order": 2, "variance": Fraction(9, 4) - 1 / x + 1 / (2 * x**2)},
    )
    report = rkblocks.check(t)
    assert report.ok, report.diagnostics
    assert (t.title, t.aliases, t.references, report.source) == ("t", ("a",), ("r",), "")
    with pytest.raises(rkblocks.TableauError, match="RK131"):
        rkblocks.tableau(A=[[]], b=[1], claims={"oder": 1})
    with pytest.raises(TypeError):
        rkblocks.tableau(A=[[]], b=[1], oder=1)  # type: ignore[call-arg]


def test_the_diagnostics_of_check_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"name": "x", "A": [[], ["1"]], "b": ["1/2", "1/3"]}))
    from_file = rkblocks.check(path).diagnostics
    from_python = rkblocks.check(rkblocks.tableau(name="x", A=[[], [1]], b=["1/2", "1/3"])).diagnostics
    assert [replace(d, line=None, column=None) for d in from_file] == list(from_python)


def test_save_says_why_it_cannot(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "x.json", f"{tmp_path}/\0"):
        with pytest.raises(rkblocks.RkblocksError, match="RK903"):
            rkblocks.save(rkblocks.load("euler"), path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a device of Linux")
def test_the_help_fits_the_place_that_takes_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    helps = {
        str(tmp_path): f"name a file, such as {tmp_path}/NAME",
        "/dev/full": "make room, or name a file on another disk",
        "/proc/x.json": "no file can be made in this folder: name one in another",
        f"{tmp_path}/file/x": "name a file in a folder that exists",
        f"{tmp_path}/\0": "leave out the NUL",
    }
    for path, help in helps.items():
        with pytest.raises(rkblocks.RkblocksError) as error:
            rkblocks.save(rkblocks.load("euler"), path)
        assert error.value.diagnostics[0].help == help


def test_check_of_what_does_not_exist_raises(tmp_path: Path) -> None:
    for missing, code in (("ssp33333", "RK002"), (tmp_path / "no.json", "RK001"), (tmp_path, "RK004")):
        with pytest.raises(rkblocks.RkblocksError, match=code):
            rkblocks.check(missing)


def test_the_function_keeps_its_name_beside_the_module() -> None:
    import rkblocks.tableau

    assert callable(rkblocks.tableau)
    assert rkblocks.Tableau is Tableau


@given(st.fractions(0, 3, max_denominator=60), st.integers(8, 17))
@example(Fraction(1, 32), 8)  # five places, no other fraction as simple within half a unit of the last: itself
def test_a_rounded_fraction_is_found_again(fraction: Fraction, digits: int) -> None:
    assert meant(Fraction(round(fraction * 10**digits), 10**digits)) == fraction
    assert meant(Fraction(repr(float(fraction)))) == fraction


@given(st.fractions(0, 1).filter(lambda q: q.denominator > 10**8))
def test_a_number_without_a_simple_fraction_nearby_has_none(value: Fraction) -> None:
    decimal = Fraction(round(value * 10**12), 10**12)
    found = meant(decimal)
    assert found is None or found == decimal or found.denominator < 10**5


@given(st.fractions(-3, 3, max_denominator=500), st.fractions(0, 1, max_denominator=500))
def test_the_simplest_fraction(low: Fraction, width: Fraction) -> None:
    found = simplest(low, low + width)
    assert low <= found <= low + width
    for q in range(1, found.denominator):
        assert -(-low * q // 1) > (low + width) * q // 1, "no smaller denominator has one inside"


def test_places_of_decimals() -> None:
    assert [places(Fraction(text)) for text in ("1", "0.5", "1e-7", "1/3", "3/1024")] == [0, 1, 7, None, 10]
