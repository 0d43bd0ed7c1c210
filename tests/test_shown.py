"""Values in Python show what the command line shows."""

import html
import subprocess
import sys

import pytest

import rkblocks
from rkblocks.cli import main
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
