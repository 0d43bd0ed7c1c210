"""`rkblocks evaluate`: accuracy under attack, with intervals and the health of the numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from rkblocks.settings.threat import OPTIONS

EPILOG = """\b
Examples:
  rkblocks evaluate runs/mine                       clean, noise, FGSM, PGD-20, PGD-100, health
  rkblocks evaluate runs/a runs/b --preset quick    also: are they equally robust?
  rkblocks evaluate runs/mine --attack pgd --eps 8/255 --step 2/255 --steps 20 --restarts 5
  rkblocks evaluate runs/mine --attack transfer --source runs/other
  torchrun --standalone --nproc-per-node 2 -m rkblocks evaluate runs/mine
  rkblocks evaluate runs/mine --strict --format json > result.json
  rkblocks evaluate --model mine.py:net --weights mine.pt --data digits    any torch network

Every evaluation is saved in its run folder, with the outcome of each image.
Exit status: 0 done, 1 a health check failed under --strict, 2 could not run.
"""


WEIGHTS_HELP = "best, last, or average if there is; with --model a .safetensors or .pt file."


def _list(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print every attack of the registry with the options that it reads, and end."""
    if not wanted or ctx.resilient_parsing:
        return
    from rkblocks.cli import console
    from rkblocks.extras import require
    from rkblocks.render.listing import columns

    require("torch", "torch", "evaluation")
    from rkblocks.attacks import ATTACKS

    def options(names: tuple[str, ...]) -> str:
        return " ".join("--" + name.replace("_", "-") for name in names) or "-"

    rows = [(name, options(attack.options), attack.does) for name, attack in ATTACKS.items()]
    console.show(columns(("attack", "options besides --norm, --eps", "what it does"), rows))
    ctx.exit()


def _search_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add an option for each field of a threat model that users may set."""
    for name, one in reversed(OPTIONS.items()):
        text = "--" + name.replace("_", "-")
        text += f"/--no-{text[2:]}" if one.kind == "flag" else ""
        kind = {"count": int, "flag": bool}.get(one.kind, str)
        metavar = None if one.kind == "flag" else one.metavar or "FRACTION"
        command = click.option(text, type=kind, default=None, metavar=metavar, help=one.help)(command)
    return command


@click.command("evaluate", short_help="Attack trained networks.", epilog=EPILOG)
@click.argument("runs", nargs=-1, metavar="RUN...")
@click.option("--list-attacks", is_flag=True, is_eager=True, expose_value=False, callback=_list, help="Name them all.")
@click.option("--preset", default=None, metavar="NAME", help="paper, standard or quick.  [default: standard]")
@click.option("--attack", metavar="NAME", help="One attack instead of a preset; see --list-attacks.")
@_search_options
@click.option("--definition", metavar="NAME", help="final: last iterate; any: any iterate, of images right when clean.")
@click.option("--model", metavar="FILE.py:NAME", help="A network of your own, or a function that returns one.")
@click.option("--data", metavar="NAME", help="With --model: digits, mnist, fashion, cifar10, ... or an image folder.")
@click.option("--weights", default="best", show_default=True, metavar="NAME", help=WEIGHTS_HELP)
@click.option("--split", default="test", show_default=True, metavar="NAME", help="test, validation or train.")
@click.option("--limit", type=int, metavar="N", help="At most N images, drawn with the seed.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--device", default="auto", show_default=True, metavar="DEVICE", help="auto, cpu or cuda.")
@click.option("--data-root", metavar="DIR", help="Folder of the data sets.  [default: $RKBLOCKS_DATA, then data/]")
@click.option("--batch", type=int, default=256, show_default=True, metavar="N", help="Images at once.")
@click.option("--corruptions", is_flag=True, help="Also noise, blur, contrast, JPEG ..., at five severities.")
@click.option(
    "--save-images", type=int, default=0, metavar="N", help="Also adversarial examples of the first N images."
)
@click.option("--out", metavar="FOLDER", help="With --model: save the result there, as in the folder of a run.")
@click.option("--save/--no-save", default=True, help="Keep the result in the run folder.  [default: save]")
@click.option("--resume", is_flag=True, help="Continue where the same command was interrupted.")
@click.option("--strict", is_flag=True, help="Exit with 1 where a health check fails.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    runs: tuple[str, ...],
    preset: str | None,
    attack: str | None,
    model: str | None,
    data: str | None,
    strict: bool,
    form: str,
    **options: Any,
) -> int:
    """Attack the networks of one or more run folders, or one of your own (--model).

    Clean accuracy comes first, then the attacks of a preset around the budget of the data set, or one attack given in
    full. Intervals are 95 % Wilson. The health report says whether the attacks were strong enough to be believed; it
    attacks 100 images anew, with more steps and restarts, which on a small test set takes most of the time.
    """
    if options["targets"] is not None and options["targets"].isdecimal():
        options["targets"] = int(options["targets"])
    if preset is not None and attack is not None:
        raise click.UsageError("--preset and --attack exclude each other: an attack is described by its own options")
    if bool(runs) == bool(model) or bool(model) != bool(data):
        raise click.UsageError("name run folders, or --model FILE.py:NAME with --data NAME")
    from rkblocks.cli import console
    from rkblocks.cli.progress import Progress
    from rkblocks.extras import require

    require("torch", "torch", "evaluation")
    from rkblocks import distributed
    from rkblocks.evaluation import evaluate
    from rkblocks.runs.network import named_device

    with distributed.group(named_device(options["device"]).type == "cuda"):
        first = distributed.rank() == 0  # of several processes one talks
        progress = Progress() if first else None
        try:
            chosen: tuple[Any, ...] = (runs,)
            if model and data:
                chosen, own = _of_file(model, data, options)
                options = {**options, **own}
            result = evaluate(*chosen, preset=preset or "standard", attack=attack, progress=progress, **options)
        finally:
            if progress:
                progress.close()
    healthy = all(check["ok"] for run in result["runs"] for check in run["health"])
    status = 1 if strict and not healthy else 0
    if not first:
        return 0
    if form == "json":
        from rkblocks.render.machines import dump

        console.show(dump(result))
    else:
        console.show(f"{result}\n")
    return status


def _of_file(model: str, data: str, options: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the network of FILE.py:NAME with the images and labels to evaluate it on, and the options that change."""
    from rkblocks.data import load
    from rkblocks.evaluation import Images
    from rkblocks.runs.modules import load_file, named_module
    from rkblocks.runs.network import named_device

    Images(options["split"], options["limit"], options["seed"]).check()
    device = named_device(options["device"])
    network = named_module(model)
    if options["weights"] != "best":
        load_file(network, options["weights"])
    part = getattr(load(data, root=options["data_root"]), options["split"])
    own = {"weights": "best", "split": "test", "data_root": None, "device": str(device), "name": model, "dataset": data}
    return (network, part.images, part.labels), own
