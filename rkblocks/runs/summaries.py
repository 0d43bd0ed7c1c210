"""What the files of run folders say, read without torch; of damaged or unfinished ones as much as there is."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rkblocks.diagnostics import RkblocksError
from rkblocks.runs import config as configs
from rkblocks.runs import metrics, records
from rkblocks.runs.combinations import measured
from rkblocks.runs.storage import weights_hashes
from rkblocks.settings import reader

CONFIG, RECORD = "config.toml", "run.json"
#: Keys of the summary of one run, as columns of a table.
COLUMNS = ("run", "blocks", "data", "method", "seed", "epochs", "clean", "robust")
#: Metrics beside the settings that differ, in a comparison.
COMPARED = ("epochs", "loss", "clean", "robust", "seconds")


def summary(run: Path) -> dict[str, Any]:
    """Return the row of one run; what its files do not tell (they may be damaged) is None.

    `clean` and `robust` are those of the weights kept as best, on held-out images; `loss` is that of the last epoch on
    the training images, `seconds` the time of all epochs, `damaged` the files that cannot be read, `settings`
    config.toml with dotted keys.
    """
    known = dict(reader.flat(_config(run / CONFIG)))
    epochs = metrics.read(run).epochs
    wanted = known.get("training.epochs")
    blocks = known.get("net.blocks")
    return {
        "run": str(run),
        "blocks": ",".join(map(str, blocks)) if isinstance(blocks, list) else blocks,
        "data": known.get("data.name"),
        "method": known.get("training.method"),
        "seed": known.get("training.seed"),
        "epochs": f"{len(epochs)}/{wanted if wanted is not None else '?'}",
        "clean": _at_best(epochs, "validation_clean"),
        "robust": _at_best(epochs, "validation_robust"),
        "loss": next(reversed(_numbers(epochs, "train_loss")), None),
        "seconds": round(sum(_numbers(epochs, "seconds")), 1) if epochs else None,
        "damaged": damaged(run),
        "settings": known,
    }


def damaged(run: Path) -> list[str]:
    """Return which files of a run are there and cannot be read; the last line of the metrics may be cut off."""
    found = []
    for name in (CONFIG, RECORD):
        try:
            if not (run / name).exists():
                continue
            if name == CONFIG:
                tomllib.loads((run / name).read_text(encoding="utf-8"))
            else:
                records.read(run / name, RECORD, records.Record)
        except (OSError, ValueError, RecursionError):
            found.append(name)
    return [*found, metrics.METRICS] if metrics.read(run).damage else found


def runs_below(folder: Path) -> Iterator[Path]:
    """Yield the run folders below a folder, sorted."""
    for config in sorted(folder.rglob(CONFIG)):
        if (config.parent / RECORD).is_file():
            yield config.parent


def differing(summaries: Sequence[dict[str, Any]]) -> list[str]:
    """Return the settings that are not the same in all runs, in the order of their files; one that lacks it differs."""
    return reader.differing([one["settings"] for one in summaries])


def value(one: dict[str, Any], key: str) -> Any:
    """Return what a summary has under a key of its own, or under that of a setting."""
    return one[key] if key in one else one["settings"].get(key)


def ordered(summaries: Sequence[dict[str, Any]], key: str, reverse: bool) -> list[dict[str, Any]]:
    """Return the runs sorted by a key: numbers by size, then texts; runs without it come last in either direction."""
    known = [one for one in summaries if value(one, key) is not None]
    known.sort(key=lambda one: _rank(value(one, key)), reverse=reverse)
    return known + [one for one in summaries if value(one, key) is None]


def _rank(found: Any) -> tuple[int, float, str]:
    if isinstance(found, (int, float)) and not math.isnan(found):
        return 0, float(found), ""
    done, _, rest = str(found).partition("/")
    return (0, float(done), rest) if done.isdigit() else (1, 0.0, str(found))  # "2/10" epochs


def _config(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}


def _at_best(epochs: Sequence[dict[str, Any]], key: str) -> float | None:
    """Return a metric of the last epoch that was the best so far: the one that weights.safetensors is of."""
    best = [epoch for epoch in epochs if epoch.get("best") is True]
    return next(iter(_numbers(best[-1:], key)), None)


def _numbers(epochs: Sequence[dict[str, Any]], key: str) -> list[float]:
    found = (epoch.get(key) for epoch in epochs)
    return [n for n in found if isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n)]


def chosen(folder: Path, weights: str) -> str:
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
