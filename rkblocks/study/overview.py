"""What `rkblocks study --dry-run` says: every network, how far it is, and what it still takes."""

from __future__ import annotations

from collections.abc import Mapping

from rkblocks.render.listing import columns
from rkblocks.study.log import Left
from rkblocks.study.results import States
from rkblocks.study.spec import Study
from rkblocks.study.state import ABSENT, TRAINED
from rkblocks.study.task import Task
from rkblocks.training.progress import duration


def overview(
    study: Study, tasks: Mapping[tuple[str, int], Task], states: States, left: Mapping[tuple[str, int], Left]
) -> str:
    """Return one line a network, then their sum. left: of each network, see `log.estimate`."""
    rows = []
    for key, task in tasks.items():
        now = states[key]
        missing = now.missing(task.plan)
        training = {ABSENT: "-", TRAINED: "done"}.get(now.stage, f"{now.epochs[0]}/{now.epochs[1]} epochs")
        training = "damaged" if now.damage else training
        evaluation = "done" if not missing else f"{len(task.plan) - len(missing)}/{len(task.plan)} columns"
        rows.append((task.name, training, evaluation, _work(left[key]) if now.unfinished(task.plan) else "-"))
    text = columns(("network", "training", "evaluation", "left"), rows, right=(3,))
    todo = [left[key] for key, task in tasks.items() if states[key].unfinished(task.plan)]
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
