"""Reading files: what a sound file gives, and one wrong thing at a time with its code and place."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from rkblocks import files
from rkblocks.diagnostics import RkblocksError, Severity, TableauError
from rkblocks.files.shapes import MOST_STAGES


def read(text: str, source: str = "mine.json") -> files.Reading:
    return files.read_text(text, source)


def codes(text: str) -> list[tuple[str, str]]:
    return [(d.code, d.path) for d in read(text).diagnostics]


HEUN = {"name": "heun", "alpha": [["1"], ["1/2", "1/2"]], "beta": [["1"], ["0", "1/2"]]}
BUTCHER = {"name": "heun", "A": [[], ["1"]], "b": ["1/2", "1/2"]}
W = {"domain": ["1/4", "1"], "init": "1/2"}
FAMILY = {"name": "family", "parameters": {"w": W}, "A": [[], ["w"]], "b": ["1 - 1/(2*w)", "1/(2*w)"]}


def test_shu_osher_form() -> None:
    tableau = read(json.dumps(HEUN)).tableau
    assert tableau is not None
    assert tableau.name == "heun"
    assert tableau.stages == 2
    assert [[str(e) for e in row] for row in tableau.alpha or ()] == [["1"], ["1/2", "1/2"]]
    assert [str(e) for e in tableau.b] == ["1/2", "1/2"]


@pytest.mark.parametrize("rows", [[[], ["1"]], [["0", "0"], ["1", "0"]], [[0, 0], [1, 0]], [[], [1.0]], [[], ["1e0"]]])
def test_butcher_form_in_both_shapes_and_all_spellings(rows: list[list[object]]) -> None:
    expected = read(json.dumps(BUTCHER)).tableau
    assert expected is not None
    assert read(json.dumps({**BUTCHER, "A": rows})).tableau == expected
    assert [[str(e) for e in row] for row in expected.A] == [["0", "0"], ["1", "0"]]


def test_a_bare_decimal_is_the_decimal_and_not_a_double() -> None:
    tableau = read('{"A": [[], [0.1]], "b": [0.30000000000000000000000000000001, 7e-1]}').tableau
    assert tableau is not None
    field = tableau.field
    assert field.fraction(tableau.butcher_form.A[1][0]) == Fraction(1, 10)
    assert field.fraction(tableau.butcher_form.b[0]) == Fraction(3, 10) + Fraction(1, 10**32)
    assert field.fraction(tableau.butcher_form.b[1]) == Fraction(7, 10)


def test_an_implicit_table_is_read_for_the_checker_to_judge() -> None:
    tableau = read('{"A": [["1/2"]], "b": ["1"]}').tableau
    assert tableau is not None
    assert not tableau.butcher_form.is_explicit()


def test_everything_a_file_can_say() -> None:
    text = json.dumps(
        {
            "$schema": "tableau-v1.schema.json",
            **FAMILY,
            "title": "A family",
            "aliases": ["Fam(2)"],
            "references": ["Author 2020, eq. (1)"],
            "c": ["0", "w"],
            "b_hat": ["1", "0"],
            "tolerance": "1e-15",
            "claims": {"order": 2, "ssp": "2 - 1/w", "variance": "1.75…", "declared_ssp": "1.508..."},
            "parameters": {"w": {**W, "learnable": False}, "v": {"domain": [None, None], "init": "-3/2"}},
        }
    )
    reading = read(text)
    assert not reading.diagnostics
    tableau = reading.tableau
    assert tableau is not None
    assert (tableau.title, tableau.aliases, tableau.references) == ("A family", ("Fam(2)",), ("Author 2020, eq. (1)",))
    assert tableau.tolerance == Fraction(1, 10**15)
    w, v = tableau.parameters
    constants = tableau.field.constants
    assert (w.name, w.learnable, constants.fraction(w.low), constants.fraction(w.high)) == (
        "w",
        False,
        Fraction(1, 4),
        Fraction(1),
    )
    assert (v.low, v.high, v.learnable, constants.to_float(v.init)) == (None, None, True, -1.5)
    claims = tableau.claims
    assert claims.order == 2
    assert claims.ssp is not None
    assert tableau.field.text(claims.ssp.value) == "2 - 1/w"
    assert claims.variance is not None
    assert (claims.variance.value, claims.variance.digits, claims.variance.text) == (None, "1.75", "1.75…")
    assert claims.declared_ssp is not None
    assert claims.declared_ssp.digits == "1.508"


def test_positions_of_every_value() -> None:
    origin = read('{\n  "name": "a",\n  "A": [[],\n    ["1"]],\n  "b": [0, "1"]\n}').origin
    assert origin is not None
    assert origin.positions[""] == (1, 1)
    assert origin.positions["/name"] == (2, 11)
    assert origin.positions["/A/1/0"] == (4, 6)
    assert origin.positions["/b/1"] == (5, 12)


@pytest.mark.parametrize(
    ("source", "name"),
    [("schemes/my scheme.json", "my_scheme"), ("-", "unnamed"), ("", "unnamed"), ("3rd.json", "unnamed")],
)
def test_a_file_without_a_name_is_called_after_its_file(source: str, name: str) -> None:
    tableau = read('{"A": [[]], "b": ["1"]}', source).tableau
    assert tableau is not None
    assert tableau.name == name


def with_(base: dict[str, object], **changes: object) -> str:
    return json.dumps({**base, **changes})


def parameter(**changes: object) -> str:
    return json.dumps({**FAMILY, "parameters": {"w": {**W, **changes}}})


BAD = {
    "list at the top": ("[1]", [("RK130", "")]),
    "text at the top": ('"ssp3"', [("RK130", "")]),
    "number at the top": ("3", [("RK130", "")]),
    "null at the top": ("null", [("RK130", "")]),
    "empty object": ("{}", [("RK133", "")]),
    "unknown key": (with_(BUTCHER, claim={}), [("RK131", "/claim")]),
    "key in the wrong case": (with_(BUTCHER, Name="x"), [("RK131", "/Name")]),
    "unknown key of claims": (with_(BUTCHER, claims={"cfl": "1"}), [("RK131", "/claims/cfl")]),
    "unknown key of a parameter": (parameter(start="1/2"), [("RK131", "/parameters/w/start")]),
    "name of the wrong type": (with_(BUTCHER, name=3), [("RK132", "/name")]),
    "title of the wrong type": (with_(BUTCHER, title=["x"]), [("RK132", "/title")]),
    "schema of the wrong type": (with_(BUTCHER, **{"$schema": 1}), [("RK132", "/$schema")]),
    "aliases of the wrong type": (with_(BUTCHER, aliases="heun2"), [("RK132", "/aliases")]),
    "references of the wrong type": (with_(BUTCHER, references=[1]), [("RK132", "/references/0")]),
    "claims of the wrong type": (with_(BUTCHER, claims=[]), [("RK132", "/claims")]),
    "parameters of the wrong type": (with_(BUTCHER, parameters=["w"]), [("RK132", "/parameters")]),
    "a parameter of the wrong type": (with_(BUTCHER, parameters={"w": "1/2"}), [("RK132", "/parameters/w")]),
    "learnable of the wrong type": (parameter(learnable=1), [("RK132", "/parameters/w/learnable")]),
    "learnable null": (parameter(learnable=None), [("RK132", "/parameters/w/learnable")]),
    "vector of the wrong type": (with_(BUTCHER, b={"1": "1"}), [("RK132", "/b")]),
    "matrix of the wrong type": (with_(BUTCHER, A="1"), [("RK132", "/A")]),
    "row of the wrong type": (with_(BUTCHER, A=[[], "1"]), [("RK132", "/A/1")]),
    "alpha alone": ('{"alpha": [["1"]]}', [("RK134", "/alpha")]),
    "beta alone": ('{"beta": [["1"]]}', [("RK134", "/beta")]),
    "A alone": ('{"A": [[]]}', [("RK134", "/A")]),
    "b alone": ('{"b": ["1"]}', [("RK134", "/b")]),
    "c beside the Shu-Osher form": (with_(HEUN, c=["0", "1"]), [("RK134", "/c")]),
    "no stages": ('{"A": [], "b": []}', [("RK135", "/A"), ("RK135", "/b")]),
    "short row of alpha": (with_(HEUN, alpha=[["1"], ["1"]]), [("RK136", "/alpha/1")]),
    "long row of alpha": (with_(HEUN, alpha=[["1", "0"], ["1/2", "1/2"]]), [("RK136", "/alpha/0")]),
    "ragged A": (with_(BUTCHER, A=[[], ["1", "0"]]), [("RK136", "/A/1")]),
    "A neither square nor a triangle": (with_(BUTCHER, A=[["0", "0"], ["1"]]), [("RK136", "/A/1")]),
    "rows of beta": (with_(HEUN, beta=[["1"]]), [("RK137", "/beta")]),
    "length of b": (with_(BUTCHER, b=["1"]), [("RK137", "/b")]),
    "length of c": (with_(BUTCHER, c=["0", "1", "1"]), [("RK137", "/c")]),
    "length of b_hat": (with_(BUTCHER, b_hat=["1"]), [("RK137", "/b_hat")]),
    "forms of different size": (with_(HEUN, A=[[]], b=["1"]), [("RK137", "/A")]),
    "too many stages": (with_(BUTCHER, A=[["0"]] * (MOST_STAGES + 1)), [("RK138", "/A")]),
    "name with a space": (with_(BUTCHER, name="my heun"), [("RK139", "/name")]),
    "name that is a path": (with_(BUTCHER, name="../heun"), [("RK139", "/name")]),
    "name beyond ASCII": (with_(BUTCHER, name="heün"), [("RK139", "/name")]),
    "empty name": (with_(BUTCHER, name=""), [("RK140", "/name")]),
    "escape sequence in a title": (with_(BUTCHER, title="\x1b[2J"), [("RK140", "/title")]),
    "line break in a reference": (with_(BUTCHER, references=["a\nb"]), [("RK140", "/references/0")]),
    "empty alias": (with_(BUTCHER, aliases=["x", " "]), [("RK140", "/aliases/1")]),
    "parameter without anything": (
        with_(FAMILY, parameters={"w": {}}),
        [("RK141", "/parameters/w"), ("RK141", "/parameters/w")],
    ),
    "domain as text": (parameter(domain="(0, 1)"), [("RK142", "/parameters/w/domain")]),
    "domain of one bound": (parameter(domain=["0"]), [("RK142", "/parameters/w/domain")]),
    "domain null": (parameter(domain=None), [("RK142", "/parameters/w/domain")]),
    "bound of the wrong type": (parameter(domain=[False, "1"]), [("RK221", "/parameters/w/domain/0")]),
    "bound outside the grammar": (parameter(domain=["0", "1^2"]), [("RK206", "/parameters/w/domain/1")]),
    "init null": (parameter(init=None), [("RK221", "/parameters/w/init")]),
    "init of a parameter": (parameter(init="w"), [("RK215", "/parameters/w/init")]),
    "parameter called sqrt": (with_(BUTCHER, parameters={"sqrt": W}), [("RK143", "/parameters/sqrt")]),
    "parameter with a space": (with_(BUTCHER, parameters={"a b": W}), [("RK143", "/parameters/a b")]),
    "parameter that is empty": (with_(BUTCHER, parameters={"": W}), [("RK143", "/parameters/")]),
    "parameter that is a keyword": (with_(BUTCHER, parameters={"class": W}), [("RK143", "/parameters/class")]),
    "too many parameters": (with_(BUTCHER, parameters={f"p{i}": W for i in range(17)}), [("RK146", "/parameters")]),
    "empty domain": (parameter(domain=["1", "1"]), [("RK216", "/parameters/w/domain")]),
    "domain the wrong way": (parameter(domain=["sqrt(2)", "7/5"], init="1"), [("RK216", "/parameters/w/domain")]),
    "init below": (parameter(init="1/5"), [("RK217", "/parameters/w/init")]),
    "init at the end": (parameter(init="1"), [("RK217", "/parameters/w/init")]),
    "order as text": (with_(BUTCHER, claims={"order": "2"}), [("RK144", "/claims/order")]),
    "order as a decimal": (with_(BUTCHER, claims={"order": 2.0}), [("RK144", "/claims/order")]),
    "negative order": (with_(BUTCHER, claims={"order": -1}), [("RK144", "/claims/order")]),
    "order true": (with_(BUTCHER, claims={"order": True}), [("RK144", "/claims/order")]),
    "claim null": (with_(BUTCHER, claims={"ssp": None}), [("RK221", "/claims/ssp")]),
    "claim outside the grammar": (with_(BUTCHER, claims={"ssp": "about 1"}), [("RK203", "/claims/ssp")]),
    "digits of an expression": (with_(BUTCHER, claims={"ssp": "1/2…"}), [("RK206", "/claims/ssp")]),
    "negative tolerance": (with_(BUTCHER, tolerance="-1e-9"), [("RK145", "/tolerance")]),
    "tolerance as an expression": (with_(BUTCHER, tolerance="1/1000"), [("RK145", "/tolerance")]),
    "tolerance of one": (with_(BUTCHER, tolerance="1.0"), [("RK145", "/tolerance")]),
    "tolerance null": (with_(BUTCHER, tolerance=None), [("RK145", "/tolerance")]),
    "tolerance beyond any digit": (with_(BUTCHER, tolerance="1e-99999"), [("RK211", "/tolerance")]),
    "true as an entry": (with_(BUTCHER, b=[True, 0]), [("RK221", "/b/0")]),
    "null as an entry": (with_(BUTCHER, b=[0, None]), [("RK221", "/b/1")]),
    "list as an entry": (with_(BUTCHER, A=[[], [["1"]]]), [("RK221", "/A/1/0")]),
    "object as an entry": (with_(BUTCHER, b=[{}, 1]), [("RK221", "/b/0")]),
    "parameter that is not declared": (with_(BUTCHER, b=["v", "1"]), [("RK203", "/b/0")]),
    "division by zero in one entry": (with_(BUTCHER, b=["1/0", "1"]), [("RK207", "/b/0")]),
    "pole at an inner point": (parameter(domain=["-1", "1"]), [("RK218", "/b/0"), ("RK218", "/b/1")]),
    "four square roots": (
        with_(BUTCHER, A=[[], ["sqrt(2)+sqrt(3)"]], b=["sqrt(5)", "sqrt(7)"]),
        [("RK214", "/b/1")],
    ),
    "root of a long number": (with_(BUTCHER, b=["sqrt(1e40 + 1)", "0"]), [("RK213", "/b/0")]),
    "roots that are long together": (
        with_(BUTCHER, b=["sqrt(999999937)", "sqrt(999999929) + sqrt(999999893)"]),
        [("RK213", "/b/1")],
    ),
}


@pytest.mark.parametrize(("text", "expected"), BAD.values(), ids=BAD)
def test_one_wrong_thing_gives_its_code_at_its_place(text: str, expected: list[tuple[str, str]]) -> None:
    reading = read(text)
    assert [(d.code, d.path) for d in reading.diagnostics] == expected
    assert reading.tableau is None
    assert all(d.status == 2 and d.line is not None and d.column is not None for d in reading.diagnostics)


def test_the_column_is_that_of_the_mistake_within_the_entry() -> None:
    text = '{\n  "A": [[],\n        ["1 - \\u0031/(2*q)"]],\n  "b": [0, 1 ]\n}'
    (found,) = read(text).diagnostics
    assert (found.code, found.path, found.line, found.column) == ("RK203", "/A/1/0", 3, 25)


def test_all_problems_of_a_file_are_reported_at_once_in_its_order() -> None:
    text = """{
  'name': "my heun",
  "alfa": 1,
  "A": [[], ["1", "0"],],
  "b": ["1/0", "2^3"],
  "b": [1],
  "parameters": {"w": {"domain": ["1", "0"], "init": "1/2"}},
  "claims": {"order": 2.5, "sspp": "1"}
}"""
    assert [(d.code, d.line) for d in read(text).diagnostics] == [
        ("RK111", 2),
        ("RK139", 2),
        ("RK131", 3),
        ("RK136", 4),
        ("RK109", 4),
        ("RK207", 5),
        ("RK206", 5),
        ("RK105", 6),
        ("RK216", 7),
        ("RK144", 8),
        ("RK131", 8),
    ]


@pytest.mark.parametrize(("key", "meant"), [("alfa", "alpha"), ("Claims", "claims"), ("bhat", "b_hat"), ("B", "b")])
def test_an_unknown_key_is_answered_with_the_nearest(key: str, meant: str) -> None:
    found = [d for d in read(with_(BUTCHER, **{key: 1})).diagnostics if d.code == "RK131"]
    assert [d.help for d in found] == [f'did you mean "{meant}"?']


def test_load_raises_all_errors_with_the_source(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"A": [["x"]], "b": ["1/0"]}')
    with pytest.raises(TableauError) as raised:
        files.load(str(path))
    assert [d.code for d in raised.value.diagnostics] == ["RK203", "RK207"]
    assert raised.value.status == 2
    assert raised.value.source == str(path)


def test_a_warning_does_not_stop_load(tmp_path: Path) -> None:
    path = tmp_path / "marked.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(BUTCHER).encode())
    assert files.load(path).name == "heun"
    (found,) = files.read(path).diagnostics
    assert (found.code, found.severity, found.status) == ("RK104", Severity.WARNING, 0)


@pytest.mark.parametrize("odd", [None, 3, b"ssp3", ["ssp3"], {}, True])
def test_what_names_no_scheme_is_refused_by_its_type(odd: object) -> None:
    with pytest.raises(TableauError, match=f"RK002.*of type {type(odd).__name__}, which names no scheme"):
        files.load(odd)  # type: ignore[arg-type]


def test_a_link_to_nothing_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "mine.json").symlink_to(tmp_path / "gone.json")
    (problem,) = files.read(str(tmp_path / "mine.json")).diagnostics
    assert (problem.code, "it is a link to" in problem.help, "gone.json" in problem.help) == ("RK001", True, True)


def test_plurals_in_messages() -> None:
    (problem,) = files.read_text('{"A": [[]], "b": [{}]}').diagnostics
    assert "an object with 0 keys" in problem.message


def test_reading_a_missing_file_raises_nothing(tmp_path: Path) -> None:
    reading = files.read(str(tmp_path / "none.json"))
    assert reading.tableau is None
    assert [d.code for d in reading.diagnostics] == ["RK001"]
    with pytest.raises(RkblocksError):
        files.load(tmp_path / "none.json")


@pytest.mark.parametrize("first", ["sqrt(5)", "sqrt(4131609078095)"])
def test_dependent_roots_are_counted_once_in_any_order(first: str) -> None:
    """Chummund's method of order 6 has sqrt(5), sqrt(826321815619) and the square root of their product."""
    entries = [first, "sqrt(826321815619)", "sqrt(4131609078095)", "sqrt(5)*sqrt(826321815619)"]
    reading = read(with_(BUTCHER, A=[[], [" + ".join(entries)]]))
    assert reading.tableau is not None, reading.diagnostics
    assert reading.tableau.field.roots == (5, 826321815619)
