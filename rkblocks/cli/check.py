"""`rkblocks check`: every verdict about tableau files, in three forms."""

from __future__ import annotations

import sys

import click

EPILOG = """\b
Examples:
  rkblocks check ssp3                       a scheme of the library
  rkblocks check my_scheme.json             a file
  rkblocks check rk4 --verbose              with stability intervals, stage order, error norm
  rkblocks check decimals.json --tolerance 1e-12
  rkblocks check schemes/                   every *.json in a folder
  generate | rkblocks check -               standard input
  rkblocks check schemes/ --format github   annotations in a pull request

Exit status: 0 every file is sound and every claim true; 1 the numbers were read but are unfit; 2 they could not be
read. The worst of all files wins.
"""


@click.command("check", short_help="Verify tableau files exactly.", epilog=EPILOG)
@click.argument("targets", nargs=-1, required=True, metavar="FILE_OR_NAME...")
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True)
@click.option("-v", "--verbose", is_flag=True, help="Show stage order, error norm, stability and variances as well.")
@click.option(
    "--tolerance", metavar="T", help="Take T, such as 1e-12, in place of each file's tolerance; the output says so."
)
@click.option("--residuals", type=click.IntRange(1, 10), metavar="P", help="List every order condition up to order P.")
@click.option("--internal", is_flag=True, help="Show the internal stability polynomials of each form.")
@click.option("--downwind", is_flag=True, help="Find the optimal SSP coefficient with downwind operators.")
def command(
    targets: tuple[str, ...],
    form: str,
    verbose: bool,
    tolerance: str | None,
    residuals: int | None,
    internal: bool,
    downwind: bool,
) -> int:
    """Verify tableaus exactly: order, SSP coefficients, growth, and the claims of the file.

    An argument is a path if it exists, ends in .json or has a separator; else it is a name or alias of the library.
    Nothing needs to be claimed: everything is computed, and compared where there is a claim.
    """
    from rkblocks import files
    from rkblocks.cli import console
    from rkblocks.startup import load_core

    load_core()
    from rkblocks.verify.checking import check_argument
    from rkblocks.verify.requests import Requests

    requests = Requests(residuals or 0, internal, downwind)
    reports = [check_argument(target, tolerance, requests) for target in files.expand(targets)]
    if form == "json":
        from rkblocks.render.machines import as_json

        console.show(as_json(reports))
    elif form == "github":
        from rkblocks.render.machines import as_commands

        console.annotate(as_commands(reports))
    else:
        from rkblocks.render import report_text

        placed = {report.source for report in reports if any(found.line is not None for found in report.diagnostics)}
        texts = {source: console.text_of(source) for source in placed}
        console.show(report_text.render(reports, texts=texts, colour=console.colour(sys.stdout), verbose=verbose))
    return max((report.status for report in reports), default=0)
