"""The log of a study: one line for every network that was finished or failed, with its seconds or its message; and
what `rkblocks study --dry-run` says: every network, how far it is, and what it still takes.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rkblocks.progress import duration
from rkblocks.render.listing import columns
from rkblocks.runs.storage import append_line
from rkblocks.study.results import States, run_name
from rkblocks.study.spec import Study
from rkblocks.study.state import ABSENT, TRAINED, lines
from rkblocks.study.task import Task

FILE = "log.jsonl"


def note(out: Path, run: str, event: str, **more: Any) -> None:
    """Append a line: event is "done" or "failed". Raises RkblocksError RK716 where that cannot be written."""
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    append_line(out / FILE, json.dumps({"time": when, "run": run, "event": event, **more}, ensure_ascii=False))


class Count(NamedTuple):
    """So many of `todo` networks are done since the start; before: those that were finished then."""

    done: int
    todo: int
    before: int = 0


def ended(name: str, seconds: float, count: Count, elapsed: float, workers: int | None) -> str:
    """Return the line for a network that is done after these seconds, with about how long the others take.

    elapsed: seconds since the start; workers: side by side, None for an unknown number, which tells no time.
    """
    done, todo, before = count
    left = f", about {duration(elapsed * (todo - done) / max(done, workers))} left" if workers is not None else ""
    return f"{name}: done in {duration(seconds)} ({before + done} of {before + todo}){left * (done < todo)}"


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


def overview(
    study: Study, tasks: Mapping[tuple[str, int], Task], states: States, left: Mapping[tuple[str, int], Left]
) -> str:
    """Return one line a network, then their sum. left: of each network, see `estimate`."""
    rows = []
    for key, task in tasks.items():
        now = states[key]
        missing = now.missing(task.plan)
        training = {ABSENT: "-", TRAINED: "done"}.get(now.stage, f"{now.epochs[0]}/{now.epochs[1]} epochs")
        training = "damaged" if now.damage else training
        evaluation = "done" if not missing else f"{len(task.plan) - len(missing)}/{len(task.plan)} measured"
        rows.append((task.name, training, evaluation, _work(left[key]) if now.unfinished(task.plan) else "-"))
    text = columns(("network", "training", "evaluation", "left"), rows, right=(3,))
    todo = [left[key] for key, task in tasks.items() if states[key].unfinished(task.plan)]
    if todo:  # what "measured" counts
        text += f"\nevaluation: {', '.join(column.title for column in study.columns)}"
    text += f"\n{study.name}: {len(tasks) - len(todo)} of {len(tasks)} networks are finished, {len(todo)} to do"
    if not todo:
        return text
    total = Left(sum(one.seconds for one in todo), all(one.known for one in todo))
    if total.seconds or total.known:
        return f"{text}, {_work(total)} of work in one process"
    return f"{text}; how long it takes is known when the first is done"


def _work(left: Left) -> str:
    if left.known:
        return f"about {duration(left.seconds)}"
    return f"more than {duration(left.seconds)}" if left.seconds else "?"
