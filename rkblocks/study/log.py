"""The log of a study: one line for every network that was finished or failed, with its seconds or its message."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rkblocks.runs.storage import append_line
from rkblocks.study.results import States, run_name
from rkblocks.study.spec import Study
from rkblocks.study.state import lines

FILE = "log.jsonl"


def note(out: Path, run: str, event: str, **more: Any) -> None:
    """Append a line: event is "done" or "failed". Raises RkblocksError RK716 where that cannot be written."""
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    append_line(out / FILE, json.dumps({"time": when, "run": run, "event": event, **more}, ensure_ascii=False))


@dataclass(frozen=True)
class Left:
    """Seconds of work that a network still takes; known: False where a part of it, which nothing finished so
    far tells, is not counted.
    """

    seconds: float
    known: bool


def estimate(study: Study, states: States, out: Path) -> dict[tuple[str, int], Left]:
    """Return what each network still takes, by those of its cell that are done, or of all; what is not known counts 0.

    Training counts by the epochs that are left, evaluation as a whole.
    """
    spent = {one["run"]: float(one["evaluation"]) for one in lines(out / FILE) if one.get("evaluation")}
    training: dict[str, list[float]] = {}
    evaluating: dict[str, list[float]] = {}
    for (name, seed), state in states.items():
        if state.epochs[0] and state.seconds:
            training.setdefault(name, []).append(state.seconds / state.epochs[0])
        if (seconds := spent.get(run_name(name, seed))) is not None:
            evaluating.setdefault(name, []).append(seconds)
    found = {}
    for cell in study.cells:
        plan = study.plan(cell)
        epoch, attack = _mean(training, cell.name), _mean(evaluating, cell.name)
        for seed in (seed for seed in study.seeds if (cell.name, seed) in states):
            state = states[cell.name, seed]
            epochs, measure = state.epochs[1] - state.epochs[0], bool(state.missing(plan))
            unknown = (epochs and epoch is None) or (measure and attack is None)
            found[cell.name, seed] = Left(epochs * (epoch or 0.0) + measure * (attack or 0.0), not unknown)
    return found


def _mean(seconds: Mapping[str, Sequence[float]], cell: str) -> float | None:
    own = seconds.get(cell) or [value for values in seconds.values() for value in values]
    return sum(own) / len(own) if own else None
