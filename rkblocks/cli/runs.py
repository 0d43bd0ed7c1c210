"""`rkblocks runs`: the run folders below a folder, read without torch."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click


@click.command(
    "runs",
    short_help="List the runs in a folder.",
    epilog="\b\nExamples:\n  rkblocks runs\n  rkblocks runs experiments --format json",
)
@click.argument("folder", default="runs", metavar="[FOLDER]")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(folder: str, form: str) -> int:
    """List the runs below FOLDER (default: runs): what was trained, how far, and how well.

    A run is a folder with a config.toml and a run.json, as `rkblocks train` writes it. The accuracies are the best on
    held-out images, clean and under the attack of the recipe.
    """
    from rkblocks.cli import console
    from rkblocks.diagnostics import fail

    if not Path(folder).is_dir():
        fail(
            "RK712",
            f"there is no folder {folder!r}",
            help="`rkblocks train` makes one; name another: rkblocks runs FOLDER",
        )
    found = [summary(path) for path in _runs(Path(folder))]
    if form == "json":
        from rkblocks.render.jsonfmt import dump

        console.show(dump({"version": 1, "runs": found}))
        return 0
    if not found:
        console.note(f"no runs below {folder}")
        return 0
    from rkblocks.render.listing import columns
    from rkblocks.render.style import Style

    head = ("run", "blocks", "data", "method", "seed", "epochs", "clean", "robust")
    rows = [[_cell(run[key]) for key in head] for run in found]
    console.show(columns(head, rows, right=(4, 5, 6, 7), style=Style(console.colour(sys.stdout))))
    return 0


def summary(run: Path) -> dict[str, Any]:
    """Return the row of one run; what its files do not tell (they may be damaged) is None."""
    config = _config(run / "config.toml")
    epochs = list(_epochs(run / "metrics.jsonl"))
    wanted = _get(config, "training", "epochs")
    blocks = _get(config, "net", "blocks")
    return {
        "run": str(run),
        "blocks": ",".join(blocks) if isinstance(blocks, list) else blocks,
        "data": _get(config, "data", "name"),
        "method": _get(config, "training", "method"),
        "seed": _get(config, "training", "seed"),
        "epochs": f"{len(epochs)}/{wanted if wanted is not None else '?'}",
        "clean": _best(epochs, "validation_clean"),
        "robust": _best(epochs, "validation_robust"),
    }


def _runs(folder: Path) -> Iterator[Path]:
    for config in sorted(folder.rglob("config.toml")):
        if (config.parent / "run.json").is_file():
            yield config.parent


def _config(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _get(table: dict[str, Any], section: str, key: str) -> Any:
    inner = table.get(section)
    return inner.get(key) if isinstance(inner, dict) else None


def _epochs(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the complete lines of an epoch; the last line of an interrupted run may be cut off."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "epoch" in value:
            yield value


def _best(epochs: list[dict[str, Any]], key: str) -> float | None:
    """Return the largest value of a metric; each column has its own best epoch."""
    return max((e[key] for e in epochs if isinstance(e.get(key), float)), default=None)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
