"""`rkblocks list`: the library, from the files' text alone (no sympy: it answers at once)."""

from __future__ import annotations

import sys

import click


@click.command(
    "list",
    short_help="The library: names, orders, SSP coefficients.",
    epilog="\b\nExamples:\n  rkblocks list\n  rkblocks list --format json",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(form: str) -> int:
    """List the tableaus that ship with the package.

    Order and SSP coefficient are the claims of the files; `rkblocks check NAME` proves them.
    """
    from rkblocks.cli import console
    from rkblocks.files.library import catalog

    entries = catalog()
    if form == "json":
        from rkblocks.render.jsonfmt import dump

        keys = ("name", "title", "aliases", "stages", "claims")
        console.show(dump({"version": 1, "tableaus": [{key: getattr(e, key) for key in keys} for e in entries]}))
        return 0
    from rkblocks.render.listing import listing

    console.show(listing(entries, colour=console.colour(sys.stdout)))
    return 0
