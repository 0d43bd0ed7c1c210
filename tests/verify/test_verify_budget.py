"""Every part of a report ends within its budget of counted steps, or says so with proved bounds; none is hidden."""

import dataclasses
import json
import random
import re
from fractions import Fraction
from pathlib import Path

import pytest

from rkblocks import check, files
from rkblocks.exact.work import PART, TooLarge, budget, within
from rkblocks.render.report_text import paragraph, render
from rkblocks.render.verdict_lines import details
from rkblocks.verify import facts as facts_module
from rkblocks.verify.checking import _examine
from rkblocks.verify.facts import Facts
from rkblocks.verify.values import BEYOND

LIBRARY = sorted((Path(__file__).parents[2] / "tableaus").glob("*.json"))
PARTS = 8
"""Parts of a report that have a budget: SSP coefficient (and as typed), threshold, error norm, rho, four intervals."""


def read(text):
    reading = files.read_text(text if isinstance(text, str) else json.dumps(text))
    assert reading.tableau is not None, reading.diagnostics
    return reading.tableau


def steps(tableau):
    """The report and the steps that all its parts took."""
    _examine.cache_clear()
    with budget(10**12) as work:
        report = check(tableau)
    return report, work.total


def chain(last):
    A = [["0"] * (i - 1) + ["1"] if i else [] for i in range(12)]
    return {"name": "mignotte", "A": A, "b": ["7/8", "1/8", *["0"] * 9, last]}


@pytest.mark.parametrize(("last", "real"), [("1/10**200", 8), ("-1/10**200", 4)])
def test_two_nearly_equal_roots_of_twelve_stages(last, real):
    """1 + psi(-x) is (x - 4)**2 / 8 but for the last weight: one sign of it leaves no root near 4, the other two."""
    tableau = chain(last)
    tableau["b"][0] = f"7/8 - ({last})"
    report, total = steps(read(tableau))
    assert report.stability["real"]["float"] == pytest.approx(real)
    assert total < PART // 2


def test_one_changed_entry_of_curtis_eighth_order_method():
    text = (LIBRARY[0].parent / "curtis8.json").read_text()
    assert "11894034143/280309686020" in text
    report, total = steps(read(text.replace("11894034143/280309686020", "11894034143-280309686020")))
    assert report.stability["real"]["float"] == pytest.approx(2.80315e-06, rel=1e-5)
    assert total < PART


def absent(report):
    """The paths of parts that are null in a report of numbers without a word of explanation."""
    order, ssp, stability = report.order, report.ssp, report.stability
    found = {
        "principal_error": order.principal_error if order.value else {},
        "linear": ssp.linear,
        "real": stability["real"],
        "imaginary": stability["imaginary"],
        **{f"meant {k}": v for k, v in stability.get("meant", {}).items()},
    }
    silent = [k for k, v in found.items() if v is None or ("float" in v and v["float"] is None and "absent" not in v)]
    if ssp.optimal.cfl_float is None and ssp.optimal.bracket is None:
        silent.append("optimal")
    return silent


@pytest.mark.parametrize("path", LIBRARY, ids=lambda p: p.stem)
def test_nothing_in_the_library_is_absent(path):
    tableau = files.read(path).tableau
    report = check(tableau.at(tableau.initial()))
    assert absent(report) == []
    assert "absent" not in json.dumps(report.to_dict())


def test_a_part_beyond_its_budget_says_so_with_proved_bounds(monkeypatch):
    exact = check("ssprk53")
    for limit in (0, 1000, 5000, 20_000, 50_000):
        monkeypatch.setattr(facts_module, "within", lambda compute, limit=limit: within(compute, limit))
        monkeypatch.setattr(
            "rkblocks.verify.report_from_facts.within", lambda compute, limit=limit: within(compute, limit)
        )
        tableau = read((LIBRARY[0].parent / "ssprk53.json").read_text().replace('"ssprk53"', f'"limit{limit}"'))
        report = check(tableau)
        assert absent(report) == []
        for name in ("real", "imaginary"):
            part = report.stability[name]
            if "absent" in part:
                low, high = part["interval"]
                assert float(Fraction(low)) <= exact.stability[name]["float"]
                assert high is None or exact.stability[name]["float"] <= float(Fraction(high))
        if report.ssp.optimal.bracket is not None:
            low, high = map(Fraction, report.ssp.optimal.bracket)
            assert low <= Fraction(exact.ssp.optimal.cfl_float) < high + Fraction(1, 10**12)
            (found,) = (d for d in report.diagnostics if d.code == "RK324")
            least, most = re.search(r"\[(\S+), (\S+)\)", found.message).groups()
            assert Fraction(least) <= low < high <= Fraction(most)
        text = "\n".join(line for _, lines in details(report) for line in lines)
        assert ("both proved" in text) == ("absent" in json.dumps(report.to_dict()))


@pytest.mark.parametrize(
    ("scheme", "row", "entry", "init"),
    [
        ("rk44_family", 1, "w*1e999", "1/3"),  # factors in two variables are lifted modulo a prime of 3322 bits
        ("rk44_family", 2, "1/3 + w**9/(10**30 + w**5)", "1/3"),  # resultants of high degree
    ],
)
def test_a_family_beyond_its_budget_has_no_formula_and_says_so(scheme, row, entry, init):
    content = json.loads((LIBRARY[0].parent / f"{scheme}.json").read_text())
    content["A"][row][0] = entry
    content["parameters"]["w"]["init"] = init
    report = check(read(content))
    found = report.to_dict()
    assert found["ssp"]["optimal"]["absent"] == BEYOND
    assert "cases" not in found["ssp"]["optimal"]
    assert next(c for c in found["claims"] if c["claim"] == "ssp")["holds"] is None
    assert f"no formula: it {BEYOND}" in render([report], texts={})


def test_the_verdict_does_not_depend_on_what_was_asked_before():
    tableau = read((LIBRARY[0].parent / "ssprk54.json").read_text())
    first, second = Facts(tableau), Facts(dataclasses.replace(tableau))
    with budget(10**12) as one:
        assert not isinstance(first.contractivity, TooLarge)
    with budget(0):  # of the caller: that of a part is its own
        assert second.optimal == first.optimal
        assert second.contractivity == first.contractivity
    assert one.total > 0


def silent(report):
    """The parts of a report that are absent without a reason in JSON, or with one that the text does not have."""
    found, text = report.to_dict(), paragraph(report, verbose=True)
    optimal, rho, growth = found["ssp"]["optimal"], found["contractivity"]["euclidean"], found["variance"]
    effective = any("at_init" in part for part in (optimal, rho))
    parts = {
        "C": (optimal["cfl"] or optimal.get("cases") or "bracket" in optimal or optimal["certificate"], "absent"),
        "rho": (rho["rho"] or rho.get("cases") or "bracket" in rho or rho["certificate"], "absent"),
    }
    held = {"C": optimal, "rho": rho, "minimum": growth, "at_least": optimal}
    if effective:
        parts["minimum"] = ("minimum" in growth, "minimum_absent")
        parts["at_least"] = ("at_least" in optimal or "cases" in optimal, "at_least_absent")
    wrong = [k for k, (there, reason) in parts.items() if bool(there) == (reason in held[k])]
    return wrong + [k for k, (there, reason) in parts.items() if not there and held[k].get(reason, "") not in text]


@pytest.mark.parametrize("path", [p for p in LIBRARY if '"parameters"' in p.read_text()], ids=lambda p: p.stem)
def test_no_part_of_a_family_in_the_library_is_absent_without_a_reason(path):
    assert silent(check(path)) == []


def test_no_part_of_any_family_is_absent_without_a_reason():
    rng = random.Random(10)
    entries = ["t", "1/(1 + t)", "sqrt(2)*t", "t**2", "s + t", "s*t", "1/2", "0", "1e30*t"]
    reasons = set()
    for _ in range(24):
        m = rng.choice([2, 2, 3, 7])
        chosen = [[rng.choice(entries if m < 7 else ["t", "1/2"]) for _ in range(i)] for i in range(m)]
        weights = [rng.choice(["1/4", "t/8"]) for _ in range(m - 1)]
        b = ["1" + "".join(f" - ({w})" for w in weights), *weights]
        names = {name: {"domain": ["0", "1"], "init": "1/3"} for name in "st"}
        report = check(read({"parameters": names, "A": chosen, "b": b}))
        if report.ssp is not None:
            assert silent(report) == []
            reasons |= set(re.findall(r"no formula: it (\w+ \w+)", paragraph(report)))
    assert reasons >= {"depends on", "has 7"}


def test_a_family_beyond_the_budget_says_so(monkeypatch):
    monkeypatch.setattr(facts_module, "within", lambda compute: within(compute, 50))
    report = check(dataclasses.replace(files.load("rk22_family"), title="another"))
    assert silent(report) == []
    assert report.ssp.optimal.absent == report.contractivity.euclidean.absent == BEYOND


@pytest.mark.parametrize(("stage", "value", "most"), [(3, 6, None), (2, 7, 9)])
def test_the_order_with_time_is_within_the_budget(stage, value, most):
    """A node of a method of order 9 is off by a little: some 10,000 trees would have to be looked at."""
    tableau = files.load("verner98_efficient")
    form = tableau.butcher_form
    c = [sum(row, tableau.field.zero) for row in form.A]
    c[stage] += tableau.field.rational(1, 10**30)
    facts = Facts(dataclasses.replace(tableau, butcher=dataclasses.replace(form, c=tuple(c)), title=f"off {stage}"))
    assert facts.order.value == 9
    with budget(10**12) as work:
        timed = facts.timed
    assert (timed.value, timed.most, timed.witness is None) == (value, most, most is not None)
    assert PART // 3 < work.total <= PART + PART // 10


def test_the_growth_of_a_family_is_within_the_budget():
    """Curtis's method with a parameter in three entries: rational functions with square roots and 90,000 bits."""
    content = json.loads((LIBRARY[0].parent / "curtis8.json").read_text())
    content["parameters"] = {"w": {"domain": ["-1", "1"], "init": "0"}}
    for i, j in ((6, 3), (9, 4), (9, 5)):
        content["A"][i][j] = f"1/(w + {content['A'][i][j]})"
    content["claims"] = {"variance": "2"}
    report = check(read(content))
    assert report.variance.growth is None
    assert report.variance.absent == BEYOND
    assert report.variance.growth_float > 0
    assert f"no formula: it {BEYOND}" in next(line for line in paragraph(report).splitlines() if "growth" in line)
    assert [claim.holds for claim in report.claims] == [None]
    with pytest.raises(TooLarge):
        _ = Facts(read(content)).growth


def test_an_undecided_order_with_time_says_what_is_proved(monkeypatch):
    tableau = files.load("rk4")
    c = tuple(tableau.field.rational(x) for x in (0, Fraction(1, 2), Fraction(1, 2), 2))
    changed = dataclasses.replace(tableau, butcher=dataclasses.replace(tableau.butcher_form, c=c), title="undecided")
    for limit, shown in ((100, True), (12_000_000, False)):
        monkeypatch.setattr(facts_module, "PART", limit)
        _examine.cache_clear()
        report = check(dataclasses.replace(changed, title=f"{limit}"))
        timed, text = report.nonautonomous, paragraph(report)
        assert ("absent" in timed.to_dict()) == ("at least" in text) == (f"it {BEYOND}" in text) == shown
        assert timed.value == 1
        assert (timed.most, timed.witness is None) == ((4, True) if shown else (None, False))


NUMBER = re.compile(r'"([^"]*\d[^"]*)"')


def mutant(text, rng):
    """A library file with one digit of one entry changed, dropped or doubled."""
    spots = [m.start() for m in re.finditer(r"\d", text[text.index('"A"') if '"A"' in text else text.index("alpha") :])]
    start = text.index('"A"') if '"A"' in text else text.index("alpha")
    at = start + rng.choice(spots)
    return text[:at] + rng.choice(["", str(rng.randrange(10)), text[at] * 2, "/1", "-"]) + text[at + 1 :]


def test_mutants_of_the_library_stay_within_the_budget():
    rng = random.Random(20)
    checked = 0
    for _ in range(40):
        text = rng.choice(LIBRARY).read_text()
        reading = files.read_text(mutant(text, rng))
        if reading.tableau is not None:
            report, total = steps(reading.tableau)
            checked += 1
            assert total <= PARTS * (PART + PART // 10)
            if report.stability is not None and not reading.tableau.parameters:
                assert absent(report) == []
    assert checked > 10


def test_a_pole_that_the_reader_misses_is_no_internal_error():
    names = {name: {"domain": ["0", "1"], "init": "1/3"} for name in "pq"}
    entry = "1/((p - 1/2)**2 + (q - 1/2)**2) + sqrt(2)"  # beside square roots the reader only looks for changes of sign
    report = check(read({"parameters": names, "A": [[], [entry]], "b": ["1/2", "1/2"]}))
    assert [d.code for d in report.diagnostics] == ["RK218"]
    assert "has a pole there, within the domain" in report.diagnostics[0].message
