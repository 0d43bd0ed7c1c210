"""Values in Python show what the command line shows."""

import html
import json
import subprocess
import sys

import pytest
import torch

import rkblocks
from rkblocks import analysis, evaluation
from rkblocks.attacks import Threat
from rkblocks.cli import main
from rkblocks.render import network_results
from rkblocks.render.latex import array


@pytest.mark.parametrize("name", ["ssp3", "ark", "butcher7", "tsit5"])
def test_print_is_the_text_of_the_command_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    tableau = rkblocks.load(name)
    main(["show", name])
    assert capsys.readouterr().out == f"{tableau}\n"
    main(["check", name])
    shown = capsys.readouterr().out
    report = rkblocks.check(tableau)
    # the command has the lines of the file below a diagnostic, which a report does not hold
    kept = [line for line in shown.splitlines() if not line.lstrip("0123456789 ").startswith("|")]
    assert [line.strip() for line in str(report).splitlines()] == [line.strip() for line in kept]
    main(["compile", name, "--explain"])
    assert str(rkblocks.lower(name)) in capsys.readouterr().out


def test_print_of_an_evaluation_and_an_analysis_is_the_text_of_the_command_line() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 3))
    images, labels = torch.rand(6, 1, 4, 4), torch.arange(6) % 3
    found = rkblocks.evaluate(model, images, labels, preset="quick", dataset="digits", probe=0)
    assert str(found) == network_results.evaluation(found["runs"][0]).rstrip("\n")
    assert str(found).startswith("Sequential  6 images, seed 0\n  attack")
    assert json.loads(json.dumps(found)) == found
    assert repr(found).startswith("{'version': 1")
    assert found._repr_html_() == f"<pre>{html.escape(str(found), quote=False)}</pre>"
    subject = evaluation.of_model(model, images, labels, name="<b>", dataset="digits")
    done = evaluation.evaluate_subject(subject, (), probe=0)
    assert str(done) == network_results.evaluation(done.to_dict()).rstrip("\n")
    assert "<b>" not in done._repr_html_()
    blocks = rkblocks.nets.grouped("ssp2", 1, widths=(4,), channels=1, classes=3)
    images = torch.rand(4, 1, 8, 8)
    network = evaluation.of_model(blocks, images, torch.arange(4) % 3, name="mine", blocks="ssp2")
    analysed = analysis.analyze_network(network, Threat(eps="1/10", steps=1, step="1/10"), only="growth")
    assert str(analysed) == network_results.analysis_text(analysed.to_dict(brief=True)).rstrip("\n")
    assert str(analysed).startswith("mine  blocks ssp2, 4 images")


def test_a_notebook_shows_formulas_and_text() -> None:
    tableau = rkblocks.load("ark")
    assert array(tableau) in tableau._repr_latex_()
    assert html.escape(array(tableau), quote=False) in tableau._repr_html_()
    assert tableau._repr_html_().startswith("<p><strong>ark</strong>: ")
    report = rkblocks.check(tableau)
    assert report._repr_html_() == f"<pre>{html.escape(str(report), quote=False)}</pre>"
    assert rkblocks.lower("ssp2")._repr_html_().count("\n") == 5


def test_names_are_data_in_a_notebook() -> None:
    tableau = rkblocks.tableau(A=[[]], b=[1], title="<script>")
    assert "<script>" not in tableau._repr_html_() + rkblocks.check(tableau)._repr_html_()


def test_a_report_is_a_json_object() -> None:
    report = rkblocks.check("ssp3")
    assert report.to_dict()["ssp"]["optimal"]["cfl"] == report.ssp.optimal.cfl == "1"


def test_repr_is_as_it_was() -> None:
    assert repr(rkblocks.load("ssp3")).startswith("Tableau(name='ssp3'")


def test_loading_shows_nothing_yet() -> None:
    program = "import sys, rkblocks; rkblocks.load('ssp3'); sys.exit('rkblocks.render' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
