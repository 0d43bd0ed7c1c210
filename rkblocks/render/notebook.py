"""Values in a notebook: HTML in which MathJax typesets what stands between dollars, as Jupyter does."""

from __future__ import annotations

import html

from rkblocks import escape
from rkblocks.render import latex
from rkblocks.tableau import Tableau


def tableau_latex(tableau: Tableau) -> str:
    """Return the Butcher array and the formulas of a step as displays."""
    lines = " \\\\\n".join(latex.formulas(tableau))
    return f"$${latex.array(tableau)}$$\n$$\\begin{{aligned}}\n{lines}\n\\end{{aligned}}$$"


def tableau_html(tableau: Tableau) -> str:
    """Return name and title above the displays of `tableau_latex`."""
    title = f": {escape.html(tableau.title)}" if tableau.title else ""
    displays = html.escape(tableau_latex(tableau), quote=False)
    return f"<p><strong>{escape.html(tableau.name)}</strong>{title}</p>\n{displays}"


def preformatted(text: str) -> str:
    """Return text of several lines as it stands, markup and control characters made harmless."""
    return f"<pre>{html.escape(escape.lines(text), quote=False)}</pre>"
