"""`rkblocks train`: a network whose blocks are a scheme."""

from __future__ import annotations

from pathlib import Path

import click

from rkblocks import escape
from rkblocks.cli.console import named

EPILOG = """\b
Examples:
  rkblocks train --preset digits --blocks ssp3
  rkblocks train --preset mnist-short --blocks ssp3 --seed 1 --data-root ~/data
  rkblocks train --preset cifar10-short --blocks ark,euler,ssp2    a scheme for each group
  rkblocks train --preset digits --blocks my_scheme.json --set training.epochs=3
  rkblocks train --resume runs/digits-ssp3-seed0

Exit status: 0 done, 2 could not run, or was interrupted (what was done is saved; --resume continues).
"""

#: Options that are short for a setting; `--set` reaches all others.
SETTINGS = {
    "blocks": "net.blocks",
    "depth": "net.depth",
    "data": "data.name",
    "data_root": "data.root",
    "seed": "training.seed",
    "device": "training.device",
}


@click.command("train", short_help="Train a network whose blocks are a scheme.", epilog=EPILOG)
@click.option("--preset", metavar="NAME", help="A recipe that ships with the package, or a TOML file.")
@click.option("--blocks", metavar="NAME[,NAME...]", help="Scheme of all groups, or one a group; names or files.")
@click.option("--data", metavar="NAME", help="digits, mnist, fashion, cifar10, tiny-imagenet, or a folder of images.")
@click.option("--data-root", metavar="DIR", help="Folder of the data sets.  [default: $RKBLOCKS_DATA, then data/]")
@click.option("--depth", type=int, metavar="N", help="Blocks in a group.")
@click.option("--seed", type=int, metavar="S", help="Of everything random.")
@click.option("--device", metavar="DEVICE", help="auto, cpu or cuda.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Any setting: training.epochs=3. Repeatable.")
@click.option("--out", callback=named, metavar="RUN", help="The new run folder.  [default: runs/PRESET-BLOCKS-seedS]")
@click.option("--resume", callback=named, metavar="RUN", help="Continue an interrupted run, with its own settings.")
@click.option("--tensorboard", is_flag=True, help="Write the metrics for TensorBoard too, into RUN/tensorboard.")
@click.option("--print-config", is_flag=True, help="Print every setting as TOML, and train nothing.")
def command(
    preset: str | None,
    sets: tuple[str, ...],
    out: str | None,
    resume: str | None,
    tensorboard: bool,
    print_config: bool,
    **short: object,
) -> int:
    """Train a network by a recipe, into a run folder.

    The folder holds every setting, copies of the tableaus, the metrics of each epoch, the weights (best on held-out
    images, and last) and the state for --resume.
    """
    given = {name: value for name, value in short.items() if value is not None}
    if resume is not None and (given or preset or sets or out or print_config):
        raise click.UsageError("--resume takes no option but --tensorboard: a run continues with its own settings")
    if resume is None and preset is None:
        from rkblocks.runs.config import presets

        raise click.UsageError(f"name a recipe with --preset: {', '.join(presets())}; or continue a run with --resume")
    from rkblocks.cli import console
    from rkblocks.extras import require
    from rkblocks.runs.config import load

    if preset is None:
        require("torch", "torch", "training")
        from rkblocks import training

        console.show(f"{training.resume(str(resume), tensorboard=tensorboard)}\n")
        return 0
    # All that is wrong with the settings is said before torch is imported, which takes seconds.
    config = load(preset, [f"{SETTINGS[name]}={value}" for name, value in given.items()] + list(sets))
    if print_config:
        from rkblocks.runs import combinations, variants
        from rkblocks.settings import toml

        console.show(f"{toml.write(config)}\n{variants.comment(config)}")
        console.diagnose(combinations.without_effect(config))
        return 0
    require("torch", "torch", "training")
    from rkblocks import distributed, training

    free, taken = _free(preset, config.net.blocks, config.training.seed)
    folder = free if out is None else Path(out)
    if out is None and distributed.local_rank() == 0:
        _name_unfinished(taken)
    console.show(f"{training.train(config, folder, tensorboard=tensorboard)}\n")
    return 0


def _free(preset: str, blocks: tuple[str, ...], seed: int) -> tuple[Path, list[Path]]:
    """Return runs/PRESET-BLOCKS-seedS, numbered where that is taken; and those that are taken."""
    stem = escape.filename("-".join([Path(preset).stem, *(Path(block).stem for block in blocks), f"seed{seed}"]))
    taken, folder = [], Path("runs") / stem
    while folder.exists():
        taken.append(folder)
        folder = folder.with_name(f"{stem}-{len(taken) + 1}")
    return folder, taken


def _name_unfinished(runs: list[Path]) -> None:
    """Say which of these runs were interrupted, and how to continue them."""
    from rkblocks import invocation
    from rkblocks.cli import console
    from rkblocks.runs.summaries import summary

    for run in runs:
        done, _, wanted = summary(run)["epochs"].partition("/")
        if (run / "run.json").is_file() and wanted.isdecimal() and int(done) < int(wanted):
            how = invocation.line("train", resume=run)
            console.note(f"{run} is unfinished ({done}/{wanted} epochs); {how} continues it")
