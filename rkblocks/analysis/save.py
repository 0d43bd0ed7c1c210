"""The files of an analysis: one CSV a table, and everything as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rkblocks import escape
from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.runs.storage import write_text

Row = Mapping[str, Any]


def save(analysis: Row, folder: Path) -> None:
    """Write NAME.csv for each table of an analysis, verdicts.csv, growth.json (the groups) and analysis.json.

    analysis: as `NetworkAnalysis.to_dict` gives it. Raises RkblocksError RK824 where the files cannot be written.
    """
    head = {"run": analysis["run"], "blocks": analysis["blocks"]}
    tables = {name: list(flat(name, rows)) for name, rows in analysis["analyses"].items()}
    if analysis["verdicts"]:
        tables["verdicts"] = analysis["verdicts"]
    texts = {f"{name}.csv": table([{**head, **row} for row in rows]) for name, rows in tables.items() if rows}
    texts["analysis.json"] = json.dumps(analysis, separators=(",", ":")) + "\n"
    if analysis["growth"]:
        rest = {key: value for key, value in analysis.items() if key not in ("analyses", "verdicts")}
        texts["growth.json"] = json.dumps(rest, indent=2) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_text(folder / name, text)
    except (OSError, RkblocksError) as error:
        reason = error.diagnostics[0].message if isinstance(error, RkblocksError) else error.strerror or error
        fail("RK824", f"cannot save the analysis in {folder}: {reason}", help="check space and rights")


def table(rows: Sequence[Row]) -> str:
    """Return rows of equal keys as CSV; a missing value is an empty cell, a list has its numbers side by side."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def flat(name: str, rows: Sequence[Row]) -> Iterator[Row]:
    """Yield the rows of a table as CSV has them: a slice of the loss surface has a row a point, images no pixels."""
    for row in rows:
        if name == "surface":
            yield from _points(row)
        elif name == "coefficients":
            learned = " ".join(f"{key}={value['float']!r}" for key, value in row["coefficients"].items())
            ssp = {"ssp": row["ssp"]["cfl"], "ssp_float": row["ssp"]["cfl_float"]}
            rest = {key: row[key] for key in ("block", "tableau", "calls", "dt", "order")}
            yield rest | {"learned": learned} | ssp | {key: row[key] for key in ("growth", "growth_float")}
        else:
            yield {key: value for key, value in row.items() if not key.endswith("_image")}


def _points(row: Row) -> Iterator[Row]:
    for along, losses, predictions in zip(row["axis"], row["loss"], row["prediction"], strict=True):
        for across, loss, prediction in zip(row["axis"], losses, predictions, strict=True):
            place = {key: row[key] for key in ("index", "label", "norm", "eps")}
            yield place | {"gradient": along, "random": across, "loss": loss, "prediction": prediction}


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join("" if item is None else repr(item) for item in value)
    return escape.cell(value)
