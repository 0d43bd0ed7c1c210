"""Values in a notebook: HTML in which MathJax typesets what stands between dollars, as Jupyter does."""

from __future__ import annotations

import html

from rkblocks import escape
from rkblocks.exact.field import Field
from rkblocks.exact.roots import Root
from rkblocks.exact.value import Exact
from rkblocks.render import latex
from rkblocks.tableau import Tableau
from rkblocks.verify.report import Report

WIDTH = 60
"""Characters of a number that a formula has room for."""


def tableau_latex(tableau: Tableau) -> str:
    """Return the Butcher array and the formulas of a step as displays."""
    lines = " \\\\\n".join(latex.formulas(tableau))
    return f"$${latex.array(tableau)}$$\n$$\\begin{{aligned}}\n{lines}\n\\end{{aligned}}$$"


def tableau_html(tableau: Tableau) -> str:
    """Return name and title above the displays of `tableau_latex`."""
    title = f": {escape.html(tableau.title)}" if tableau.title else ""
    displays = html.escape(tableau_latex(tableau), quote=False)
    return f"<p><strong>{escape.html(tableau.name)}</strong>{title}</p>\n{displays}"


def report_latex(report: Report) -> str:
    """Return order, C, rho and growth of a report as one display: what was found, and exactly where there is room."""
    euclidean = None if report.contractivity is None else report.contractivity.euclidean.number
    numbers = {
        "C": None if report.ssp is None or report.ssp.optimal is None else report.ssp.optimal.number,
        r"\rho": euclidean,
        r"\text{growth}": None if report.variance is None else report.variance.number,
    }
    parts = [] if report.order is None else [f"p = {report.order.value}"]
    parts += [f"{symbol} {_value(number)}" for symbol, number in numbers.items() if number is not None]
    return "$$" + ",\\quad ".join(parts) + "$$"


def _value(number: Exact) -> str:
    """The sign of equality, or near equality, and the number."""
    if (fraction := number.fraction) is not None and len(str(fraction)) <= WIDTH:
        return f"= {latex.number(Field(), Field().rational(fraction))}"
    if not isinstance(number.value, Root) and number.text is not None and len(number.text) <= WIDTH:
        return f"= {latex.number(number.field, number.value)}"
    return f"\\approx {number.nearest:.6g}" if number.nearest is not None else r"= \ldots"


def preformatted(text: str) -> str:
    """Return text of several lines as it stands, markup and control characters made harmless."""
    return f"<pre>{html.escape(escape.lines(text), quote=False)}</pre>"
