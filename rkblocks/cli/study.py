"""`rkblocks study`: a grid of networks from one file, and one table out of it."""

from __future__ import annotations

from pathlib import Path

import click

EPILOG = """\b
Examples:
  rkblocks study studies/digits.toml --dry-run            what there is to do
  rkblocks study studies/digits.toml --workers 2
  rkblocks study studies/table2.toml --only 'ssp3-*' --ray
  rkblocks study runs/studies/digits --report-only        the table of what is done so far

The same command continues a study that was interrupted, and tries again what failed.
Exit status: 0 done, 1 a network failed, 2 could not run.
"""


@click.command("study", short_help="Train and attack a grid of networks; one table.", epilog=EPILOG)
@click.argument("source", metavar="FILE.toml|FOLDER")
@click.option("--out", metavar="DIR", help="Folder of the study.  [default: runs/studies/NAME]")
@click.option(
    "--workers",
    type=click.IntRange(min=0),
    metavar="N",
    help="Processes side by side; 0: none, one network after the other in this process.  "
    "[default: one a GPU, else the cores, eight at most]",
)
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="T", help="Threads of each.  [default: the file's, else 1]"
)
@click.option("--only", metavar="GLOB", help="Only the networks whose run folder is called so: 'ssp3-*'.")
@click.option("--dry-run", is_flag=True, help="List what is done and what is left, and do nothing.")
@click.option(
    "--report-only", is_flag=True, help="Write the table of what is done; neither weights nor data are needed."
)
@click.option("--pack", is_flag=True, help="Keep what the networks were, without weights, in FOLDER/runs.zip.")
@click.option(
    "--ray",
    is_flag=False,
    flag_value="auto",
    metavar="[ADDRESS]",
    help="On a Ray cluster: HOST:PORT, local for one of this machine, or the one it is part of.",
)
@click.option("--data-root", metavar="DIR", help="Folder of the data sets.  [default: $RKBLOCKS_DATA, then data/]")
@click.option("--device", metavar="DEVICE", help="auto, cpu or cuda.  [default: the recipe's]")
def command(
    source: str,
    out: str | None,
    workers: int | None,
    threads: int | None,
    only: str | None,
    dry_run: bool,
    report_only: bool,
    pack: bool,
    ray: str | None,
    data_root: str | None,
    device: str | None,
) -> int:
    """Train and attack every network of a study, and write one table.

    A study file names a recipe, the schemes, depths and seeds, the attacks, and numbers of a paper to print beside.
    Its folder holds a run folder for each network, and results/ with the table as Markdown, CSV and LaTeX, the figure,
    and results.json. What is finished is not done again.
    """
    if dry_run and report_only:
        raise click.UsageError("--dry-run and --report-only exclude each other")
    if ray is not None and (workers is not None or threads is not None):
        raise click.UsageError("--ray takes no --workers and no --threads: the study file has [resources] of a task")
    if pack and (dry_run or report_only or not Path(source).is_dir()):
        raise click.UsageError("--pack takes the folder of a study, and no other option")
    from rkblocks.cli import console
    from rkblocks.cli.progress import Progress
    from rkblocks.extras import require

    require("scipy", "study", "the statistics of a study")
    if not (dry_run or pack or report_only):
        require("torch", "torch", "a study")
    if not (dry_run or pack):
        require("matplotlib", "figures", "the figure of a study")
    from rkblocks import study

    if pack:
        console.show(f"{study.pack(Path(source))}\n")
        return 0

    def say(line: str) -> None:
        progress.close()
        console.show(f"{line}\n")

    with Progress() as progress:
        content = study.run(
            source,
            out,
            workers=workers,
            threads=threads,
            only=only,
            dry_run=dry_run,
            report_only=report_only,
            ray=ray,
            data_root=data_root,
            device=device,
            say=say,
            progress=progress,
        )
    return 1 if content["failed"] else 0
