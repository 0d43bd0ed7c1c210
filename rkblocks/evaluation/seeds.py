"""Runs that differ in their seed alone: mean and deviation of each row over the seeds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rkblocks.intervals import mean_deviation
from rkblocks.runs.network import OpenRun
from rkblocks.runs.outcomes import row_key


def configuration(run: OpenRun) -> str:
    """Return what runs must share to be repetitions of each other: every setting but seed, data root and device, and
    the schemes themselves.
    """
    settings = run.config.to_dict()
    settings["training"] = {k: v for k, v in settings["training"].items() if k not in ("seed", "device")}
    settings["data"] = {k: v for k, v in settings["data"].items() if k != "root"}
    return json.dumps([settings, [tableau.digest for tableau in run.tableaus]], sort_keys=True, default=str)


def over_seeds(runs: Sequence[Mapping[str, Any]], groups: Mapping[str, Sequence[tuple[str, int]]]) -> list[Any]:
    """Return one element of "seeds" in the JSON of `evaluate` for each configuration that has two seeds or more.

    Args:
        runs: elements of "runs".
        groups: configuration to its (run, seed); a seed that is there twice counts once.
    """
    by_name = {run["run"]: run for run in runs}
    found = []
    for members in groups.values():
        once = {seed: by_name[name] for name, seed in reversed(members)}
        if len(once) < 2:
            continue
        seeds = sorted(once)
        rows = [_row([once[seed]["entries"][k] for seed in seeds]) for k in range(len(once[seeds[0]]["entries"]))]
        mean, deviation = mean_deviation([once[seed]["worst"]["accuracy"] for seed in seeds])
        found.append(
            {
                "blocks": once[seeds[0]]["blocks"],
                "runs": [once[seed]["run"] for seed in seeds],
                "seeds": seeds,
                "rows": rows,
                "worst": {"mean": mean, "deviation": deviation},
            }
        )
    return found


def _row(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    assert len({row_key(entry) for entry in entries}) == 1, "runs of one configuration have the same plan"
    values = [entry["accuracy"] for entry in entries]
    mean, deviation = mean_deviation(values)
    kept = {name: entries[0][name] for name in ("attack", "threat", "definition")}
    return {**kept, "mean": mean, "deviation": deviation, "values": values}
