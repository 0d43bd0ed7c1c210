"""`rkblocks show`: one scheme, drawn."""

from __future__ import annotations

import sys

import click


@click.command(
    "show",
    short_help="Draw one scheme: formulas, Butcher array, claims.",
    epilog="\b\nExamples:\n  rkblocks show ssp3\n  rkblocks show ssp3 --format json > mine.json",
)
@click.argument("name", metavar="NAME")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json prints a tableau file.",
)
def command(name: str, form: str) -> int:
    """Show the scheme NAME (of the library, or a file): its formulas, Butcher array, claims and references.

    Nothing is verified here; that is `rkblocks check NAME`.
    """
    from rkblocks import files
    from rkblocks.cli import console
    from rkblocks.cli.startup import load_core

    load_core()
    tableau = files.load(name)
    if form == "json":
        console.show(files.to_json(tableau))
        return 0
    from rkblocks.render.scheme import scheme

    console.show(scheme(tableau, colour=console.colour(sys.stdout)))
    return 0
