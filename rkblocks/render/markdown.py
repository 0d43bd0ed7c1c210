"""One tableau as a Markdown section; formulas in the $$ blocks that GitHub, GitLab and Jupyter typeset."""

from __future__ import annotations

from collections.abc import Iterator

from rkblocks import escape
from rkblocks.render import latex
from rkblocks.tableau import Tableau


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
