"""`rkblocks runs`: the run folders below folders, listed or compared, read without torch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

EPILOG = """\b
Examples:
  rkblocks runs
  rkblocks runs experiments --sort robust --reverse
  rkblocks runs runs/a runs/b --compare             the settings that differ, and what came of them
  rkblocks runs experiments --compare --format json
"""


@click.command("runs", short_help="List and compare the runs in a folder.", epilog=EPILOG)
@click.argument("folders", nargs=-1, metavar="[FOLDER...]")
@click.option("--compare", is_flag=True, help="Show the settings that differ between the runs, beside their metrics.")
@click.option("--sort", "key", metavar="KEY", help="A column, or any setting: robust, optimizer.lr.  [default: run]")
@click.option("--reverse", is_flag=True, help="Largest first.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(folders: tuple[str, ...], compare: bool, key: str | None, reverse: bool, form: str) -> int:
    """List the runs below each FOLDER (default: runs): what was trained, how far, and how well.

    A run is a folder with a config.toml and a run.json, as `rkblocks train` writes it. The accuracies are those of
    weights.safetensors, the best epoch, on held-out images: clean and under the attack of the recipe.
    """
    from rkblocks.cli import console
    from rkblocks.extras import require

    require("msgspec", "torch", "reading runs")
    from rkblocks.runs.summaries import COLUMNS, COMPARED, differing, ordered, summary

    found = [summary(run) for run in _found(folders or ("runs",))]
    if key is not None or reverse:
        found = ordered(found, _known(key or "run", found), reverse)
    names = differing(found) if compare else []
    if form == "json":
        from rkblocks.render.machines import dump

        console.show(dump({"version": 1, "runs": [_object(one, names if compare else None) for one in found]}))
        return 0
    if not found:
        console.note(f"no runs below {', '.join(folders or ('runs',))}")
        return 0
    console.show(_table(found, ("run", *names, *COMPARED) if compare else COLUMNS, len(names) if compare else None))
    for one in found:
        if one["damaged"]:
            console.note(f"{one['run']}: damaged: {', '.join(one['damaged'])}")
    if compare and not names:
        console.note("the runs have the same settings")
    return 0


def _found(folders: Sequence[str]) -> list[Path]:
    """Return the runs below all folders, each once; RK712 where there is no such folder."""
    from rkblocks.diagnostics import fail
    from rkblocks.runs.summaries import runs_below

    for folder in folders:
        if not Path(folder).is_dir():
            fail(
                "RK712",
                f"there is no folder {folder!r}",
                help="`rkblocks train` makes one; name another: rkblocks runs FOLDER",
            )
    return list({run.resolve(): run for folder in folders for run in runs_below(Path(folder))}.values())


def _known(key: str, found: Sequence[dict[str, Any]]) -> str:
    """Return the key; wrong usage where no run has it."""
    from rkblocks.runs.summaries import COLUMNS

    keys = {name for one in found for name in (*one, *one["settings"])} - {"settings"}
    if found and key not in keys:
        import difflib

        near = sorted(name for name in keys if name.endswith(f".{key}")) or difflib.get_close_matches(key, sorted(keys))
        hint = f"did you mean {near[0]}?" if near else f"columns are {', '.join(COLUMNS)}; others are settings"
        raise click.UsageError(f"no run has {key!r} to sort by; {hint}")
    return key


def _object(one: dict[str, Any], names: Sequence[str] | None) -> dict[str, Any]:
    """Return the run as an element of the JSON: with the settings that differ, where they are compared."""
    kept = {name: found for name, found in one.items() if name != "settings"}
    return kept if names is None else kept | {"settings": {name: one["settings"].get(name) for name in names}}


def _table(found: Sequence[dict[str, Any]], head: Sequence[str], settings: int | None) -> str:
    from rkblocks.cli import console
    from rkblocks.escape import Style
    from rkblocks.render.listing import columns
    from rkblocks.runs.summaries import value

    rows = [[_cell(value(one, name)) if name != "seconds" else str(one[name] or "-") for name in head] for one in found]
    right = (4, 5, 6, 7) if settings is None else range(1 + settings, len(head))
    return columns(head, rows, right=tuple(right), style=Style(console.colour(sys.stdout)))


def _cell(found: Any) -> str:
    if found is None:
        return "-"
    if isinstance(found, list):
        return ",".join(map(str, found))
    if isinstance(found, bool):
        return str(found).lower()
    return f"{found:.4f}" if isinstance(found, float) and 1e-3 <= abs(found) < 1e3 else str(found)
