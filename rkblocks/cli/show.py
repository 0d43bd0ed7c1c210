"""`rkblocks show`: one scheme, drawn."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rkblocks.cli.console import named

if TYPE_CHECKING:
    from rkblocks.tableau import Tableau

EPILOG = """\b
Examples:
  rkblocks show ssp3
  rkblocks show ssp3 --format json > mine.json
  rkblocks show ssp3 --format latex -o ssp3.tex
  rkblocks show ssp3 --format julia          arrays; also python, matlab, c, csv
  rkblocks show ssprk104 --figure stability -o stability.svg
  rkblocks show rk33_family --figure region -o region.png
"""
#: The figures of a scheme: one module each (nothing of them is imported here).
FIGURES = sorted(path.stem for path in (Path(__file__).parents[1] / "figures" / "schemes").glob("[a-z]*.py"))


@click.command("show", short_help="Draw one scheme: formulas, Butcher array, figures.", epilog=EPILOG)
@click.argument("name", metavar="NAME")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "latex", "markdown", "python", "julia", "matlab", "c", "csv"]),
    default=None,
    help="json is a tableau file; latex needs amsmath; python to csv are its arrays.  [default: text]",
)
@click.option(
    "--figure",
    type=click.Choice(FIGURES),
    help="Draw the stability region, the entries of P(r) and d(r), or C over the parameters of a family.",
)
@click.option("-o", "--output", callback=named, metavar="FILE", help="Write to FILE; a figure to FILE.png or FILE.svg.")
def command(name: str, form: str | None, figure: str | None, output: str | None) -> int:
    """Show the scheme NAME (of the library, or a file): its formulas, Butcher array, claims and references.

    Nothing is verified here; that is `rkblocks check NAME`. Figures need the extra "figures".
    """
    from rkblocks import files
    from rkblocks.cli import console
    from rkblocks.startup import load_core

    if figure is not None:
        if form is not None:
            raise click.UsageError("--figure and --format exclude each other")
        if output is None or Path(output).suffix.lower() not in (".png", ".svg"):
            raise click.UsageError("--figure needs -o FILE, a name that ends in .png or .svg")
    load_core()
    tableau = files.load(name)
    if figure is not None:
        from rkblocks import figures

        figures.save(figures.of_scheme(figure, tableau), Path(output or ""))
        console.note(f"wrote {output}")
        return 0
    console.deliver(_text(tableau, form or "text", colour=output is None and console.colour(sys.stdout)), output)
    return 0


def _text(tableau: Tableau, form: str, *, colour: bool) -> str:
    if form == "json":
        return tableau.to_json()
    if form == "latex":
        from rkblocks.render.latex import latex

        return latex(tableau)
    if form == "markdown":
        from rkblocks.render.displays import markdown

        return markdown(tableau)
    if form != "text":
        from rkblocks.render.arrays import arrays

        return arrays(tableau, form)
    from rkblocks.render.scheme import scheme

    return scheme(tableau, colour=colour)
