"""`rkblocks demo`: from the tableau files to attacked networks and a table, on data that needs no download."""

from __future__ import annotations

import click

EPILOG = """\b
Examples:
  rkblocks demo                     a few minutes on two cores
  rkblocks demo --tiny              seconds: shows that everything works, the numbers mean nothing
  rkblocks demo --out runs/mine --seeds 5
"""


@click.command("demo", short_help="All of it in a few minutes, on built-in data.", epilog=EPILOG)
@click.option("--out", metavar="DIR", help="Folder of the results.  [default: runs/demo-DATE]")
@click.option("--seeds", type=click.IntRange(1, 100), default=None, help="Networks a scheme.  [default: 3]")
@click.option("--device", default="cpu", show_default=True, metavar="DEVICE", help="auto, cpu or cuda.")
@click.option("--tiny", is_flag=True, help="The smallest settings that run everything.")
def command(out: str | None, seeds: int | None, device: str, tiny: bool) -> int:
    """Check, compile, train and attack the paper's five schemes on scikit-learn's handwritten digits.

    Prints the verdicts and one table (clean, FGSM, PGD-20, growth; mean and deviation over the seeds), and writes
    results.json, the figures and the configuration.
    """
    from rkblocks.extras import require

    for module, extra, purpose in (
        ("torch", "demo", "the demo"),
        ("sklearn", "demo", "the digits data set"),
        ("matplotlib", "demo", "the figures of the demo"),
    ):
        require(module, extra, purpose)
    from rkblocks.demo import demo

    raise NotImplementedError(demo)
