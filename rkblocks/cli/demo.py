"""`rkblocks demo`: from the tableau files to attacked networks and a table, on data that needs no download."""

from __future__ import annotations

import click

from rkblocks.cli.console import named

EPILOG = """\b
Examples:
  rkblocks demo                     a few minutes on two cores
  rkblocks demo --tiny              seconds; shows that everything works, no more
  rkblocks demo --out runs/mine --seeds 5
"""


@click.command("demo", short_help="All of it in a few minutes, on built-in data.", epilog=EPILOG)
@click.option("--out", callback=named, metavar="DIR", help="Folder of the results.  [default: runs/demo-DATE]")
@click.option("--seeds", type=click.IntRange(min=1), metavar="N", help="Networks of each scheme.  [default: 3]")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    metavar="N",
    help="Processes; 0: none, one network after the other in this one.  [default: the cores, two at most]",
)
@click.option("--tiny", is_flag=True, help="The smallest settings that run everything.")
def command(out: str | None, seeds: int | None, workers: int | None, tiny: bool) -> int:
    """Check, compile, train and attack the paper's five schemes on scikit-learn's handwritten digits.

    Prints the verdicts and one table (clean, FGSM, PGD-20, growth; mean and deviation over the seeds), and writes
    results.json, the figures and the configuration. The same --out continues a demo that was interrupted.
    """
    from rkblocks.cli import console
    from rkblocks.cli.progress import Progress
    from rkblocks.extras import require

    require("torch", "demo", "the demo")
    require("sklearn", "demo", "the digits data set")
    require("matplotlib", "demo", "the figures of the demo")
    from rkblocks import demo

    def say(line: str) -> None:
        progress.close()
        console.show(f"{line}\n")

    with Progress() as progress:
        demo.run(out, seeds, tiny=tiny, workers=workers, say=say, progress=progress)
    return 0
