"""Arrays in other languages: the text by an example, and what it says by other routes: run, compiled, read back."""

import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import sympy
from hypothesis import given, settings

import rkblocks
from rkblocks.cli import main
from rkblocks.convert import convert
from rkblocks.render.arrays import LANGUAGES, arrays
from rkblocks.render.latex import latex
from rkblocks.tableau import Tableau
from rkblocks.testing import tableaus

SCHEMES = ("ssp3", "ark_ssp", "gill4", "bs3", "ssprk64", "feagin10", "kennedy32_2r", "euler")
ARRAYS = ("A", "b", "c", "b_hat", "alpha", "beta")


def padded(tableau: Tableau) -> dict[str, Any]:
    """The arrays of the member at the initial values as exact numbers, matrices square."""
    t = tableau.at(tableau.initial()) if tableau.parameters else tableau
    m = t.stages
    found: dict[str, Any] = {key: getattr(t, key) for key in ARRAYS if getattr(t, key) is not None}
    for key in ("alpha", "beta"):
        if key in found:
            found[key] = tuple((*row, *[sympy.Integer(0)] * (m - len(row))) for row in found[key])
    return found


def assert_equal(found: Tableau, tableau: Tableau) -> None:
    assert padded(found) == padded(tableau)


def test_the_text() -> None:
    t = rkblocks.load("ssp2")
    assert arrays(t, "julia") == (
        "# ssp2: Shu-Osher SSPRK(2,2): Heun's method\nA = [\n    0 0\n    1 0\n]\nb = [1//2, 1//2]\nc = [0//1, 1//1]\n"
        "alpha = [\n    1 0\n    1//2 1//2\n]\nbeta = [\n    1 0\n    0 1//2\n]\n"
    )
    assert "static const double b[2] = {1.0/2.0, 1.0/2.0};\n" in arrays(t, "c")
    assert arrays(t, "csv").startswith("A,0,0\nA,1,0\nb,1/2,1/2\nc,0,1\n")
    assert "from sympy import Rational, sqrt\n" in arrays(rkblocks.load("gill4"), "python")
    assert "% 6 entries are decimals of 17 digits" in arrays(rkblocks.load("gill4"), "matlab")
    assert "# the member at beta10 = " in arrays(rkblocks.load("ark_ssp"), "python")


@pytest.mark.parametrize("name", SCHEMES)
def test_python_that_is_run_gives_the_table(name: str) -> None:
    tableau = rkblocks.load(name)
    names: dict[str, Any] = {}
    exec(arrays(tableau, "python"), names)
    for key, expected in padded(tableau).items():
        rows = names[key] if isinstance(names[key][0], list) else [names[key]]
        wanted = expected if isinstance(expected[0], tuple) else (expected,)
        assert [[sympy.sympify(x) for x in row] for row in rows] == [list(row) for row in wanted]


@pytest.mark.parametrize("name", SCHEMES)
def test_c_that_is_compiled_gives_the_nearest_doubles(name: str, tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("NO C COMPILER: what `show --format c` writes was not compiled")
    tableau = rkblocks.load(name)
    m = padded(tableau)["b"].__len__()
    loops = "".join(
        f'for (int i = 0; i < {m * m if len(LOOP[key]) == 2 else m}; i++) printf("%a\\n", ((const double *){key})[i]);'
        for key in padded(tableau)
    )
    source = tmp_path / "t.c"
    source.write_text(f"#include <stdio.h>\n{arrays(tableau, 'c')}int main(void) {{ {loops} return 0; }}\n")
    subprocess.run([compiler, "-std=c99", "-Wall", "-Werror", str(source), "-o", str(tmp_path / "t")], check=True)
    out = subprocess.run([str(tmp_path / "t")], capture_output=True, text=True, check=True).stdout.split()
    expected = [x for key, a in padded(tableau).items() for row in (a if len(LOOP[key]) == 2 else (a,)) for x in row]
    field = (tableau.at(tableau.initial()) if tableau.parameters else tableau).field
    assert len(out) == len(expected)
    for text, exact in zip(out, expected, strict=True):
        value = float(Fraction(str(exact))) if exact.is_Rational else float(exact.evalf(40))
        assert float.fromhex(text) == value, (name, exact, field)


LOOP = {"A": "ij", "b": "i", "c": "i", "b_hat": "i", "alpha": "ij", "beta": "ij"}


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("language", ["python", "julia", "csv"])
def test_what_is_written_exactly_is_read_back_exactly(name: str, language: str) -> None:
    tableau = rkblocks.load(name)
    found = convert(arrays(tableau, language))
    assert found.format == language
    assert_equal(found.tableau, tableau)


@pytest.mark.parametrize("language", ["matlab", "c"])
def test_longer_numbers_become_their_nearest_doubles(language: str) -> None:
    found = convert(arrays(rkblocks.load("gill4"), language)).tableau
    exact = rkblocks.load("gill4").b[1]
    assert abs(found.b[1] - exact).evalf(30) < 1e-16
    assert float(found.b[1]) == float(exact.evalf(40))


@given(tableaus(stages=(1, 4)))
@settings(max_examples=25, deadline=None)
def test_a_tableau_goes_through_every_writer_and_back(tableau: Tableau) -> None:
    for language in LANGUAGES:
        assert_equal(convert(arrays(tableau, language), form=language).tableau, tableau)
        assert convert(arrays(tableau, language)).format == language
    drawn = convert(latex(tableau)).tableau
    assert (drawn.A, drawn.b, drawn.c) == (tableau.A, tableau.b, tableau.c)


def test_titles_stay_in_their_comment(capsys: pytest.CaptureFixture[str]) -> None:
    t = rkblocks.tableau(A=[[]], b=[1], title="a title that goes on in the next line of C \\")
    assert "C /\nstatic" in arrays(t, "c")
    assert main(["show", "euler", "--format", "matlab"]) == 0
    assert capsys.readouterr().out.startswith("% euler: ")
