# ruff: noqa: E501
"""Each format that people have, in a small text of our own: the table comes out exactly, with the digits as they stand."""

from fractions import Fraction
from pathlib import Path

import pytest
import sympy

import rkblocks
from rkblocks.cli import completion, main
from rkblocks.convert import FORMATS, convert

HEUN = ([["0", "0"], ["1", "0"]], ["1/2", "1/2"])
SSP3 = ([["0"] * 3, ["1", "0", "0"], ["1/4", "1/4", "0"]], ["1/6", "1/6", "2/3"])
ROUND = ([["0", "0"], ["0.6666666666666666", "0"]], ["0.25", "0.75"])

TEXTS = {
    "python, arrays": ("python", SSP3, "import numpy as np\nA = np.array([[0,0,0],[1,0,0],[1/4,1/4,0]])\nb = [1/6, 1/6, 2/3]\n"),
    "python, nodepy's classes": (
        "python",
        SSP3,
        "from nodepy import rk\none = Rational(1)\nA=np.array([[0,0,0],[one,0,0],[one/4,one/4,0]])\n"
        "b=np.array([one,one,4*one])/6\nm = rk.ExplicitRungeKuttaMethod(A,b,name='SSP 33')\n",
    ),
    "python, Shu-Osher arrays with the row of u0": (
        "python",
        SSP3,
        "m = ExplicitRungeKuttaMethod(alpha=[[0,0,0],[1,0,0],['3/4','1/4',0],[Fraction(1,3),0,Fraction('2/3')]],\n"
        "    beta=[[0,0,0],[1,0,0],[0,'1/4',0],[0,0,'2/3']])\n",
    ),
    "python, a call of this package": ("python", HEUN, 'rkblocks.tableau(A=[[], [1]], b=["1/2", "1/2"], name="heun")'),
    "python, tuples of texts": ("python", HEUN, "from sympy import Matrix\nA = Matrix((('0', '0'), ('1', '0')))\nb = Matrix(('1', '1')) / 2\n"),
    "python, reprs": (
        "python",
        SSP3,
        "array([[0, 0, 0],\n       [1, 0, 0],\n       [1/4, 1/4, 0]], dtype=object)\narray([1/6, 1/6, 2/3], dtype=object)",
    ),
    "python, printed arrays": ("python", SSP3, "[[0 0 0]\n [1 0 0]\n [1/4 1/4 0]]\n[1/6 1/6 2/3]\n"),
    "nodepy": (
        "nodepy",
        SSP3,
        "Some scheme\nof an example\n 0   |\n 1   | 1\n 1/2 | 1/4  1/4\n_____|_______________\n     | 1/6  1/6  2/3\n",
    ),
    "matlab": ("matlab", SSP3, "% of Shu and Osher\nA = [0 0 0; 1 0 0; 1/4, 1/4, 0];\nb = [1/6 1/6 ...\n 2/3]';\n"),
    "matlab, elements": ("matlab", SSP3, "A = zeros(3); A(2,1) = 1; A(3,1:2) \nA(3,1) = 1/4; A(3,2) = A(3,1);\nb=[1 1 4]/6;"),
    "matlab, constants": ("matlab", HEUN, "a21 = 1;\nb1 = 1/2;\nb2 = b1;\n"),
    "rk-opt": (
        "rk-opt",
        ROUND,
        "#stage\t\t order\n2\t \t\t2\n\n\nA\n0.0000\t0.0\t\n0.6666666666666666\t0\t\n\nb\n0.25\t0.75\t\n\nr\n0.5\t\n\n======\r\n",
    ),
    "octave": (
        "octave",
        HEUN,
        "# Created by Octave\n# name: A\n# type: matrix\n# rows: 2\n# columns: 2\n 0 0\n 1 0\n\n# name: b\n# type: matrix\n 0.5 0.5\n",
    ),
    "sundials, its output": (
        "printed",
        ROUND,
        "  A = \n      0.000e+00  0.000e+00\n      0.6666666666666666  0.0\n  c = 0.0  0.6666666666666666\n  b = 2.5e-01  7.5e-01\n",
    ),
    "sundials": (
        "sundials",
        HEUN,
        "ARK_BUTCHER_TABLE(HEUN, {\n  ARKodeButcherTable B = ARKodeButcherTable_Alloc(2, SUNTRUE);\n  B->q = 2;\n"
        "  const sunrealtype half = SUN_RCONST(1.0)\n    / SUN_RCONST(2.0);\n  B->A[1][0] = SUN_RCONST(1.0);\n"
        "  B->b[0] = half; B->b[1] = half; /* b */\n  B->d[0] = SUN_RCONST(1.0);\n  B->c[1] = SUN_RCONST(1.0);\n  return B; })\n",
    ),
    "c": ("c", HEUN, "static const double A[2][2] = {{0.0, 0.0}, {1.0, 0}};\nstatic const double b[2] = {0.5f, 1.0/2.0};\n"),
    "julia, arrays": (
        "julia",
        SSP3,
        "function SSP(::Type{T} = Float64) where {T}\n    A = [\n        0 0 0\n        1 0 0\n        1 // 4 1 // 4 0\n    ]\n"
        "    α = [1 // 6; 1 // 6; 2 // 3]\n    A = map(T, A)\n    α = map(T, α)\n    return A, α\nend\n",
    ),
    "julia, constants": ("julia", HEUN, "a21 = convert(T, 1)\nb1 = convert(T, 1 // 2)\nb2 = convert(\n    T,\n    big\".5e0\"\n)\n"),
    "julia, Shu-Osher constants": ("julia", SSP3, "α20 = T(3//4)\nα21 = T(1//4)\nα30=T(1//3); α32=T(2//3)\nβ10 = T(1)\nβ21 = T(1//4)\nβ32 = T(2//3)"),
    "latex": (
        "latex",
        SSP3,
        "\\begin{array}{c|ccc}\n 0 & & & \\\\\n 1 & 1 & & \\\\ \\frac{1}{2} & \\tfrac14 & 1/4 \\\\\n\\hline\n"
        " & $\\dfrac{1}{6}$ & \\frac 1 6 & \\frac{4}{6}\n\\end{array}\n",
    ),
    "latex, tabular": ("latex", HEUN, "\\begin{tabular}{l | cc}\n$0$ & \\\\\n$1$ & $1$ \\\\ \\midrule\n & .5 & $\\frac{1}{2}$ \\\\\n\\end{tabular}"),
    "csv, drawn": ("csv", HEUN, "0,,\n1,1,\n,1/2,1/2\n"),
    "csv, named rows": ("csv", HEUN, "A;0;0\nA;1;0\nb;1/2;1/2\n"),
    "table": ("table", SSP3, "0\n1    1\n1/2  1/4 1/4\n---------------\n     1/6 1/6 2/3\n"),
    "table, with bars": ("table", HEUN, "0 |\n1 | 1\n--+--------\n  | 1/2 1/2\n"),
    "table, square": ("table", SSP3, "0 0 0 0\n1 1 0 0\n0.5 1/4 1/4 0\n0 1/6 1/6 2/3\n"),
    "table, A over b": ("table", HEUN, "0 0\n1 0\n1/2 1/2\n"),
}  # fmt: skip


def numbers(table: tuple[list[list[str]], list[str]]) -> list[list[Fraction]]:
    return [[Fraction(entry) for entry in row] for row in (*table[0], table[1])]


@pytest.mark.parametrize("case", TEXTS)
def test_a_format_gives_its_table(case: str) -> None:
    form, table, text = TEXTS[case]
    found = convert(text, "scheme.txt")
    assert found.format == form
    t = found.tableau
    assert [[Fraction(str(x)) for x in row] for row in (*t.A, t.b)] == numbers(table)
    assert convert(text, "scheme.txt", form=form).tableau.digest == t.digest
    assert rkblocks.files.read_text(found.json).tableau.digest == t.digest


def test_every_format_has_a_text_and_completion_knows_them() -> None:
    assert {form for form, _, _ in TEXTS.values()} == {one.name for one in FORMATS}
    assert set(completion.FORMATS) == {one.name for one in FORMATS}


def test_decimals_stay_the_decimals_of_the_source() -> None:
    found = convert("A = [0 0; 0.3333333333333333 0]; b = [-.5, 1.5D0];")
    assert found.tableau.A[1][0] == sympy.Rational(3333333333333333, 10**16)
    assert '"A": [[], ["0.3333333333333333"]],\n  "b": ["-.5", "1.5e0"]' in found.json
    assert found.tableau.b == (-sympy.Rational(1, 2), sympy.Rational(3, 2))


def test_rounded_decimals_get_the_remark_of_the_checker() -> None:
    found = convert("A = [0 0; 0.6666666666666666 0]; b = [0.25 0.75];")
    report = rkblocks.check(found.tableau)
    assert report.order.value == 1
    assert "RK341" in {d.code for d in report.diagnostics}
    with_tolerance = convert("A = [0 0; 0.6666666666666666 0]; b = [0.25 0.75];", tolerance="1e-15")
    assert rkblocks.check(with_tolerance.tableau).order.verdict == "tolerance"


def test_square_roots_stay_exact() -> None:
    t = convert("g = 1 - 1/sqrt(2);\nA = [0 0; 1/(2*g) 0];\nb = [1-g g];").tableau
    assert t.A[1][0] == sympy.nsimplify(1 / (2 - sympy.sqrt(2))).radsimp()
    assert rkblocks.check(t).order.value == 2
    assert convert("A = [0 0; 1 0]; b = [3^(1/2) 1-3^0.5];").tableau.b[0] == sympy.sqrt(3)


def test_precedence_is_that_of_the_language() -> None:
    def first(text: str, form: str) -> sympy.Expr:
        return convert(f"A = [0]; b = [{text}]" + ("\n" if form != "c" else ";"), form=form).tableau.b[0]

    assert first("-2^2", "matlab") == first("-2^2", "julia") == first("-2**2", "python") == -4
    assert first("2^3^2", "matlab") == 64
    assert first("2^3^2", "julia") == first("2**3**2", "python") == 512
    assert first("2^-1", "matlab") == sympy.Rational(1, 2)
    assert first("6/1//2", "julia") == 12
    assert first("1/2sqrt(4)", "julia") == sympy.Rational(1, 4)
    assert first("8 - 2 - 1", "matlab") == 5
    assert first("8 / (4 / 2) / 2", "matlab") == 2
    assert len(convert("A=[0 0;1 0]; b=[1 -2]", form="matlab").tableau.b) == 2


def test_the_embedded_weights_come_along() -> None:
    nodepy = " 0 |\n 1 | 1\n___|______\n   | 1/2 1/2\n   | 1\n"
    for text in (
        nodepy,
        "m = ExplicitRungeKuttaPair([[0,0],[1,0]], ['1/2','1/2'], bhat=[1, 0])",
        "A,0,0\nA,1,0\nb,.5,.5\nb_hat,1,0\n",
    ):
        assert convert(text).tableau.b_hat == (1, 0)


def test_one_of_several_tables() -> None:
    text = "function a1()\nA = [0]; b = [1];\nfunction heun()\nA = [0 0; 1 0]; b = [1/2 1/2];\n"
    assert convert(text, table="heun").tableau.stages == 2
    assert convert(text, table="heun").tableau.name == "heun"
    twice = text.replace("a1", "heun")
    assert [convert(twice, table=f"heun:{i}").tableau.stages for i in (1, 2)] == [1, 2]
    broken = "function bad()\nA = [0 0; tan(1) 0]; b = [1 0];\n" + text
    assert convert(broken, table="heun").tableau.stages == 2


def test_conventions_are_said() -> None:
    found = convert(
        "a21 = convert(T, 1//1)\na31 = convert(T,1//2)\na32 = convert(T,1//2)\nbtilde1 = convert(T, 1//8)\nc1 = convert(T2, 7//8)"
    )
    assert found.tableau.b == (sympy.Rational(1, 2), sympy.Rational(1, 2), 0)
    assert [d.code for d in found.diagnostics] == ["RK389", "RK388", "RK388"]
    assert not convert("a21 = T(2//3)\nb1 = T(1//4)\nb2 = T(3//4)\nc1 = T(2//3)").diagnostics
    assert not convert("a10 = T(2//3)\nb1 = T(1//4)\nb2 = T(3//4)\nc2 = T(2//3)\n").diagnostics
    rounded = "A = [0 0; 1 0]; b = [0.5 0.5];\nalpha = [0 0; 1 0; 0.5 0.4999999999]; beta = [0 0; 1 0; 0 0.5];"
    assert [d.code for d in convert(rounded).diagnostics] == ["RK388"]
    assert convert(rounded.replace("0.4999999999", "0.5")).tableau.shu_osher is not None


def test_the_command_writes_a_checked_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "my heun.m"
    source.write_text("A = [0 0; 1 0]; b = [1/2 1/2];")
    assert main(["convert", str(source), "-o", str(tmp_path / "heun.json")]) == 0
    assert "read as matlab, 2 stages, order 2" in capsys.readouterr().err
    assert rkblocks.load(tmp_path / "heun.json").name == "my_heun"
    source.write_text("A = [1/2]; b = [1];")
    assert main(["convert", str(source)]) == 1
    assert "RK301" in capsys.readouterr().err
    assert main(["convert", str(tmp_path / "absent.m")]) == 2
