"""`rkblocks analyze`: theory beside measurement in trained networks: tables, figures and a report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rkblocks.analysis import NetworkAnalysis

EPILOG = """\b
Examples:
  rkblocks analyze runs/mine
  rkblocks analyze runs/mine --only growth,lemma1 --limit 1000
  rkblocks analyze runs/euler runs/ssp2 runs/ssp3 --report schemes.html --figure growth.png

Analyses: growth, variation, variance, lemma1, lipschitz, coefficients, surface, examples,
certificate (of networks of kind bounded).
Tables, figures and report.html go to each run's analysis/ folder.
"""


def _no_folder(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """The value of an option that names a file to write (a callback), which is not the folder of the run."""
    if value is not None and Path(value).is_dir():
        example = "all.html" if option.name == "report" else "growth.png"
        message = f"{value} is a folder, expected a file: --{option.name} {example} {value}, where it is a run"
        raise click.BadParameter(message, ctx, option)
    return value


@click.command("analyze", short_help="Theory beside measurement, block by block; a report.", epilog=EPILOG)
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@click.option("--only", metavar="NAMES", help="Analyses to run, with commas between.  [default: all]")
@click.option("--eps", metavar="FRACTION", help="Radius of the ball.  [default: the data set's]")
@click.option("--step", metavar="FRACTION", help="Length of a step.")
@click.option("--steps", type=int, metavar="K", help="Steps of PGD.  [default: 20]")
@click.option(
    "--random-start/--no-random-start", default=True, show_default=True, help="Begin at a random point of the ball."
)
@click.option(
    "--weights", default="best", show_default=True, metavar="NAME", help="best, last, or average if there is."
)
@click.option("--split", default="test", show_default=True, metavar="NAME", help="test, validation or train.")
@click.option(
    "--limit", type=int, default=256, show_default=True, metavar="N", help="At most N images, drawn with the seed."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--device", default="auto", show_default=True, metavar="DEVICE", help="auto, cpu or cuda.")
@click.option("--data-root", metavar="DIR", help="Folder of the data sets.  [default: $RKBLOCKS_DATA, then data/]")
@click.option("--batch", type=click.IntRange(min=1), default=64, show_default=True, metavar="N", help="Images at once.")
@click.option(
    "--report",
    callback=_no_folder,
    metavar="FILE",
    help="Write one report on all runs to FILE (.html), too; missing folders in its path are made.",
)
@click.option(
    "--figure",
    callback=_no_folder,
    metavar="FILE",
    help="Draw the growth in all runs into FILE (.png or .svg); folders likewise.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(runs: tuple[str, ...], figure: str | None, report: str | None, form: str, **options: Any) -> int:
    """Measure in trained networks what the theory of their schemes speaks of.

    The growth of adversarial and random perturbations from block to block, the total variation, the variance beside
    Lemma 3, the premise of Lemma 1 in every block and what it makes of the SSP coefficient, local Lipschitz constants,
    learned coefficients, the loss surface, and adversarial images. lemma1 looks at the first 64 images of the sample,
    lipschitz at 32, examples at 6, surface at 3.
    """
    from rkblocks.cli import console
    from rkblocks.cli.progress import Progress
    from rkblocks.extras import require

    require("torch", "torch", "analysis")
    for option, path, endings in (("--figure", figure, (".png", ".svg")), ("--report", report, (".html", ".htm"))):
        if path is not None and Path(path).suffix.lower() not in endings:
            raise click.UsageError(f"{option} {path!r}: the name must end in {' or '.join(endings)}")
    from rkblocks.analysis import analyze, chosen
    from rkblocks.runs.outcomes import ready

    if figure is not None:
        if "growth" not in chosen(options["only"]):
            raise click.UsageError("--figure draws the growth, which --only leaves out")
        require("matplotlib", "figures", "the figure")  # now, not after minutes of attacks
    for what, path in (("report", report), ("figure", figure)):
        if path is not None:
            ready(Path(path).parent, what)

    with Progress() as progress:
        found = analyze(runs, progress=progress, **options)
    _show(found, form)
    for written in _write(found, runs, figure, report):
        console.note(f"wrote {written}")
    return 0


def _show(found: list[NetworkAnalysis], form: str) -> None:
    from rkblocks.cli import console

    if form == "json":
        from rkblocks.render.machines import dump

        console.show(dump({"version": 1, "runs": [analysis.to_dict(brief=True) for analysis in found]}))
    else:
        from rkblocks.render.network_results import LEGEND

        texts = [f"{analysis}\n" for analysis in found]
        if any(analysis.verdicts for analysis in found):
            texts.append(LEGEND)
        console.show("\n".join(texts))


def _write(found: list[NetworkAnalysis], runs: tuple[str, ...], figure: str | None, report: str | None) -> list[Path]:
    """Return the files written: the report of each run and what the options ask for."""
    from importlib.util import find_spec

    from rkblocks import figures
    from rkblocks.cli import console
    from rkblocks.report import told_apart, write_run, write_runs

    draw = find_spec("matplotlib") is not None
    if not draw:
        console.note("no figures without matplotlib: pip install 'rkblocks[figures]'")
    results = [(analysis.to_dict(), Path(run)) for analysis, run in zip(found, runs, strict=True)]
    written = [write_run(result, folder, draw=draw) for result, folder in results]
    if report is not None:
        written.append(write_runs(results, Path(report), draw=draw))
    if figure is not None:
        written += figures.save(figures.growth(told_apart([result for result, _ in results])), Path(figure))
    return written
