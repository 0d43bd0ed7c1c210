"""Tasks in worker processes side by side, each on a pipe of its own: watched, stopped together, never left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from typing import Any, Generic, Protocol, TypeVar

from rkblocks.diagnostics import RkblocksError, diagnostic
from rkblocks.progress import Progress
from rkblocks.runs.interrupt import terminating
from rkblocks.study.worker import WAIT, serve, settle


class Labelled(Protocol):
    """A task; label: what progress calls it."""

    @property
    def label(self) -> str: ...


T = TypeVar("T", bound=Labelled)


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of a task: its result, or the error that it raised."""

    task: T
    result: Any = None
    error: RkblocksError | None = None


@dataclass
class Worker(Generic[T]):
    """A process, our end of its pipe, and the task that it has (None: it waits for one, or still starts)."""

    process: BaseProcess
    pipe: connection.Connection
    device: str | None
    task: T | None = None


def outcomes(
    tasks: Sequence[T],
    work: Callable[[T, Callable[[int, int], None]], Any],
    *,
    workers: int,
    progress: Progress | None = None,
    threads: int = 1,
    devices: Sequence[str] = (),
) -> Iterator[Outcome[T]]:
    """Yield the outcome of every task as it comes.

    work: called as work(task, report) in the worker, so it must be importable there. workers: number of processes; 0:
    none, work in this one. threads: of each worker. devices: numbers of GPUs, shared out among the workers in turn.
    A worker that dies is one failed task (RK842), and another takes its place. On Ctrl-C, or SIGTERM, the workers save
    what they are doing and stop; then KeyboardInterrupt goes on.
    """
    tell = progress or (lambda label, done, total: None)
    if not workers:
        for each in tasks:
            yield _here(each, work, tell)
        return
    waiting = list(reversed(tasks))
    pool: list[Worker[T]] = []

    def start(device: str | None) -> Worker[T]:
        return _start(work, threads, device)

    try:
        with terminating():
            for number in range(min(workers, len(tasks))):  # one by one: what has started is known when a signal comes
                pool.append(start(devices[number % len(devices)] if devices else None))
            open_tasks = len(tasks)
            while open_tasks:
                for worker in _ready(pool):
                    for kind, content in _messages(worker):
                        if kind == "ready":
                            worker.task = waiting.pop() if waiting else None
                            if worker.task is not None:
                                worker.pipe.send(worker.task)
                            continue
                        task = worker.task
                        if kind == "gone":
                            pool.remove(worker)
                            if waiting:
                                pool.append(start(worker.device))
                            if task is None:  # it died while starting: so would the next
                                raise RkblocksError([_dead(worker)])
                            content = RkblocksError([_dead(worker)])
                        if task is None:
                            continue
                        if kind == "progress":
                            tell(task.label, *content)
                            continue
                        worker.task = None
                        open_tasks -= 1
                        yield Outcome(task, content) if kind == "done" else Outcome(task, error=content)
    finally:
        _stop(pool)


def _here(task: T, work: Callable[..., Any], tell: Progress) -> Outcome[T]:
    kind, content = settle(work, task, lambda done, total: tell(task.label, done, total))
    if kind == "stopped":
        raise KeyboardInterrupt
    return Outcome(task, content) if kind == "done" else Outcome(task, error=content)


def _start(work: Callable[..., Any], threads: int, device: str | None) -> Worker[Any]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, work, threads, device), daemon=True)
    with _deaf():
        process.start()
    theirs.close()  # so that the end of the process is the end of the pipe
    return Worker(process, ours, device)


def _ready(pool: Sequence[Worker[T]]) -> list[Worker[T]]:
    pipes = connection.wait([worker.pipe for worker in pool], timeout=0.5)
    return [worker for worker in pool if worker.pipe in pipes]


def _messages(worker: Worker[T]) -> Iterator[tuple[str, Any]]:
    """All that a worker has said; ("gone", None) where it has ended. Raises KeyboardInterrupt where it was stopped."""
    try:
        while worker.pipe.poll():
            kind, content = worker.pipe.recv()
            if kind == "stopped":
                raise KeyboardInterrupt
            yield kind, content
    except (EOFError, OSError):
        worker.process.join(WAIT)
        yield "gone", None


def _dead(worker: Worker[T]) -> Any:
    return diagnostic(
        "RK842",
        f"a worker process ended with status {worker.process.exitcode}; what was saved before is kept",
        help="too little memory? try --workers 1; the same command continues",
    )


def _stop(pool: Sequence[Worker[T]]) -> None:
    """Ask workers that are busy to save and stop, once each; end the others, which may still be starting, and those
    that do not stop.
    """
    for worker in pool:
        if worker.task is None:
            worker.process.terminate()
            worker.pipe.close()
        elif worker.process.pid is not None and worker.process.is_alive():
            os.kill(worker.process.pid, signal.SIGINT)
    for worker in pool:
        if worker.task is not None:  # read on, lest the worker waits for room in its pipe
            with suppress(EOFError, OSError):
                while worker.pipe.poll(WAIT):
                    worker.pipe.recv()
            worker.pipe.close()
        worker.process.join(WAIT)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


@contextmanager
def _deaf() -> Iterator[None]:
    """Ignore SIGINT: processes begun within inherit that, and are not torn out of their imports by a Ctrl-C.  A SIGTERM
    waits until the process has read what it is begun with, and is a Ctrl-C then.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked = signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, asked)
    if came:
        raise KeyboardInterrupt
