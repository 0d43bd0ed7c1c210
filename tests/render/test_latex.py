"""LaTeX and Markdown of schemes: exact numbers, whole texts, and a structure that compiles for the whole library."""

import re
from fractions import Fraction

import pytest

from rkblocks import files
from rkblocks.exact.field import Field
from rkblocks.render.displays import markdown
from rkblocks.render.latex import array, formulas, latex, number

NAMES = [entry.name for entry in files.catalog()]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(-3), "-3"),
        (Fraction(3, 4), r"\tfrac{3}{4}"),
        (Fraction(-1, 2), r"-\tfrac{1}{2}"),
        (Fraction("0.391752226571890"), "0.39175222657189"),
        (Fraction("-12.00001"), "-12.00001"),
        (Fraction(1, 30000), r"\tfrac{1}{30000}"),
    ],
)
def test_rational_numbers(value: Fraction, text: str) -> None:
    field = Field()
    assert number(field, field.rational(value)) == text


def test_square_roots_and_parameters() -> None:
    field = Field((2,), ("beta10",))
    root, b = field.sqrt(Fraction(2)), field.parameter("beta10")
    assert number(field, root / field.rational(2)) == r"\tfrac{\sqrt{2}}{2}"
    assert number(field, field.one / (field.rational(2) * b)) == r"\tfrac{1}{2 \beta_{10}}"


def test_the_whole_text_of_a_scheme() -> None:
    assert latex(files.load("ssp2")).startswith(
        r"""% ssp2: Shu-Osher SSPRK(2,2): Heun's method
% needs \usepackage{amsmath}
\begin{equation*}
  \begin{array}{c|cc}
    0 &  & \\
    1 & 1 & \\
    \hline
     & \tfrac{1}{2} & \tfrac{1}{2} \\
  \end{array}
\end{equation*}
\begin{align*}
  u^{(1)} &= x_n + \Delta t\,F(x_n) \\
  x_{n+1} &= \tfrac{1}{2}\,x_n + \tfrac{1}{2}\,u^{(1)} + \tfrac{1}{2}\,\Delta t\,F(u^{(1)})
\end{align*}
% """
    )


def test_a_butcher_table_gives_its_own_formulas_and_a_second_foot() -> None:
    tableau = files.read_text('{"name": "p", "A": [[], ["1/2"]], "b": ["0", "1"], "b_hat": ["1", "0"]}').tableau
    assert tableau is not None
    assert list(formulas(tableau)) == [
        "k_{1} &= F(x_n)",
        r"k_{2} &= F(x_n + \tfrac{1}{2}\,\Delta t\,k_{1})",
        r"x_{n+1} &= x_n + \Delta t\,k_{2}",
    ]
    assert array(tableau).split("\\hline")[1].count("\\\\") == 2


def test_signs_and_brackets() -> None:
    text = (
        '{"name": "s", "parameters": {"t": {"domain": ["1/2", null], "init": "1"}}, "alpha": [["1"], ["1 - t", "t"]],'
        ' "beta": [["1"], ["-1/2", "-1/(2*t)"]]}'
    )
    tableau = files.read_text(text).tableau
    assert tableau is not None
    assert list(formulas(tableau))[1] == (
        r"x_{n+1} &= \left(1 - t\right)\,x_n + t\,u^{(1)} - \tfrac{1}{2}\,\Delta t\,F(x_n)"
        r" - \tfrac{1}{2 t}\,\Delta t\,F(u^{(1)})"
    )
    assert r"t \in (\tfrac{1}{2}, \infty)\ \text{initially}\ 1" in latex(tableau)
    assert r"- $t \in (\tfrac{1}{2}, \infty)\ \text{initially}\ 1$" in markdown(tableau)


def compiles(text: str) -> None:
    """What pdflatex would stumble over: braces, environments, \\left and \\right, columns of arrays, bare signs."""
    code = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    depth = 0
    for character in re.sub(r"\\[{}]", "", code):
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    open_environments = []
    for kind, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", code):
        if kind == "begin":
            open_environments.append(name)
        else:
            assert open_environments.pop() == name
    assert not open_environments
    for line in code.split("\\\\"):
        assert line.count("\\left") - line.count("\\left.") == line.count("\\right") - line.count("\\right.")
    columns, body = re.findall(r"\\begin\{array\}\{c\|(c+)\}(.*?)\\end\{array\}", code, re.DOTALL)[0]
    rows = [row for row in body.replace("\\hline", "").split("\\\\") if row.strip()]
    assert {row.count("&") for row in rows} == {len(columns)}
    assert not re.search(
        r"(?<!\\)[#%$]|sqrt\(|\*\*", code.replace("$$", "").replace("equation*", "").replace("align*", "")
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_library_in_latex(name: str) -> None:
    text = latex(files.load(name))
    compiles(text)
    assert text.isascii() or all(line.startswith("%") for line in text.splitlines() if not line.isascii())


@pytest.mark.parametrize("name", ["ssp3", "gill4", "ark", "rk33_ssp", "fehlberg45", "ssprk53"])
def test_markdown_has_the_same_formulas_in_display_blocks(name: str) -> None:
    tableau = files.load(name)
    text = markdown(tableau)
    blocks = re.findall(r"^\$\$\n(.*?)\n\$\$$", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    assert all(formula in blocks[0] for formula in formulas(tableau))
    assert array(tableau, indent="") == blocks[1]
    assert text.startswith(f"# {name.replace('_', chr(92) + '_')}: ")
    head, line, row = re.search(r"^(\| stages.*)\n(\|---.*)\n(.*)$", text, re.MULTILINE).groups()
    assert head.count("|") == line.count("|") == row.count("|")


def test_signs_of_markdown_in_titles_are_escaped() -> None:
    tableau = files.read_text('{"name": "x_y", "title": "a*b|c <script>", "A": [[]], "b": ["1"]}').tableau
    assert tableau is not None
    assert markdown(tableau).startswith("# x\\_y: a\\*b\\|c \\<script\\>\n")
