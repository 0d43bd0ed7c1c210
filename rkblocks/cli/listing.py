"""`rkblocks list`: the library, from the files' text alone (no sympy: it answers at once)."""

from __future__ import annotations

import sys

import click

EPILOG = """\b
Examples:
  rkblocks list
  rkblocks list --ssp --sort C/stages --reverse    what a call of F buys, best first
  rkblocks list --order 3+ --stages 3-5
  rkblocks list --family --format json
"""
KEYS = ("name", "stages", "order", "C", "C/stages", "rho", "growth")


@click.command("list", short_help="The library: names, orders, SSP coefficients.", epilog=EPILOG)
@click.option("--order", metavar="N", help="Of this order: N, N+ or N-M.")
@click.option("--stages", metavar="N", help="With so many stages: N, N+ or N-M.")
@click.option("--ssp", is_flag=True, help="With a claimed SSP coefficient C > 0.")
@click.option("--family", is_flag=True, help="With parameters.")
@click.option("--sort", "key", type=click.Choice(KEYS), default="name", show_default=True)
@click.option("--reverse", is_flag=True, help="Largest first.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(order: str | None, stages: str | None, ssp: bool, family: bool, key: str, reverse: bool, form: str) -> int:
    """List the tableaus that ship with the package.

    Order, SSP coefficient C, radius of circle contractivity rho and growth are the claims of the files, which `rkblocks
    check NAME` proves; those of a family are taken at its initial values. "-": nothing is claimed. Stages are those of
    the table as written. A narrow terminal shows fewer columns.
    """
    from rkblocks.cli import console
    from rkblocks.files.library import catalog
    from rkblocks.files.ranking import arranged, chosen, ranked, read_range, unclaimed

    try:
        ranges = {
            name: None if text is None else read_range(text)
            for name, text in {"order": order, "stages": stages}.items()
        }
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    library = [ranked(entry) for entry in catalog()]
    rows = arranged(chosen(library, **ranges, ssp=ssp, family=family), key, reverse=reverse)
    if form == "json":
        from rkblocks.render.listing import record
        from rkblocks.render.machines import dump

        console.show(dump({"version": 1, "tableaus": [record(row) for row in rows]}))
        return 0
    from rkblocks.render.listing import listing

    console.show(listing(rows, colour=console.colour(sys.stdout), width=console.width(sys.stdout)))
    if not rows:
        console.note("no scheme of the library fits")
    if left_out := ", ".join(row.entry.name for row in unclaimed(library, **ranges, ssp=ssp)):
        advice = "rkblocks check NAME says what holds for which parameters"
        console.note(f"not listed, for want of a claim: {left_out}; {advice}")
    return 0
