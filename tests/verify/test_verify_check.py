"""The whole report: known schemes, every code of RK3xx and RK4xx, places of diagnostics, and no exception ever."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rkblocks import codes
from rkblocks.files import read_text
from rkblocks.verify import check
from rkblocks.verify.checking import check_argument
from rkblocks.verify.report import Report

OWN = [
    code
    for code in codes.all_codes()
    if code.startswith(("RK3", "RK4")) and {block.language for block in codes.entry(code).blocks} == {"json"}
]


def checked(text: str, tmp_path: Path) -> Report:
    path = tmp_path / "scheme.json"
    path.write_text(text, encoding="utf-8")
    return check(path)


@pytest.mark.parametrize("code", OWN)
def test_each_code_is_provoked_and_repaired(code: str, tmp_path: Path) -> None:
    entry = codes.entry(code)
    roles = {block.role for block in entry.blocks}
    assert roles == {"fails", "repaired"}
    for block in entry.blocks:
        report = checked(block.text, tmp_path)
        found = [d for d in report.diagnostics if d.code == code]
        assert bool(found) == (block.role == "fails"), report.diagnostics
        if block.role == "repaired":
            assert report.ok
        else:
            assert report.ok == (entry.status == 0)
            assert str(found[0].severity) == entry.severity or code == "RK321"
            assert found[0].line is not None


@pytest.mark.parametrize(
    ("name", "p", "C", "growth"),
    [
        ("euler", 1, "1", "2"),
        ("midpoint", 2, "0", "9/4"),
        ("ssp2", 2, "1", "7/4"),
        ("ssp3", 3, "1", "29/18"),
        ("rk4", 4, "0", "793/576"),
        ("ssprk43", 3, "2", "3185/2304"),
        ("ssprk104", 4, "6", None),
    ],
)
def test_schemes_of_the_library(name: str, p: int, C: str, growth: str | None) -> None:
    report = check(name)
    assert report.ok
    assert report.order is not None
    assert report.ssp is not None
    assert report.ssp.optimal is not None
    assert report.variance is not None
    assert (report.order.value, report.order.verdict) == (p, "exact")
    assert (report.ssp.optimal.cfl, report.ssp.optimal.cfl_float) == (C, float(C))
    assert growth is None or report.variance.growth == growth
    assert all(claim.holds for claim in report.claims)


def test_the_json_of_the_interface() -> None:
    found = check("ssp3").to_dict()
    assert found["order"]["witness"] == {"tree": "[[[[]]]]", "order": 4, "left": "0", "right": "1/24"}
    assert (found["order"]["value"], found["order"]["verdict"], found["order"]["residual"]) == (3, "exact", "0")
    assert found["ssp"]["declared"] == {"nonnegative": True, "cfl": "1", "cfl_float": 1.0}
    assert found["ssp"]["optimal"]["cfl"] == "1"
    assert set(found["ssp"]["optimal"]["certificate"]) >= {"entry", "polynomial", "interval"}
    assert found["variance"]["growth_float"] == 1.6111111111111112
    assert found["claims"][0] == {"claim": "order", "claimed": "3", "found": "3", "holds": True}
    assert json.loads(json.dumps(found)) == found


def test_the_paper_family() -> None:
    found = check("ark").to_dict()
    assert found["ok"]
    assert found["ineffective"] == ["alpha21"]
    assert found["order"]["value"] == 2
    assert found["ssp"]["declared"]["nonnegative"] is False
    assert found["ssp"]["declared"]["nonnegative_at_init"] is False
    assert found["ssp"]["declared"]["trained"] == "nowhere"
    assert found["ssp"]["declared"]["cfl"] is None
    assert found["ssp"]["optimal"]["cases"] == [
        {"when": "0 < beta10 < 1/2", "cfl": "0"},
        {"when": "1/2 <= beta10 < 1", "cfl": "2 - 1/beta10"},
    ]
    assert found["ssp"]["optimal"]["cfl_float"] == pytest.approx(0.632120558828558)
    assert found["variance"]["growth"] == "9/4 - 1/beta10 + 1/(2*beta10**2)"
    assert found["variance"]["minimum"]["growth"] == "7/4"
    mnist = check("ark_mnist").to_dict()["ssp"]
    assert mnist["declared"]["nonnegative_at_init"] is True
    assert (mnist["declared"]["cfl_float"], mnist["optimal"]["cfl_float"]) == pytest.approx((0.3348, 0.3935), abs=1e-4)


def test_a_dead_stage_is_reported_and_removed(tmp_path: Path) -> None:
    text = '{"name": "x", "A": [[], ["1"], ["0", "1/2"]], "b": ["1/2", "1/2", "0"]}'
    report = checked(text, tmp_path)
    assert report.ok
    assert report.stages == 2
    assert report.ssp is not None
    assert report.ssp.optimal is not None
    assert report.ssp.optimal.cfl == "1"
    assert report.as_typed is not None
    assert report.as_typed.stages == 3
    assert report.as_typed.optimal is not None
    assert report.as_typed.optimal.cfl == "0"
    assert [d.code for d in report.diagnostics] == ["RK312"]


def test_a_duplicated_stage_does_not_lower_the_growth(tmp_path: Path) -> None:
    text = '{"name": "x", "A": [[], ["1"], ["1", "0"]], "b": ["1/2", "1/4", "1/4"]}'
    report = checked(text, tmp_path)
    assert report.variance is not None
    assert report.variance.growth == "7/4"
    assert report.as_typed is not None
    assert report.as_typed.variance.growth == "3/2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "{}",
        '{"name": 3}',
        '{"name": "x", "A": "1"}',
        "\x00",
        '{"name": "x", "alpha": [["1/0"]], "beta": [["1"]]}',
    ],
)
def test_what_cannot_be_read_is_a_report(text: str, tmp_path: Path) -> None:
    report = checked(text, tmp_path)
    assert not report.ok
    assert report.status == 2
    assert report.order is None
    assert report.to_dict()["ssp"] is None


def test_a_missing_file_is_a_report() -> None:
    assert check_argument("nowhere/at_all.json").status == 2


def test_equal_tableaus_from_different_files_keep_their_places(tmp_path: Path) -> None:
    """Reports are remembered by tableau; the source and the lines are those of the file at hand."""
    text = '{"name": "x", "A": [[], ["1"]], "b": ["1/2", "1/2"], "claims": {"order": 3}}'
    one, two = read_text(text, "one.json").tableau, read_text("\n\n" + text, "two.json").tableau
    assert one is not None
    assert two is not None
    assert one == two
    first, second = check(one), check(two)
    assert (first.source, second.source) == ("one.json", "two.json")
    assert first.diagnostics[0].line == 1
    assert second.diagnostics[0].line == 3


def test_false_claims_name_the_reason(tmp_path: Path) -> None:
    text = (
        '{"name": "x", "alpha": [["1"], ["1/2", "1/2"]], "beta": [["1"], ["0", "1/2"]],'
        ' "claims": {"order": 3, "ssp": "2", "declared_ssp": "1/2", "variance": "2.5…"}}'
    )
    report = checked(text, tmp_path)
    assert [c.holds for c in report.claims] == [False] * 4
    assert [d.code for d in report.diagnostics] == ["RK401", "RK402", "RK403", "RK404"]
    assert "[[[]]]" in report.diagnostics[0].message
    assert "P[2,0]" in report.diagnostics[1].message
    assert report.status == 1


@pytest.mark.parametrize(
    ("claim", "holds"), [("2.650…", True), ("2.65", False), ("2.651…", False), ("2.6506291914…", True)]
)
def test_truncated_digits_claim_what_they_show(claim: str, holds: bool, tmp_path: Path) -> None:
    from rkblocks.files import load, resolve

    text = Path(resolve("ssprk53")).read_text(encoding="utf-8")
    data = json.loads(text)
    data["claims"] = {"ssp": claim}
    assert load("ssprk53").tolerance > 0
    assert [c.holds for c in checked(json.dumps(data), tmp_path).claims] == [holds]


POOLS = {
    (): ["0.1", "1e-3", "1e30", "sqrt(2)/2", "sqrt(3) - 1"],
    ("t",): ["t", "1/(1 + t**2)", "t**2 - t", "t/3", "sqrt(2)*t"],
    ("t", "u"): ["t", "u", "1/(1 + t**2)", "u*t", "u - t", "1/2*u**2"],
}


@st.composite
def structures(draw: st.DrawFn) -> dict:
    """Files that can be read, most of them consistent methods of some kind; some implicit, or with unequal forms."""
    m = draw(st.integers(1, 3))
    names = draw(st.sampled_from(list(POOLS)))
    entry = st.one_of(
        st.integers(-2, 2).map(str),
        st.fractions(0, 1, max_denominator=9).map(str),
        st.sampled_from(POOLS[()] + POOLS[names]),
    )
    domains = st.sampled_from([["0", "1"], ["1/2", None], [None, None], ["-1", "sqrt(2)"]])

    def row(n: int) -> list[str]:
        """n entries that sum to 1, unless one in ten times."""
        rest = [draw(entry) for _ in range(n - 1)]
        first = "1" + "".join(f" - ({e})" for e in rest)
        return [first if draw(st.integers(0, 9)) else "2/3", *rest]

    data: dict = {"name": "generated"}
    if names:
        data["parameters"] = {
            n: {"domain": draw(domains), "init": "3/4", "learnable": draw(st.booleans())} for n in names
        }
    forms = draw(st.sampled_from(["butcher"] * 4 + ["shu_osher"] * 4 + ["both"]))
    if forms != "shu_osher":
        data["A"] = [[draw(entry) for _ in range(i)] for i in range(m)]
        if not draw(st.integers(0, 9)):
            data["A"] = [[draw(entry) for _ in range(m)] for _ in range(m)]
        data["b"] = row(m)
        if draw(st.booleans()):
            data["b_hat"] = row(m)
    if forms != "butcher":
        data["alpha"] = [row(i) for i in range(1, m + 1)]
        data["beta"] = [[draw(entry) for _ in range(i)] for i in range(1, m + 1)]
        if m == 1:
            data["beta"] = [["1"]]
    if draw(st.booleans()):
        data["tolerance"] = draw(st.sampled_from(["0", "1e-10", "0.4"]))
    if draw(st.booleans()):
        data["claims"] = {"order": draw(st.integers(0, 4)), "ssp": draw(entry), "variance": "1.5…"}
        if forms != "butcher":
            data["claims"]["declared_ssp"] = draw(entry)
    return data


@settings(max_examples=120, deadline=None)
@given(structures())
def test_any_file_gets_a_report_that_is_json(data: dict) -> None:
    reading = read_text(json.dumps(data), "generated.json")
    if reading.tableau is None:
        return
    report = check(reading.tableau)
    found = report.to_dict()
    assert json.loads(json.dumps(found)) == found
    assert report.ok == all(str(d.severity) != "error" for d in report.diagnostics)
    assert report.ok == (report.status == 0)
    assert all(c.holds is not False for c in report.claims) or not report.ok


@pytest.mark.parametrize(
    ("entry", "reason"),
    [("123/457", "over a common denominator"), ("sqrt(2)/64", "with square roots")],
)
def test_many_stages_of_awkward_numbers_are_refused_at_once(entry, reason):
    """64 full stages are within the format; proving them would take minutes, so the report says why it does not."""
    numerators = range(1, 65)
    rows = [[f"{n}*({entry})/{n + i}" for n in numerators[:i]] for i in range(64)]
    reading = read_text(json.dumps({"name": "large", "A": rows, "b": ["1/64"] * 64}))
    report = check(reading.tableau)
    assert [found.code for found in report.diagnostics] == ["RK306"]
    assert reason in report.diagnostics[0].message


def test_a_case_without_a_formula_says_which_root(tmp_path: Path) -> None:
    """By another route: the member at the value that is named has this coefficient."""
    text = (
        '{"name": "x", "parameters": {"t": {"domain": ["1/10", "9/10"], "init": "1/2"}},'
        ' "A": [[], ["1/2"], ["t", "1/3"]], "b": ["1/4", "1/4", "1/2"]}'
    )
    report = checked(text, tmp_path)
    cases = [case for case in report.ssp.optimal.cases if case.number is None]
    assert len(cases) == 2
    for case in cases:
        member = checked(text.replace('"1/2"}', f'"{case.root.at}"}}'), tmp_path)
        assert member.ssp.optimal.at_init.number.nearest == case.to_dict()["root"]["float"]
    assert "the root of 3 + (-6*t - 3/2) r + r^2 that is 1.05417635664 at t = 2/5, where 1/3 < t" in str(report)


def test_a_false_claim_beside_a_parameter_without_effect_is_compared(tmp_path: Path) -> None:
    report = checked(
        '{"name": "x", "A": [[], ["1"]], "b": ["1/2", "1/2"], "c": ["u - 1/2", "1"],'
        ' "parameters": {"u": {"domain": ["0", "1"], "init": "1/3"}}, "claims": {"ssp": "0.99999999999999999"}}',
        tmp_path,
    )
    assert any(d.code == "RK402" and "(off by 1e-17)" in d.message for d in report.diagnostics)


def test_a_case_of_rho_without_a_formula_says_which_root(tmp_path: Path) -> None:
    """By another route: the member at the value that is named has this radius."""
    text = (
        '{"name": "x", "parameters": {"u": {"domain": ["0", "2"], "init": "1/2"}},'
        ' "A": [[], ["1"], ["u", "0"]], "b": ["1/2", "1/4", "1/4"]}'
    )
    found = checked(text, tmp_path).contractivity.euclidean
    cases = [case for case in found.cases if case.rho is None]
    assert cases
    for case in cases:
        member = checked(text.replace('"1/2"}', f'"{case.root.at}"}}'), tmp_path).contractivity.euclidean
        assert member.at_init.rho_float == case.to_dict()["root"]["float"]


def test_polynomials_of_a_family_with_long_numbers_end(tmp_path: Path) -> None:
    content = json.loads((Path(__file__).parents[2] / "tableaus" / "ssprk53.json").read_text())
    content.pop("claims")
    content["beta"][1][1] = "(1e-17)*u"
    content["beta"][3][2:] = ["1/(1+u**2)", "1e300"]
    content["parameters"] = {"u": {"domain": ["0", None], "init": "1/2"}}
    report = checked(json.dumps(content), tmp_path)
    assert report.ssp.optimal.cases is None
    assert report.ssp.optimal.at_init is not None
