"""`rkblocks audit`: what the blocks of trained networks have become, exactly."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rkblocks.evaluation.audit import Audit

EPILOG = """\b
Examples:
  rkblocks audit runs/mine
  rkblocks audit runs/ark-seed0 runs/ark-seed1 --format json
"""


@click.command("audit", short_help="Order, SSP coefficient and growth of every trained block, exactly.", epilog=EPILOG)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option(
    "--weights",
    type=click.Choice(["best", "last", "average"]),
    default="best",
    show_default=True,
    help="Average: if there is.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(runs: tuple[str, ...], weights: str, form: str) -> int:
    """Report the learned coefficients of every block, and the order, SSP coefficient and growth they give.

    A learned coefficient is a raw number as stored, mapped into its domain in the dtype in which the network computes.
    The number that comes out is taken exactly, as the fraction that it is, and everything follows by exact arithmetic;
    the JSON has the fractions in full.
    """
    from rkblocks.cli import console
    from rkblocks.extras import require

    require("torch", "torch", "an audit")
    from rkblocks.evaluation.audit import audit

    found = audit(runs, weights=weights)
    if form == "json":
        from rkblocks.render.machines import dump

        console.show(dump({"version": 1, "runs": [one.to_dict() for one in found]}))
    else:
        console.show("\n".join(_text(one) for one in found))
    return 0


def _text(found: Audit) -> str:
    from rkblocks.cli import console
    from rkblocks.escape import Style
    from rkblocks.render.listing import columns

    head = ("block", "scheme", "learned", "order", "SSP", "rho", "growth")
    style = Style(console.colour(sys.stdout))
    table = columns(head, [entry.row() for entry in found.entries], right=(3,), style=style)
    blocks = f"blocks {found.blocks}, " if found.blocks else ""
    text = f"{found.run}  {blocks}weights {found.weights[:12]}\n{table}"
    for entry in found.entries:
        text += "".join(f"{entry.name}: {problem}\n" for problem in entry.problems)
    dtypes = sorted({c.dtype for entry in found.entries for c in entry.coefficients})
    if dtypes:
        text += (
            f"learned coefficients are the {', '.join(dtypes)} numbers that the blocks compute with, taken exactly\n"
        )
    return text
