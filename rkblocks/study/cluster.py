"""Tasks on a Ray cluster: one remote call each, with the cores and GPUs that Ray assigns, on shared storage."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

from rkblocks.diagnostics import RkblocksError, diagnostic, fail
from rkblocks.extras import require
from rkblocks.progress import Progress
from rkblocks.runs import metrics
from rkblocks.study.pool import Outcome
from rkblocks.study.spec import Resources
from rkblocks.study.task import Task, perform
from rkblocks.study.worker import WAIT, settle

LOOK = 1.0  # seconds between looks at the run folders
ENVIRONMENT = ("RKBLOCKS_DATA", "RKBLOCKS_DEBUG")


def outcomes_on_ray(
    tasks: Sequence[Task], resources: Resources, address: str, progress: Progress | None = None
) -> Iterator[Outcome[Task]]:
    """Yield the outcome of every task as it comes.

    address: "auto" for the cluster that this machine is part of, HOST:PORT, or "local" for one of this machine alone;
    a cluster that this process is connected to already is used as it is. A task whose node dies is given to another
    by Ray, and goes on from what was saved. On Ctrl-C all tasks save and stop; then KeyboardInterrupt goes on.

    Raises:
        RkblocksError: RK901 (no ray), RK856 (no such cluster, or no node with the cores and GPUs of a task).
    """
    ray = require("ray", "cluster", "a study on a Ray cluster")
    connected = bool(ray.is_initialized())
    if not connected:
        _connect(ray, address)
    try:
        _feasible(ray, resources)
        remote = ray.remote(num_cpus=resources.cpus, num_gpus=resources.gpus)(_perform)
        yield from _gather(ray, {remote.remote(task, os.getcwd()): task for task in tasks}, progress)
    finally:
        if not connected:
            ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False, "runtime_env": {"env_vars": environment}}
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        fail("RK856", f"there is no Ray cluster at {address}: {reason}", help="start one with `ray start --head`")


def _feasible(ray: Any, resources: Resources) -> None:
    """Refuse what no node could ever take: Ray would wait for such a node forever."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    wanted = {"CPU": resources.cpus, "GPU": resources.gpus}
    if not any(all(node.get(kind, 0) >= amount for kind, amount in wanted.items()) for node in nodes):
        fail(
            "RK856",
            f"no node of the cluster has {resources.cpus:g} cores and {resources.gpus:g} GPUs for a task",
            help="lower cpus or gpus of [resources], or start such a node first",
        )


def _perform(task: Task, folder: str) -> tuple[str, Any]:
    """In a worker of Ray: relative paths mean what they mean to the driver, where the storage is shared."""
    if os.path.isdir(folder):
        os.chdir(folder)
    return settle(perform, task, lambda done, total: None)


def _gather(ray: Any, pending: dict[Any, Task], progress: Progress | None) -> Iterator[Outcome[Task]]:
    tell, shown = progress or (lambda label, done, total: None), dict[str, int]()
    try:
        while pending:
            ready, _ = ray.wait(list(pending), num_returns=1, timeout=LOOK)
            for task in pending.values():  # the storage is shared: an epoch is seen where it is written
                epochs, units = len(metrics.read(task.folder).epochs), task.units
                if epochs != shown.get(task.name, 0):
                    shown[task.name] = epochs
                    tell(task.label, min(epochs, units - 1), units)
            for ref in ready:
                task = pending.pop(ref)
                tell(task.label, task.units, task.units)
                yield _outcome(ray, ref, task)
    finally:
        for ref in pending:
            ray.cancel(ref)  # a SIGINT in the worker: training saves and stops
        if pending:
            ray.wait(list(pending), num_returns=len(pending), timeout=WAIT)


def _outcome(ray: Any, ref: Any, task: Task) -> Outcome[Task]:
    try:
        kind, content = ray.get(ref)
    except ray.exceptions.RayError as error:
        reason = " ".join(str(error).split())[:300]
        help = "what was saved before is kept; the same command continues"
        return Outcome(task, error=RkblocksError([diagnostic("RK842", f"a worker of Ray died: {reason}", help=help)]))
    if kind == "stopped":
        raise KeyboardInterrupt
    return Outcome(task, content) if kind == "done" else Outcome(task, error=content)
