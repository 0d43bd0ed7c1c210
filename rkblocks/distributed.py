"""Several processes that work on one task, as `torchrun` starts them; with one process everything here is trivial.

    with group(device.type == "cuda"):        # joins the processes of torchrun, does nothing without it
        with together():                      # what fails on one process fails on all, before anything waits for it
            images = load()
        rows = range(len(images))[part(len(images))]
        correct = gather(judge(images[rows]))  # [n] on every process, in the order of the images

Small values travel between CPUs (gloo), so that no GPU is waited for; tensors of a GPU travel by NCCL. All functions
but `rank`, `size`, `part`, `launched` and `local_rank` must be called by all processes, in the same order.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

import torch
from torch import Tensor, distributed

from rkblocks.diagnostics import RkblocksError, fail

T = TypeVar("T")
TIMEOUT = timedelta(minutes=30)
"""How long a process waits for the others: longer than one of them may need to decode a folder of images."""
MEETING = "RKBLOCKS_MEETING_SECONDS"
"""The environment variable with the seconds in which the processes must find each other; 300 where it is not set."""
QUIET = 3.0
"""Seconds after which a process says that it is waiting for the others to start."""


def launched() -> int:
    """The number of processes that torchrun has started for this task; 1 without torchrun."""
    return _number("WORLD_SIZE", 1)


def local_rank() -> int:
    """The number of this process among those on its machine, which is that of its GPU."""
    return _number("LOCAL_RANK", 0)


def _number(name: str, default: int) -> int:
    try:
        return int(os.environ.get(name, default))
    except ValueError:
        found = os.environ[name]
        fail("RK740", f"the environment variable {name} is {found!r}, expected a number", help="start with torchrun")


def _joined() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def rank() -> int:
    """The number of this process, from 0; process 0 writes files and talks."""
    return distributed.get_rank() if _joined() else 0


def size() -> int:
    """The number of processes in the group, 1 outside of it."""
    return distributed.get_world_size() if _joined() else 1


@contextmanager
def group(gpu: bool = False, timeout: timedelta = TIMEOUT) -> Iterator[None]:
    """Join the processes that torchrun has started, and leave them at the end. A group that exists already is used.

    gpu: tensors of a GPU will be exchanged, by NCCL; this process then works on the GPU of its `local_rank`.

    Raises:
        RkblocksError: RK740 where the processes do not find each other; RK742 within, where one is lost.
    """
    if _joined() or launched() == 1:
        with watched():
            yield
        return
    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if missing:
        count = launched()
        fail("RK740", f"WORLD_SIZE is {count}, and {missing[0]} is not set", help="start with torchrun, or unset it")
    if gpu:
        torch.cuda.set_device(local_rank())
    meeting = _number(MEETING, 300)
    if not 1 <= meeting <= 86_400:
        fail("RK740", f"{MEETING} is {meeting}, expected seconds from 1 to 86400", help="leave it out for 300")
    try:
        with _announced():
            _meet("cpu:gloo,cuda:nccl" if gpu else "gloo", timedelta(seconds=meeting), timeout)
    except (RuntimeError, ValueError) as error:
        help = f"start all {launched()} processes with torchrun, or unset WORLD_SIZE; {MEETING} is the time limit"
        fail("RK740", f"the processes do not find each other: {_reason(error)}", help=help)
    try:
        with watched():
            yield
    finally:
        distributed.destroy_process_group()


def _meet(backend: str, meeting: timedelta, timeout: timedelta) -> None:
    """Form the group of torchrun's variables: its processes within `meeting`, each later exchange within `timeout`."""
    store, number, count = next(distributed.rendezvous("env://", timeout=meeting))  # type: ignore[attr-defined]
    store.set_timeout(timeout)
    # The name is that of init_process_group.
    own = distributed.PrefixStore("default_pg", store)  # type: ignore[attr-defined]
    distributed.init_process_group(backend, store=own, rank=number, world_size=count, timeout=timeout)


@contextmanager
def _announced() -> Iterator[None]:
    """Say in the log that the others are waited for, once the block has taken a few seconds."""
    others, place = launched() - 1, f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    line = f"waiting for {others} other process{'es' * (others > 1)} at {place}"
    clock = threading.Timer(QUIET, lambda: logging.getLogger(__name__).info(line))
    clock.daemon = True
    clock.start()
    try:
        yield
    finally:
        clock.cancel()


@contextmanager
def watched() -> Iterator[None]:
    """Report what torch raises where another process is gone or late as RkblocksError RK742, anything else as it is."""
    try:
        yield
    except RkblocksError:
        raise
    except RuntimeError as error:
        if size() > 1 and (isinstance(error, distributed.DistError) or "gloo" in str(error).lower()):
            _lost(error)
        raise


def _lost(error: Exception) -> NoReturn:
    fail(
        "RK742",
        f"process {rank()} of {size()} has lost another one: {_reason(error)}",
        help="its own message says why; what was saved before is kept, and --resume continues from it",
    )


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()).partition(" This is typically")[0]
    text = re.sub(r"\[\S+\.(cc|cpp|h):\d+\] ", "", text)  # places in the source of torch
    return text[:200] or type(error).__name__


@contextmanager
def together() -> Iterator[None]:
    """An RkblocksError within, on any process, ends the block with an RkblocksError on all: its own, or RK742.

    The block itself must exchange nothing: a process that failed in it would be waited for.
    """
    problem: RkblocksError | None = None
    try:
        yield
    except RkblocksError as error:
        problem = error
    failed = gather(torch.tensor([problem is not None])).tolist()
    if problem is not None:
        raise problem
    if any(failed):
        number = failed.index(True)
        fail("RK742", f"process {number} of {size()} has failed", help="its own message says why")


def part(count: int) -> slice:
    """The consecutive share of this process in `count` things; shares differ by one at most, the larger ones first."""
    least, more = divmod(count, size())
    start = rank() * least + min(rank(), more)
    return slice(start, start + least + (rank() < more))


def gather(values: Tensor) -> Tensor:
    """The rows of all processes, one after the other, on every process.

    Shape: [k, ...], where k may differ between the processes, -> [sum of k, ...], any dtype; on the device of `values`.
    """
    if size() == 1:
        return values
    lengths = torch.zeros(size(), dtype=torch.int64)
    lengths[rank()] = len(values)
    lengths = total(lengths)
    own = values.detach().to(_carrier())
    padded = torch.zeros((int(lengths.max()), *own.shape[1:]), dtype=own.dtype, device=own.device)
    padded[: len(own)] = own
    sent = padded.to(torch.uint8) if padded.dtype == torch.bool else padded
    found = [torch.empty_like(sent) for _ in range(size())]
    with watched():
        distributed.all_gather(found, sent)
    rows = torch.cat([rows[:length] for rows, length in zip(found, lengths.tolist(), strict=True)])
    return rows.to(values.device, values.dtype)


def total(values: Tensor) -> Tensor:
    """The sum of a tensor over all processes, on every process; shape, dtype and device as given."""
    if size() == 1:
        return values
    summed = values.detach().to(_carrier(), copy=True)
    with watched():
        distributed.all_reduce(summed)
    return summed.to(values.device)


def anywhere(flag: bool) -> bool:
    """Whether the flag is set on any process."""
    return bool(largest(int(flag)))


def largest(number: int) -> int:
    """The largest number that any process has given."""
    return number if size() == 1 else int(gather(torch.tensor([number])).max())


def agreed(value: T) -> T:
    """The value of process 0, on every process; anything that can be pickled."""
    if size() == 1:
        return value
    held: list[Any] = [value]
    with watched():
        distributed.broadcast_object_list(held, src=0, device=_carrier())
    found: T = held[0]
    return found


def _carrier() -> torch.device:
    """Where small values lie on their way: the CPU, unless the group was made for GPUs alone."""
    return torch.device("cpu" if "gloo" in str(distributed.get_backend_config()) else "cuda")
