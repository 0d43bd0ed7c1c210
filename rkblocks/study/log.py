"""The log of a study: one line for every network that was finished or failed, with its seconds or its message; and
what `rkblocks study --dry-run` says: every network, how far it is, and what it still takes.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rkblocks.diagnostics import RkblocksError
from rkblocks.progress import duration
from rkblocks.render.listing import columns
from rkblocks.runs.storage import append_line
from rkblocks.study.results import Key, States, run_name
from rkblocks.study.spec import Study
from rkblocks.study.state import ABSENT, TRAINED, lines, state
from rkblocks.study.task import Task

FILE = "log.jsonl"


def note(out: Path, run: str, event: str, **more: Any) -> None:
    """Append a line: event is "done" or "failed". Raises RkblocksError RK716 where that cannot be written."""
    when = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    append_line(out / FILE, json.dumps({"time": when, "run": run, "event": event, **more}, ensure_ascii=False))


def ended(name: str, seconds: float, count: tuple[int, int], left: float | None) -> str:
    """Return the line for a network that is done after these seconds: how many are, of how many, and about how many
    seconds the others take, None where nobody knows.
    """
    done, total = count
    remaining = f", about {duration(left)} left" if left is not None and done < total else ""
    return f"{name}: done in {duration(seconds)} ({done} of {total}){remaining}"


@dataclass(frozen=True)
class Left:
    """Seconds of work that a network still takes; known: False where a part of it, which nothing finished so
    far tells, is not counted.
    """

    seconds: float
    known: bool


class Outlook:
    """How long what is to do still takes, told as each network ends, from what all so far took, on other days too, and
    what those that are under way have taken.
    """

    def __init__(self, study: Study, states: States, todo: Mapping[Key, Task], out: Path, workers: int | None) -> None:
        """workers: so many side by side, 0 for none, None where that is not known; then nothing is told."""
        self._study, self._states, self._todo = study, dict(states), dict(todo)
        self._out, self._workers = out, workers

    def after(self, key: Key) -> float | None:
        """Seconds, once that network has ended or failed."""
        if self._workers is not None:
            self._look()
        del self._todo[key]
        if self._workers is None:
            return None
        found = estimate(self._study, self._states, self._out)
        left = [found[one].seconds for one in self._todo]
        return max(sum(left) / max(self._workers, 1), max(left, default=0.0))

    def _look(self) -> None:
        """See how far those are that have been begun; one whose files are just being written is as it was."""
        for key, task in self._todo.items():
            if task.folder.is_dir():
                with suppress(RkblocksError):
                    self._states[key] = state(task.folder, task.config, task.plan, task.evaluation)


def estimate(study: Study, states: States, out: Path) -> dict[Key, Left]:
    """Return what each network still takes, by those of its cell that are done, or of all; what is not known counts 0.

    Training counts by the epochs that are left, evaluation as a whole.
    """
    spent = {one["run"]: float(one["evaluation"]) for one in lines(out / FILE) if one.get("evaluation")}
    training: dict[str, list[float]] = {}
    evaluating: dict[str, list[float]] = {}
    for (name, seed), now in states.items():
        if now.epochs[0] and now.seconds:
            training.setdefault(name, []).append(now.seconds / now.epochs[0])
        if (seconds := spent.get(run_name(name, seed))) is not None:
            evaluating.setdefault(name, []).append(seconds)
    found = {}
    for cell in study.cells:
        plan = study.plan(cell)
        epoch, attack = _mean(training, cell.name), _mean(evaluating, cell.name)
        for seed in (seed for seed in study.seeds if (cell.name, seed) in states):
            now = states[cell.name, seed]
            epochs, measure = now.epochs[1] - now.epochs[0], bool(now.missing(plan))
            unknown = (epochs and epoch is None) or (measure and attack is None)
            found[cell.name, seed] = Left(epochs * (epoch or 0.0) + measure * (attack or 0.0), not unknown)
    return found


def _mean(seconds: Mapping[str, Sequence[float]], cell: str) -> float | None:
    own = seconds.get(cell) or [value for values in seconds.values() for value in values]
    return sum(own) / len(own) if own else None


def overview(study: Study, tasks: Mapping[Key, Task], states: States, left: Mapping[Key, Left]) -> str:
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
