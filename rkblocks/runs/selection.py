"""Which epoch's weights were kept as the best, by what, and on how many images: what such a choice is worth."""

from __future__ import annotations

from pathlib import Path

from rkblocks.diagnostics import Diagnostic, RkblocksError, diagnostic
from rkblocks.runs import config as configs
from rkblocks.runs import metrics, records
from rkblocks.runs.sections import ATTACKED, Config
from rkblocks.runs.storage import weights_hashes

FEW = 400  # images; with fewer, accuracies near 1/2 differ by more than 0.05 by chance (two standard errors)


def measured(config: Config, held_out: int) -> tuple[str, int]:
    """What chooses the best epoch, "clean" or "robust" accuracy, and on how many of the held-out images."""
    if config.training.method in ATTACKED:
        return "robust", min(config.validation.images, held_out)
    return "clean", held_out


def by_chance(config: Config, held_out: int) -> list[Diagnostic]:
    """RK749 where the best of several epochs is chosen by so few images that chance decides among them."""
    kind, n = measured(config, held_out)
    if not 0 < n < FEW or config.training.epochs < 2 or config.validation.choice == "last":
        return []
    message = (
        f"the best of {config.training.epochs} epochs is chosen by {kind} accuracy on {n} images, on which accuracies "
        f"differ by {n**-0.5:.2f} by chance (two standard errors at 1/2)"
    )
    help = "use the last weights (--weights last, or validation.choice), or hold out more (data.validation)"
    return [diagnostic("RK749", message, path="data.validation", help=help)]


def words(folder: Path, weights: str) -> str:
    """What the weights of this hash are: "epoch 7 of 10, the best by robust accuracy on 143 images"; "" where the
    run folder does not tell.
    """
    try:
        config = configs.load(folder / "config.toml", trained=True)
        held_out = int(records.read(folder / "run.json", "run.json", records.Record)["data"].get("validation", 0))
        files = sorted(folder.glob("*.safetensors"))
        names = {known: path.stem for path in files for known in weights_hashes(path)}  # of equal ones: best
    except (OSError, RkblocksError, records.UnfitError):
        return ""
    known = metrics.read(folder).epochs
    epochs = config.training.epochs
    file = names.get(weights, "")
    if file == "weights":
        best = [line["epoch"] for line in known if line.get("best") is True]
        kind, n = measured(config, held_out)
        if config.validation.choice == "last" or not n:
            file = "last"
        elif best:
            return f"epoch {best[-1]} of {epochs}, the best by {kind} accuracy on {n} validation images"
    return {"last": f"the last of {epochs} epochs", "average": "the average over training"}.get(file, "")
