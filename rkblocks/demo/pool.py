"""Tasks in worker processes side by side: one thread each, progress told, stopped together, and never left behind."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import torch

from rkblocks.demo.settings import Settings, Task
from rkblocks.demo.task import perform
from rkblocks.diagnostics import RkblocksError, fail

Progress = Callable[[str, int, int], None]
WAIT = 30.0  # seconds that workers have to save what they are doing


def run_tasks(
    tasks: Sequence[Task], settings: Settings, root: Path, *, workers: int, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """Return the entry of each task, in order. workers: number of processes, 0 to work in this one.

    On Ctrl-C the workers save their training and stop, then KeyboardInterrupt goes on. Raises RkblocksError RK842
    where a worker dies, and what a task raises.
    """
    tell = progress or (lambda label, done, total: None)
    if not workers:
        return [perform(task, settings, root, lambda d, t, task=task: tell(_label(task), d, t)) for task in tasks]  # type: ignore[misc]
    context = multiprocessing.get_context("spawn")
    inbox, outbox, stopping = context.Queue(), context.Queue(), context.Event()
    for task in [*tasks, *[None] * workers]:
        inbox.put(task)
    shared = (inbox, outbox, stopping, settings, root)
    pool = [context.Process(target=_work, args=shared, daemon=True) for _ in range(workers)]
    with _deaf():
        for process in pool:
            process.start()
    try:
        return _gather(tasks, outbox, pool, tell)
    finally:
        stopping.set()
        _stop(pool)


@contextmanager
def _deaf() -> Iterator[None]:
    """Ignore SIGINT: processes begun within inherit that, and are not torn out of their imports by a Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _gather(tasks: Sequence[Task], outbox: Any, pool: Sequence[BaseProcess], tell: Progress) -> list[dict[str, Any]]:
    entries: dict[Task, dict[str, Any]] = {}
    while len(entries) < len(tasks):
        try:
            kind, task, content = outbox.get(timeout=0.5)
        except queue.Empty:
            dead = [process for process in pool if process.exitcode not in (None, 0)]
            if dead:
                fail(
                    "RK842",
                    f"a worker process ended with status {dead[0].exitcode}; finished networks are kept",
                    help="too little memory? try --workers 1; the same --out continues",
                )
            continue
        if kind == "progress":
            tell(_label(task), *content)
        elif kind == "done":
            entries[task] = content
        elif kind == "stopped":
            raise KeyboardInterrupt
        else:
            raise content
    return [entries[task] for task in tasks]


def _stop(pool: Sequence[BaseProcess]) -> None:
    """Ask workers that are still busy to save and stop, and end those that do not."""
    for process in pool:
        process.join(0.2)
        if process.is_alive() and process.pid is not None:
            os.kill(process.pid, signal.SIGINT)
    for process in pool:
        process.join(WAIT)
        if process.is_alive():
            process.kill()
            process.join()


def _label(task: Task) -> str:
    return f"{task.scheme}, seed {task.seed}"


def _work(inbox: Any, outbox: Any, stopping: Any, settings: Settings, root: Path) -> None:
    """Perform tasks until there are no more, or `stopping` is set.

    In a process group of its own, so that Ctrl-C on the terminal reaches only the parent, which then asks each worker
    once: a second signal would cut a save short.
    """
    os.setpgrp()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    torch.set_num_threads(1)
    parent = multiprocessing.parent_process()
    task = None

    def report(done: int, total: int) -> None:
        if parent is not None and not parent.is_alive():
            os._exit(1)  # nobody waits for this work any more
        if stopping.is_set():
            raise KeyboardInterrupt
        outbox.put(("progress", task, (done, total)))

    try:
        while not stopping.is_set() and (task := inbox.get()) is not None:
            outbox.put(("done", task, perform(task, settings, root, report)))
    except KeyboardInterrupt:
        outbox.put(("stopped", task, None))
    except RkblocksError as error:
        stopped = any(found.code == "RK718" for found in error.diagnostics)
        outbox.put(("stopped", task, None) if stopped else ("failed", task, error))
    except Exception as error:
        outbox.put(("failed", task, RuntimeError(f"{error}\n{traceback.format_exc()}")))
