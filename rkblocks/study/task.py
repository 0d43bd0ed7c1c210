"""One network of a study: trained or continued, then attacked; what is done already is not done again.

Torch is imported where a network is worked at: a study can say what there is to do without it.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rkblocks.diagnostics import fail
from rkblocks.progress import Report
from rkblocks.runs.config import Config
from rkblocks.runs.folder import RESUME, WEIGHTS, made
from rkblocks.runs.lock import IN_USE, held
from rkblocks.runs.metrics import METRICS
from rkblocks.settings.plan import Plan
from rkblocks.study.plan import Column, Evaluation
from rkblocks.study.state import PARTIAL, TRAINED, State, state


@dataclass(frozen=True)
class Task:
    """One network: everything that a worker, here or on another machine, has to know. name: of its run folder; series:
    of the files of its evaluations; seeds: that its health is judged by, none where that is told with the results.
    """

    name: str
    folder: Path
    config: Config
    plan: tuple[Column, ...]
    evaluation: Evaluation
    threads: int = 1
    series: str = "study"
    seeds: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        return self.name

    def absolute(self) -> Task:
        """The same task for a process that runs elsewhere."""
        return replace(self, folder=self.folder.absolute())

    @property
    def units(self) -> int:
        """What progress counts: epochs, columns, and the health checks with saving."""
        return self.config.training.epochs + len(self.plan) + 1


def perform(task: Task, report: Report = lambda done, total: None) -> dict[str, float]:
    """Train what is not trained, measure what is not measured; returns the seconds of both, in this call.

    Raises:
        RkblocksError: RK852 (another network is there), RK855 (it is damaged, or cannot be continued), RK858
        (another process trains or measures it), RK718 (stopped by a signal, saved), and what training and
        evaluation raise.
    """
    import torch

    torch.set_num_threads(task.threads)
    epochs, units = task.config.training.epochs, task.units
    started = time.monotonic()
    now = _state(task)
    report(now.epochs[0], units)
    if now.stage != TRAINED:
        _train(task, now.stage, lambda metrics: report(int(metrics["epoch"]), units))
        now = _state(task)
        if now.stage != TRAINED:
            had, all_of_them = now.epochs
            fail(
                "RK855",
                f"{task.folder} is trained, but {METRICS} has {had} of {all_of_them} epochs",
                help="restore it from a copy, or move the folder away to train anew",
            )
    trained = time.monotonic()
    wanted = now.missing(task.plan)
    if wanted:
        _measure(task, wanted, lambda done: report(epochs + len(task.plan) - len(wanted) + done, units))
    report(units, units)
    return {"training": trained - started, "evaluation": time.monotonic() - trained}


def _state(task: Task) -> State:
    """The state of the network, undamaged."""
    now = state(task.folder, task.config, task.plan, task.evaluation)
    if now.damage:
        fail("RK855", now.damage, help="restore the file from a copy, or move the folder away to train anew")
    return now


def _train(task: Task, stage: str, listen: Callable[[Mapping[str, Any]], None]) -> None:
    from rkblocks import training

    folder = task.folder
    if (folder / RESUME).is_file():
        training.resume(folder, progress=listen)
        return
    if stage == PARTIAL:
        _clear(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    training.train(task.config, folder, progress=listen)


def _clear(folder: Path) -> None:
    """Empty a run folder after a crash before the first save: the settings alone, and they are the wanted ones. What
    training has made is never deleted.
    """
    with held(folder):
        if names := made(folder):
            fail(
                "RK855",
                f"{folder} has {', '.join(names)} but no {RESUME}, so it cannot be continued, and is not trained over",
                help=f"restore {RESUME}, or move the folder away to train anew",
            )
        for path in [path for path in folder.iterdir() if path.name != IN_USE]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _measure(task: Task, wanted: tuple[Column, ...], done: Callable[[int], None]) -> None:
    from rkblocks.evaluation import Images, of_run
    from rkblocks.evaluation.resumable import Resumable
    from rkblocks.runs.interrupt import Stop, stop_on_signal

    options, folder = task.evaluation, task.folder
    if not (folder / WEIGHTS[options.weights]).is_file():
        fail(
            "RK855",
            f"{folder} has no {WEIGHTS[options.weights]}, which measuring {', '.join(c.key for c in wanted)} needs",
            help="restore it from a copy, or move the folder away to train anew",
        )
    images = Images(options.split, options.limit or None, options.seed, options.weights, task.config.data.root or None)
    subject = of_run(folder, images, device=task.config.training.device)
    if subject.origin is not None:
        subject = replace(subject, origin=replace(subject.origin, seeds=task.seeds))
    finished: set[str] = set()
    items = tuple(column.item for column in wanted if column.item is not None)
    work = Resumable(subject, Plan(items, (), options.seed, options.batch, options.probe), task.series)

    def progress(label: str, at: int, total: int) -> None:
        check()
        if at >= total and not label.startswith("health") and label not in finished:
            finished.add(label)
            done(min(len(finished), len(wanted)))

    with held(folder), stop_on_signal() as check:
        try:
            found, _ = work.done(progress, save=True, resume=True)
        except Stop:
            raise KeyboardInterrupt from None
    for row in found.get("missing", ()):
        help = f"{row['help']}; or leave the attack out of the study"
        fail("RK860", f"{folder}: {row.get('row', row['attack'])} cannot be measured: {row['reason']}", help=help)
