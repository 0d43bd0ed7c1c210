"""`rkblocks certify`: accuracy that no attack gets below, by the constants of schemes and layers."""

from __future__ import annotations

from typing import Any

import click

EPILOG = """\b
Examples:
  rkblocks train --preset digits-certified --blocks rk4 --out runs/certified
  rkblocks certify runs/certified
  rkblocks certify runs/certified --eps 1/4,1/2,1 --format json

Exit status: 0 certified; 2 a block has no guarantee, and so nothing is certified.
"""


@click.command("certify", short_help="Accuracy that no attack gets below.", epilog=EPILOG)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--eps", metavar="FRACTIONS", help="Radii in l2, with commas.  [default: those in print for the data]")
@click.option(
    "--weights", default="best", show_default=True, metavar="NAME", help="best, last, or average if there is."
)
@click.option("--split", default="test", show_default=True, metavar="NAME", help="test, validation or train.")
@click.option("--limit", type=int, metavar="N", help="At most N images, drawn with the seed.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--data-root", metavar="DIR", help="Folder of the data sets.  [default: $RKBLOCKS_DATA, then data/]")
@click.option("--save/--no-save", default=True, help="Keep the result in the run folder.  [default: save]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(runs: tuple[str, ...], form: str, **options: Any) -> int:
    """Certify networks of kind "bounded": within its radius an image keeps its class, whatever the attack.

    The radius is the margin of the logits over the network's Lipschitz constant, less what rounding can do. The
    constant is the product of those of all modules; a block has one where its step is at most rho h0.
    """
    from rkblocks.cli import console
    from rkblocks.extras import require

    require("torch", "torch", "certification")
    from rkblocks.evaluation.certify import certify

    found = certify(runs, **options)
    if form == "json":
        from rkblocks.render.machines import dump

        console.show(dump(found))
    else:
        from rkblocks.render.network_results import certificate

        console.show("\n".join(map(certificate, found["runs"])))
    return 0
