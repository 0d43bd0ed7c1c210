"""The files of a study's results: the table in three formats, the figure, and results.json."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rkblocks import figures
from rkblocks.runs.storage import write_text
from rkblocks.study import tables
from rkblocks.study.contrasts import ALL
from rkblocks.study.ending import Curve
from rkblocks.study.grid import BLOCKS, CALLS, DEPTH
from rkblocks.study.keys import heading


def write(content: Mapping[str, Any], curves: Mapping[str, Sequence[Curve]], folder: Path) -> list[Path]:
    """Return the files written: results.json, table.md, table.csv, table.tex; accuracy and training, .png and .svg,
    where there is anything to draw, and ladders.png and .svg where the study has trends.

    curves: the lines of metrics.jsonl of the networks of each cell.

    Raises RkblocksError RK716, RK824 (cannot be written), RK901 (no matplotlib).
    """
    texts = {
        "results.json": json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        "table.md": tables.markdown(content),
        "table.csv": tables.comma_separated(content),
        "table.tex": tables.latex(content),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_text(folder / name, text)
    columns = {column["key"]: column["title"] for column in content["columns"]}
    parts = panels(content)
    drawn = figures.save(figures.comparison(parts, columns), folder / "accuracy") if parts else []
    if climbed := trends(content):
        drawn += figures.save(figures.ladders(climbed, content["columns"][-1]["title"]), folder / "ladders")
    if any(curves.values()):
        drawn += figures.save(figures.training_curves(curves), folder / "training")
    return [*(folder / name for name in texts), *drawn]


def trends(content: Mapping[str, Any]) -> figures.Trends:
    """Return the trends of the study that have results, under the last attack; a ladder by its first and last rung."""
    key = content["columns"][-1]["key"]
    found: dict[str, tuple[str, dict[str, list[figures.Rung]]]] = {}
    for row in content["trends"]:
        if row["attack"] != key or row["ladder"] == ALL:
            continue
        title = ", ".join([row["trend"], *(f"{heading(axis)} = {text}" for axis, text in row["setting"].items())])
        names, rungs = row["ladder"].split(", "), []
        for cell in content["summary"]:
            own = all(cell["axes"].get(axis) == text for axis, text in row["setting"].items())
            if own and cell["blocks"] in names and key in cell["accuracy"]:
                rungs.append((cell["scheme"][row["property"]], *cell["accuracy"][key]))
        found.setdefault(title, (row["property"], {}))[1][f"{names[0]} to {names[-1]}"] = sorted(rungs)
    return found


def panels(content: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows that have results, by their setting: "N = 6, K = 7". The label of a row is its schemes, or the
    name of its cell where others of the setting have the same schemes.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for row in content["summary"]:
        if not row["accuracy"]:
            continue
        left_out = (BLOCKS, DEPTH) if CALLS in row["axes"] else (BLOCKS,)
        title = ", ".join(f"{heading(key)} = {text}" for key, text in row["axes"].items() if key not in left_out)
        found.setdefault(title, []).append(row)
    labelled = {}
    for title, rows in found.items():
        often = Counter(row["blocks"] for row in rows)
        labelled[title] = [
            {**row, "label": row["blocks"] if often[row["blocks"]] == 1 else row["cell"]} for row in rows
        ]
    return labelled
