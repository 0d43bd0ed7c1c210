"""Formulas as MathML, which browsers show without a script: what `rkblocks.render.latex` writes, cell by cell."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

from rkblocks.render import latex
from rkblocks.tableau import Tableau


def step(tableau: Tableau) -> str:
    """Return the formulas of one step as a table: left side, =, right side."""
    rows = []
    for line in latex.formulas(tableau):
        for left, right in (part.split("&", 1) for part in line.split(" \\\\\n") if "&" in part):
            equals, right = ("=", right.removeprefix("=")) if right.startswith("=") else ("", right)
            rows.append(f"<tr><td>{mathml(left)}</td><td>{equals}</td><td>{mathml(right)}</td></tr>")
    return _scrolled(f'<table class="rk-step">{"".join(rows)}</table>')


def butcher(tableau: Tableau) -> str:
    """Return the Butcher array as a table with its two lines."""
    body, foot = latex.array(tableau, indent="").split("\\hline")
    rows = [*(("", line) for line in _lines(body)), *((' class="rk-foot"', line) for line in _lines(foot))]
    cells = (f"<tr{kind}>{''.join(f'<td>{mathml(cell)}</td>' for cell in line.split('&'))}</tr>" for kind, line in rows)
    return _scrolled(f'<table class="rk-butcher">{"".join(cells)}</table>')


def parameters(tableau: Tableau) -> list[str]:
    """Return the domain and the start of each parameter."""
    return [mathml(latex.parameter(tableau.field, p)) for p in tableau.parameters]


def mathml(text: str) -> str:
    """Return a formula in a line; "" for none."""
    text = text.strip()
    return convert(text) if text else ""


def displayed(text: str) -> str:
    """Return HTML in which each formula between $$ is MathML, as a notebook shows it."""
    return re.sub(r"\$\$(.*?)\$\$", _display, text, flags=re.DOTALL)


def _display(match: re.Match[str]) -> str:
    source = html.unescape(match[1]).replace("{aligned}", "{array}").replace("\\begin{array}\n", "\\begin{array}{rl}\n")
    found = convert(source, display="block")
    lines = re.search(r' rowlines="([^"]*)"', found)
    if lines and "solid" in lines[1]:  # browsers draw no lines in a table of MathML; the style sheet does
        below = lines[1].split().index("solid") + 1
        rows = found.split("<mtr>")
        found = "<mtr>".join(rows[: below + 1]) + '<mtr class="rk-foot">' + "<mtr>".join(rows[below + 1 :])
    return found


def _lines(text: str) -> list[str]:
    return [line.removesuffix("\\\\") for line in map(str.strip, text.splitlines()) if "&" in line]


def _scrolled(table: str) -> str:
    return f'<div class="rk-scroll" tabindex="0" role="region" aria-label="{html.escape("formula")}">{table}</div>'
