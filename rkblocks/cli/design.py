"""`rkblocks design`: a scheme from a wish, written as a file that `check` proves."""

from __future__ import annotations

import click

from rkblocks.cli.console import named

EPILOG = """\b
Examples:
  rkblocks design --stages 4 --order 3 --maximize ssp -o mine.json
  rkblocks design --stages 3 --order 2 --minimize growth --require "ssp >= 3/2" -o mine.json
  rkblocks design --stages 5 --order 4 --minimize error --require "b >= 0" --embedded 3 -o mine.json

What can be required: ssp, rho, threshold, real, imaginary with >=; growth, error with <= and ==; ssp with ==;
entries of b, A and c with >=, c with <=; "registers <= 2" (Williamson's low storage).
Ctrl-C ends the search and keeps the best so far.
Exit status: 0 written, 1 nothing found, 2 a wish that cannot be.
"""


@click.command("design", short_help="Search a scheme for a wish, and prove it.", epilog=EPILOG)
@click.option("--stages", type=click.IntRange(min=1), required=True, metavar="M", help="Number of stages.")
@click.option("--order", type=click.IntRange(min=1), required=True, metavar="P", help="Order of the scheme.")
@click.option("--maximize", metavar="GOAL", help="ssp, rho, threshold, real or imaginary.")
@click.option("--minimize", metavar="GOAL", help="growth or error.")
@click.option("--require", multiple=True, metavar='"NAME >= NUMBER"', help="A condition; may be given several times.")
@click.option("--embedded", type=click.IntRange(min=1), metavar="Q", help="Add an embedded method of this lower order.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="S", help="Of the starts.")
@click.option(
    "--starts",
    type=click.IntRange(1, 100_000),
    default=100,
    show_default=True,
    metavar="N",
    help="Most starting points.",
)
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, metavar="W", help="Processes.")
@click.option("-o", "--output", callback=named, metavar="FILE", help="Write to FILE.  [default: standard output]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to say what was found; json holds the certificate of the bound.",
)
def command(
    stages: int,
    order: int,
    maximize: str | None,
    minimize: str | None,
    require: tuple[str, ...],
    embedded: int | None,
    seed: int,
    starts: int,
    workers: int,
    output: str | None,
    form: str,
) -> int:
    """Search an explicit Runge-Kutta scheme, and write it as a tableau file with claims that `check` proves.

    The numbers are exact where they are fractions or square roots, else decimals whose coefficients are those of the
    file. What was reached, and the proved upper bound where there is one, is said on standard error, or printed where
    the file goes to FILE. The same seed gives the same file, whatever the number of workers.
    """
    from pathlib import PurePath

    from rkblocks.cli import console
    from rkblocks.cli.progress import Progress
    from rkblocks.extras import require as needed

    needed("scipy", "design", "rkblocks design")
    from rkblocks.render.design import as_json, as_text
    from rkblocks.synthesis import design

    with Progress() as progress:
        found = design(
            stages,
            order,
            maximize=maximize,
            minimize=minimize,
            require=require,
            embedded=embedded,
            seed=seed,
            starts=starts,
            workers=workers,
            name=None if output in (None, "-") else _stem(PurePath(str(output)).stem),
            progress=progress,
        )
    if form == "json":
        if output not in (None, "-"):
            console.deliver(found.text, output)
        console.show(as_json(found))
    elif output in (None, "-"):
        console.show(found.text)
        for line in as_text(found).splitlines():
            console.note(line)
    else:
        console.deliver(found.text, output)
        console.show(as_text(found))
    return 0


def _stem(name: str) -> str | None:
    """A name for the scheme from that of its file, None where it does not make one."""
    import re

    return name if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,63}", name) else None
