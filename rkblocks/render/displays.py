"""Values with displayed formulas: HTML for notebooks, and one tableau as a Markdown section.

MathJax typesets what stands between dollars, as Jupyter, GitHub and GitLab do.
"""

from __future__ import annotations

import html
from collections.abc import Iterator

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


def markdown(tableau: Tableau) -> str:
    """Return what `rkblocks show --format markdown` prints; nothing in it is verified, `rkblocks check` does that."""
    return "\n".join(_lines(tableau)) + "\n"


def _lines(tableau: Tableau) -> Iterator[str]:
    yield f"# {escape.markdown(tableau.name)}" + (f": {escape.markdown(tableau.title)}" if tableau.title else "")
    if tableau.aliases:
        yield from ("", f"Also known as {', '.join(map(escape.markdown, tableau.aliases))}.")
    claims = tableau.claims
    cells = [("stages", str(tableau.stages)), ("order", None if claims.order is None else str(claims.order))]
    numbers = {"C": claims.ssp, "C as declared": claims.declared_ssp, "rho": claims.rho, "growth": claims.variance}
    for head, claimed in numbers.items():
        cells.append((head, None if claimed is None else f"`{claimed.text}`"))
    known = [(head, text) for head, text in cells if text is not None]
    yield from ("", f"| {' | '.join(head for head, _ in known)} |", f"|{'---|' * len(known)}")
    yield f"| {' | '.join(text for _, text in known)} |"
    yield from ("", "## One step" if tableau.shu_osher is None else "## Shu-Osher form", "")
    yield from ("$$", "\\begin{aligned}", "  " + " \\\\\n  ".join(latex.formulas(tableau)), "\\end{aligned}", "$$")
    yield from ("", "## Butcher array", "", "$$", latex.array(tableau, indent=""), "$$")
    if tableau.parameters:
        yield from ("", "## Parameters", "")
        yield from (f"- ${latex.parameter(tableau.field, p)}$" for p in tableau.parameters)
    if tableau.references:
        yield from ("", "## References", "")
        yield from (f"- {escape.markdown(reference)}" for reference in tableau.references)
