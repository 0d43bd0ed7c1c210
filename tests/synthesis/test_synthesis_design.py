"""Designs: textbook schemes come out exactly, decimals promise what they say, wishes that cannot be are refused."""

import json
import os
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

import rkblocks
from rkblocks.cli.app import app
from rkblocks.diagnostics import RkblocksError
from rkblocks.files.reader import read_text
from rkblocks.synthesis.acceptance import unmet
from rkblocks.synthesis.wish import FEWEST_STAGES, requirement
from rkblocks.verify.facts import Facts


def numbers(text):
    return {key: json.loads(text)[key] for key in ("alpha", "beta")}


@pytest.mark.parametrize(
    ("stages", "order", "name"),
    [(2, 2, "ssp2"), (3, 2, "ssprk32"), (4, 2, "ssprk42"), (3, 3, "ssp3"), (4, 3, "ssprk43"), (9, 3, "ssprk93")],
)
def test_textbook_fractions_come_out(stages, order, name):
    found = rkblocks.design(stages, order, maximize="ssp")
    known = rkblocks.load(name)
    assert found.exact
    assert found.optimal
    assert (found.tableau.A, found.tableau.b) == (known.A, known.b)


@pytest.mark.parametrize(("stages", "order", "cfl"), [(5, 3, 2.6506291914), (6, 3, 3.5183923089), (8, 3, 5.1071475644)])
def test_decimals_meet_the_bound_to_their_rounding(stages, order, cfl):
    found = rkblocks.design(stages, order, maximize="ssp")
    report = found.report
    assert not found.exact
    assert found.optimal
    assert report.ok
    assert report.order.value == order
    declared = report.to_dict()["ssp"]["declared"]
    assert declared["nonnegative"]
    assert declared["cfl_float"] == pytest.approx(cfl, abs=1e-10)


def test_a_gap_is_not_called_optimal():
    found = rkblocks.design(5, 4, maximize="ssp")
    assert found.report.to_dict()["ssp"]["optimal"]["cfl_float"] == pytest.approx(1.5081800491, abs=1e-10)
    assert not found.optimal
    assert found.bound.root.fraction == 2


@pytest.mark.parametrize(
    ("stages", "order", "growth"), [(2, 2, 1.75), (3, 2, 1.4225234109), (3, 3, 1.4862502487), (4, 2, 1.2945305737)]
)
def test_least_growth(stages, order, growth):
    found = rkblocks.design(stages, order, minimize="growth")
    assert found.report.to_dict()["variance"]["growth_float"] == pytest.approx(growth, abs=1e-9)
    assert found.exact == (stages == 2)


@pytest.mark.parametrize(
    ("goal", "stages", "order", "read", "least"),
    [
        ("rho", 3, 3, lambda r: r["contractivity"]["euclidean"]["rho_float"], 1.215123),
        ("threshold", 5, 3, lambda r: r["ssp"]["linear"]["float"], 2.650628),
        ("real", 3, 1, lambda r: r["stability"]["real"]["float"], 17.99),
        ("imaginary", 3, 2, lambda r: r["stability"]["imaginary"]["float"], 1.9999),
    ],
)
def test_other_goals_reach_what_is_known(goal, stages, order, read, least):
    found = rkblocks.design(stages, order, maximize=goal)
    assert found.report.ok
    assert read(found.report.to_dict()) >= least


@pytest.mark.parametrize(
    "wish",
    [
        {"minimize": "growth", "require": ["ssp >= 3/2"]},
        {"maximize": "ssp", "require": ["growth <= 143/100"]},
        {"minimize": "error", "require": ["growth == 3/2", "ssp == 1"]},
        {"minimize": "error", "require": ["registers <= 2", "b >= 0", "c <= 1"]},
        {"minimize": "growth", "require": ["rho >= 3/2", "A >= 0"]},
        {"minimize": "growth", "require": ["real >= 5", "threshold >= 1"]},
    ],
    ids=lambda w: ", ".join(w["require"]),
)
def test_requirements_hold_exactly(wish):
    found = rkblocks.design(3, 2, **wish)
    assert unmet(found.wish, Facts(found.tableau)) == []
    assert found.report.ok


def test_requirements_are_judged_on_the_file():
    """The judge says no where it should: each requirement just beyond what the scheme has."""
    facts = Facts(rkblocks.load("ssprk43"))
    from rkblocks.synthesis.wish import Wish

    for text in (
        "ssp >= 2001/1000",
        "ssp == 1",
        "growth <= 13/10",
        "growth == 7/5",
        "rho >= 201/100",
        "b >= 1/5",
        "c <= 9/10",
        "A >= 1/5",
        "real >= 52/10",
        "imaginary >= 22/10",
        "threshold >= 201/100",
        "error <= 1/100000",
    ):
        assert unmet(Wish(4, 3, "ssp", (requirement(text),)), facts) == [str(requirement(text))]
    for text in (
        "ssp >= 2",
        "ssp == 2",
        "growth <= 7/5",
        "rho >= 2",
        "b >= 1/6",
        "c <= 1",
        "A >= 0",
        "real >= 5",
        "imaginary >= 2",
        "threshold >= 2",
        "error <= 1/10",
    ):
        assert unmet(Wish(4, 3, "ssp", (requirement(text),)), facts) == []
    two = Wish(3, 3, "ssp", (requirement("registers <= 2"),))
    assert unmet(two, Facts(rkblocks.load("williamson3"))) == []
    assert unmet(two, Facts(rkblocks.load("heun3"))) == ["registers <= 2"]


def test_embedded_weights():
    found = rkblocks.design(3, 2, minimize="growth", embedded=1)
    assert found.report.to_dict()["embedded"]["value"] == 1
    found = rkblocks.design(4, 3, minimize="growth", embedded=2)
    assert found.report.to_dict()["embedded"]["value"] == 2
    with pytest.raises(RkblocksError, match="RK031"):
        rkblocks.design(4, 4, minimize="growth", embedded=3, starts=3)


def test_the_same_seed_gives_the_same_file_whatever_the_workers():
    one = rkblocks.design(4, 4, minimize="growth", seed=3, starts=4)
    again = rkblocks.design(4, 4, minimize="growth", seed=3, starts=4)
    assert one.text == again.text
    from rkblocks.synthesis import designing

    patience, designing.PATIENCE = designing.PATIENCE, 0.0  # processes from the first start on
    try:
        assert rkblocks.design(4, 4, minimize="growth", seed=3, starts=4, workers=2).text == one.text
    finally:
        designing.PATIENCE = patience


def test_the_file_says_how_it_was_made_and_reads_back():
    found = rkblocks.design(3, 2, minimize="growth", require=["ssp >= 3/2"], seed=5)
    content = json.loads(found.text)
    assert content["references"] == [
        f'rkblocks design --stages 3 --order 2 --minimize growth --require "ssp >= 3/2" --seed 5 '
        f"(rkblocks {rkblocks.__version__})"
    ]
    assert all(claim.holds for claim in rkblocks.check(read_text(found.text).tableau).claims)


@pytest.mark.parametrize("order", [order for order in FEWEST_STAGES if order > 1])
def test_more_order_than_stages_allow(order):
    with pytest.raises(RkblocksError, match="RK031"):
        rkblocks.design(FEWEST_STAGES[order] - 1, order, minimize="growth")


@pytest.mark.parametrize(
    "wish",
    [
        {"order": 5, "stages": 6, "maximize": "ssp"},
        {"order": 5, "stages": 6, "minimize": "growth", "require": ["ssp >= 1/10"]},
        {"order": 3, "stages": 4, "minimize": "growth", "require": ["ssp >= 2001/1000"]},
        {"order": 2, "stages": 2},
        {"order": 2, "stages": 2, "maximize": "ssp", "minimize": "growth"},
        {"order": 2, "stages": 2, "maximize": "growth"},
        {"order": 2, "stages": 2, "maximize": "ssp", "embedded": 2},
        {"order": 2, "stages": 2, "maximize": "ssp", "require": ["registers <= 1"]},
        {"order": 2, "stages": 99, "maximize": "ssp"},
    ],
    ids=str,
)
def test_wishes_that_cannot_be(wish):
    with pytest.raises(RkblocksError, match="RK031") as caught:
        rkblocks.design(wish.pop("stages"), wish.pop("order"), **wish)
    assert caught.value.status == 2


@pytest.mark.parametrize(
    "text", ["", "ssp", "ssp > 1", "growth >= 1", "speed <= 1", "ssp >= x", "ssp >= 1/0", "b >= " + "9" * 50]
)
def test_requirements_that_cannot_be_read(text):
    with pytest.raises(RkblocksError, match="RK030"):
        requirement(text)


def run(*arguments):
    return CliRunner().invoke(app, ["design", *arguments], standalone_mode=False)


def test_the_command_writes_a_sound_file(tmp_path):
    path = tmp_path / "mine.json"
    found = run("--stages", "4", "--order", "3", "--maximize", "ssp", "-o", str(path))
    assert found.return_value == 0
    assert "optimal   proved" in found.stdout
    assert rkblocks.check(str(path)).ok
    assert json.loads(path.read_text())["name"] == "mine"


def test_the_command_prints_the_file_and_as_json_the_certificate():
    found = run("--stages", "2", "--order", "2", "--maximize", "ssp")
    assert read_text(found.stdout).tableau is not None
    found = run("--stages", "2", "--order", "2", "--maximize", "ssp", "--format", "json")
    content = json.loads(found.stdout)
    assert content["optimal"] == "proved"
    assert content["bound"]["interval"] == ["1", "1"]
    assert content["file"]["claims"]["ssp"] == "1"


def test_a_requirement_that_one_scheme_alone_meets():
    assert rkblocks.design(2, 2, maximize="ssp", require=["growth <= 7/4"]).tableau.b == rkblocks.load("ssp2").b


def test_nothing_found_is_status_1():
    with pytest.raises(RkblocksError, match="RK370") as caught:
        rkblocks.design(2, 2, maximize="ssp", require=["growth <= 3/2"], starts=2)
    assert caught.value.status == 1


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_keeps_the_best_so_far(tmp_path):
    """Interrupted after the first start that found something, as the progress line tells."""
    code = (
        "import os, signal, sys, rkblocks\n"
        "def told(label, done, total):\n"
        "    if done == 8: os.kill(os.getpid(), signal.SIGINT)\n"
        "found = rkblocks.design(9, 4, maximize='ssp', progress=told)\n"
        "assert found.interrupted and found.tried == 8 and found.report.ok, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode in (0, -signal.SIGINT), done.stderr
    assert done.returncode == 0, done.stderr
