"""`rkblocks canonical`: the Shu-Osher form that certifies most, as a corrected tableau file."""

from __future__ import annotations

import click

from rkblocks.cli.console import named

EPILOG = """\b
Examples:
  rkblocks canonical ssprk54_butcher                  the optimal form of a Butcher table
  rkblocks canonical my_scheme.json -o better.json    then: rkblocks check better.json
  rkblocks canonical ssprk104 --at 3                  a form that certifies C >= 3
"""


@click.command("canonical", short_help="Write the Shu-Osher form that certifies most.", epilog=EPILOG)
@click.argument("name", metavar="NAME_OR_FILE")
@click.option("--at", metavar="R", help="A coefficient up to C: a rational, or with sqrt( ).  [default: C]")
@click.option(
    "--digits",
    type=click.IntRange(1, 300),
    default=12,
    show_default=True,
    metavar="N",
    help="Decimals taken of a C that is no rational and no quadratic number.",
)
@click.option("-o", "--output", callback=named, metavar="FILE", help="Write to FILE.  [default: standard output]")
def command(name: str, at: str | None, digits: int, output: str | None) -> int:
    """Write the canonical Shu-Osher form of a scheme as a complete tableau file with its claims.

    alpha and beta of the result certify the optimal SSP coefficient C of the method (or R, with --at); `rkblocks check`
    proves it. Unused and equal stages are left out. Of a family this is the member at the initial values.
    """
    from rkblocks import files
    from rkblocks.cli import console
    from rkblocks.startup import load_core

    load_core()
    from rkblocks.verify.canonical import canonical

    found = canonical(files.load(name), at, digits)
    for note in found.notes:
        console.note(f"note: {note}")
    console.deliver(found.tableau.to_json(), output)
    return 0
