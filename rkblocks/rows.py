"""Tables for pandas and the like: one function a kind of result, each a list of dicts of plain values.

pandas.DataFrame(rkblocks.rows.library())
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["evaluations", "library", "study"]

Row = dict[str, Any]


def library() -> list[Row]:
    """The schemes of the library: name, title, stages, and what their files claim as numbers (None: no claim).

    The columns are name, title, stages, order, C, C/stages, rho and growth; needs no sympy.

    Example:
        >>> [row["C"] for row in library() if row["name"] == "ssp3"]
        [1.0]
    """
    from rkblocks.files.library import catalog
    from rkblocks.files.ranking import ranked
    from rkblocks.render.listing import record

    columns = ("name", "title", "stages", "order", "C", "C/stages", "rho", "growth")
    records = (record(ranked(entry)) for entry in catalog())
    return [{column: one[column] for column in columns} for one in records]


def evaluations(found: Mapping[str, Any]) -> list[Row]:
    """The rows of `rkblocks.evaluate`: one for each attack on each run.

    Args:
        found: what `rkblocks.evaluate` returns, or the JSON of `rkblocks evaluate --format json`.

    The columns are run, blocks, attack, the fields of the threat model (norm, eps, steps, … None for clean images),
    definition, n, accuracy, low and high (the 95 % Wilson interval) and seed.
    """
    found_rows = []
    for run in found["runs"]:
        for entry in run["entries"]:
            threat = {key: _plain(value) for key, value in (entry["threat"] or {}).items()}
            low, high = entry["interval"]
            found_rows.append(
                {"run": str(run["run"]), "blocks": run["blocks"], "attack": entry["attack"], **threat}
                | {"definition": entry["definition"], "n": entry["n"], "accuracy": entry["accuracy"]}
                | {"low": low, "high": high, "seed": entry["seed"]}
            )
    keys = list(dict.fromkeys(key for row in found_rows for key in row))
    return [{key: row.get(key) for key in keys} for row in found_rows]


def study(content: Mapping[str, Any]) -> list[Row]:
    """The networks of a study: one row each, with an accuracy for each column of its table.

    Args:
        content: what `rkblocks.study.run` returns, or the content of its results.json.

    The columns are cell, blocks, seed, parameters, seconds, n, then the keys of the study's columns (None: not done).
    """
    keys = [column["key"] for column in content["columns"]]
    own = ("cell", "blocks", "seed", "parameters", "seconds", "n")
    return [
        {key: entry[key] for key in own} | {key: entry["accuracy"].get(key) for key in keys}
        for entry in content["entries"]
    ]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float) else str(value)
