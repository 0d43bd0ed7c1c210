"""`rkblocks analyze`: how perturbations grow from group to group (Kim et al. 2020, eq. 17), and the figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

EPILOG = """\b
Examples:
  rkblocks analyze runs/mine
  rkblocks analyze runs/euler runs/ssp2 runs/ssp3 --figure growth.png

The growth is saved in each run's analysis/ folder; --figure draws all runs together.
"""


@click.command("analyze", short_help="Measure how perturbations grow, and draw it.", epilog=EPILOG)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--eps", metavar="FRACTION", help="Radius of the ball.  [default: the data set's]")
@click.option("--step", metavar="FRACTION", help="Length of a step.")
@click.option("--steps", type=int, metavar="K", help="Steps of PGD.  [default: 20]")
@click.option("--split", default="test", show_default=True, metavar="NAME", help="test, validation or train.")
@click.option("--limit", type=int, metavar="N", help="At most N images, drawn with the seed.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--device", default="auto", show_default=True, metavar="DEVICE", help="auto, cpu or cuda.")
@click.option("--data-root", metavar="DIR", help="Folder of the data sets.  [default: $RKBLOCKS_DATA, then data/]")
@click.option("--batch", type=int, default=256, show_default=True, metavar="N", help="Images at once.")
@click.option("--figure", metavar="FILE", help="Draw all runs into FILE (.png or .svg).")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(runs: tuple[str, ...], figure: str | None, form: str, **options: Any) -> int:
    """Measure the growth of perturbations through the groups of trained networks.

    For adversarial and for random perturbations of the same budget, and the norms 1, 2 and infinity: the mean over the
    images of |f(x) - f(x')| / |x - x'| for each group f.
    """
    from rkblocks.cli import console
    from rkblocks.cli.progress import Progress
    from rkblocks.extras import require

    require("torch", "torch", "analysis")
    if figure is not None:
        if Path(figure).suffix.lower() not in (".png", ".svg"):
            raise click.UsageError(f"--figure {figure!r}: the name must end in .png or .svg")
        require("matplotlib", "figures", "the figure")  # now, not after minutes of attacks
    from rkblocks.evaluation import analyze

    progress = Progress()
    try:
        found = analyze(runs, progress=progress, **options)
    finally:
        progress.close()
    result: dict[str, Any] = {"version": 1, "runs": [analysis.to_dict() for analysis in found]}
    if form == "json":
        from rkblocks.render.jsonfmt import dump

        console.show(dump(result))
    else:
        from rkblocks.cli.tables import growth

        console.show("\n".join(growth(run) for run in result["runs"]))
    if figure is not None:
        from rkblocks import figures

        figures.save(figures.growth(result["runs"]), Path(figure))
        console.note(f"wrote {figure}")
    return 0
