"""`rkblocks demo`, top to bottom: check, compile, train and attack in worker processes, table, files."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rkblocks import invocation
from rkblocks.demo import results, settings
from rkblocks.demo.settings import PAPER, Settings
from rkblocks.demo.task import perform, read_entry
from rkblocks.demo.verdicts import verdict, verdict_table
from rkblocks.diagnostics import fail
from rkblocks.progress import Progress
from rkblocks.settings.fractions import fraction_text
from rkblocks.study.log import ended
from rkblocks.study.pool import outcomes
from rkblocks.study.task import Task

CHANCE = 0.1  # ten digits


def run(
    out: str | Path | None = None,
    seeds: int | None = None,
    *,
    schemes: Sequence[str] = PAPER,
    tiny: bool = False,
    workers: int | None = None,
    changes: dict[str, Any] | None = None,
    say: Callable[[str], None] = print,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the content of results.json, with "folder" the path of the demo's folder.

    out: the folder; one that holds an unfinished demo with the same settings is continued, finished networks are not
    trained again. None: runs/demo-DATE. seeds: networks of each scheme (3, or 1 if tiny). tiny: everything in
    seconds, numbers that mean nothing. workers: processes side by side (None: the number of cores, two at most; 0:
    none, work in this process). changes: settings of the training preset to change, {"training.epochs": 2}. say: is
    given each line for the reader. Ctrl-C raises KeyboardInterrupt, after the workers have saved their state.
    Raises RkblocksError RK841 (folder or options unfit), RK842 (a worker died), RK824, and what check, training and
    evaluation raise.
    """
    base = settings.tiny() if tiny else Settings()
    number = base.seeds if seeds is None else seeds
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= settings.MAX_SEEDS or not schemes:
        fail("RK841", f"{len(schemes)} schemes and {number!r} seeds; expected at least one of each", help="--seeds 3")
    chosen = replace(base, schemes=tuple(schemes), seeds=number, changes={**base.changes, **(changes or {})})
    folder = Path(out) if out is not None else Path("runs") / f"demo-{datetime.datetime.now():%Y%m%d-%H%M%S}"
    settings.settle(folder, chosen)
    tasks = chosen.tasks(folder)

    say(f"Checking and compiling {len(chosen.schemes)} schemes, exactly:\n")
    verdicts = [verdict(scheme, folder / "compiled") for scheme in chosen.schemes]
    say(verdict_table(verdicts))

    processes = min(2, os.cpu_count() or 1) if workers is None else workers
    done = sum(read_entry(task.folder) is not None for task in tasks)
    more = f"; {done} of {len(tasks)} are finished already" if done else ""
    say(
        f"Training {len(tasks)} networks on digits with PGD adversarial training, attacking each with FGSM and "
        f"PGD-20 (linf, eps {fraction_text(settings.pgd(tasks[0]).eps)}){more}."
    )
    try:
        entries = networks(tasks, chosen.sweep, processes, progress, say)
    except KeyboardInterrupt:
        typed = invocation.line("demo", out=folder, seeds=seeds, workers=workers, tiny=tiny)
        again = typed if tuple(schemes) == PAPER and not changes else f"the same call, and out={str(folder)!r}"
        say(f"Stopped; what is finished is kept. Continue with: {again}")
        raise
    content = results.write(folder, entries, verdicts, CHANCE)
    report(content, folder, say)
    return {**content, "folder": str(folder)}


def networks(
    tasks: Sequence[Task], radii: Sequence[str], workers: int, progress: Progress | None, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Return the entry of each network, in the order of the tasks, saying which is done; raises what the first one that
    fails raises.
    """
    entries = {task.name: read_entry(task.folder) for task in tasks}
    found = {name: entry for name, entry in entries.items() if entry is not None}
    todo = [task for task in tasks if task.name not in found]
    started = time.monotonic()
    done = outcomes(todo, partial(perform, radii), workers=workers, progress=_announcing(progress, say))
    for number, outcome in enumerate(done, 1):
        if outcome.error is not None:
            raise outcome.error
        name, entry = outcome.task.name, outcome.result
        found[name] = entry
        left = (time.monotonic() - started) * (len(todo) - number) / max(number, workers)
        say(ended(name, sum(entry["seconds"].values()), (len(found), len(tasks)), left))
    return [found[task.name] for task in tasks]


def _announcing(progress: Progress | None, say: Callable[[str], None]) -> Progress:
    """The progress, after a line when the first network starts: workers import for some seconds, and are silent."""
    started = False

    def told(label: str, done: int, total: int) -> None:
        nonlocal started
        if not started:
            started = True
            say("The first networks have started; each that ends tells the time left. Ctrl-C saves what is under way.")
        if progress is not None:
            progress(label, done, total)

    return told


def report(content: dict[str, Any], folder: Path, say: Callable[[str], None]) -> None:
    """Say the table and what to make of it."""
    entries, summary = content["entries"], content["summary"]
    spread = "mean (deviation) over the seeds" if summary[0]["seeds"] > 1 else "one seed, no deviation"
    say(f"\nAccuracy on {entries[0]['n']} test images and growth of PGD's perturbations in l2 by group, {spread}:\n")
    say(results.table(summary))
    say(results.spread_line(entries, summary))
    say(results.sweep_line(summary, CHANCE))
    say(results.health_line(entries))
    say(f"\nResults, figures, configuration and source of the blocks: {folder}")
    say(_next_steps(folder / entries[-1]["run"]))


def _next_steps(run: Path) -> str:
    """What to type next, for somebody who has just seen the table."""
    steps = {
        invocation.line("evaluate", run): "more attacks on one of these networks, and their health",
        invocation.line("analyze", run): "theory beside measurement, block by block: a report",
        invocation.line(
            "list", ssp=True, sort="C/stages", reverse=True
        ): "other schemes; `check FILE.json` verifies your own",
        invocation.line("train", preset="digits", blocks="ssprk43"): "train one of them",
    }
    width = max(map(len, steps))
    return "\n".join(["\nWhat next:", *(f"  {step:<{width}}  {why}" for step, why in steps.items())])
