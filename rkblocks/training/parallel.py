"""Training by several processes that gives what one process gives: each takes its part of every batch.

    order, crops, flips   drawn for the whole batch by every process, which then takes its part
    noise, attacks        drawn for the whole batch, the rows of the part used: `PartStreams`
    batch norm            statistics of the whole batch: `synchronise.Synchronised`
    gradients             averaged by DistributedDataParallel, parts weighed by their length: `backward`
    files, messages       process 0

So nothing random depends on how many processes there are, and a run may be resumed with another number of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from rkblocks import distributed
from rkblocks.diagnostics import fail
from rkblocks.runs.config import Config
from rkblocks.training.examples import Sources
from rkblocks.training.synchronise import Synchronised


def check(config: Config) -> None:
    """Return nothing; RkblocksError RK741 where settings do not fit so many processes. For one process all fit."""
    count = distributed.size()
    if count == 1:
        return
    training = config.training
    for name in ("batch_size", "eval_batch_size"):
        if getattr(training, name) < count:
            fail(
                "RK741",
                f"training.{name} is {getattr(training, name)}, too few for {count} processes",
                help=f"choose {count} at least: it is the size of the whole batch, which the processes divide",
            )
    if training.method == "free":
        help = "use one process, or another method"
        fail("RK741", "free training carries the perturbation of one batch to the next, within one process", help=help)
    if training.compile:
        help = "leave out training.compile, or use one process"
        fail("RK741", "a compiled step does not see batch statistics of several processes", help=help)
    if training.device.startswith("cuda:"):
        fail("RK741", f"{count} processes cannot all use {training.device}", help="use --device cuda: each has its own")


def divide(model: nn.Module, device: torch.device) -> nn.Module:
    """The network to form gradients with: the model, or with several processes one that averages them."""
    if distributed.size() == 1:
        return model
    devices = [device] if device.type == "cuda" else None
    # Running statistics are the same on every process already. Later versions of torch have another name for it.
    newer = "forward_sync_buffers" in signature(DistributedDataParallel).parameters
    unsent: dict[str, Any] = {"forward_sync_buffers" if newer else "broadcast_buffers": False}
    return DistributedDataParallel(model, device_ids=devices, **unsent)


def synchronised() -> AbstractContextManager[object]:
    """Within it, batch normalisation in training mode speaks for the whole batch."""
    return nullcontext() if distributed.size() == 1 else Synchronised()


def backward(loss: Tensor, count: int) -> None:
    """Form gradients whose average over the processes is that of the mean loss over a whole batch of `count` examples.

    loss: the mean over the part of this process, which is weighed by its length.
    """
    own = distributed.part(count)
    share = (own.stop - own.start) * distributed.size() / count
    loss.backward(None if share == 1 else torch.full_like(loss, share))


@dataclass(frozen=True)
class PartStreams:
    """Noise for this process's part of a batch: drawn for all `count` examples, so that every process draws the same.

    A batch of c times as many rows as the part are c copies of it, one after the other. For attacks without restarts,
    which ask for all rows at once.
    """

    generator: torch.Generator
    count: int

    def uniform(self, like: Tensor, label: str) -> Tensor:
        return self._own(torch.rand, like)

    def normal(self, like: Tensor, label: str) -> Tensor:
        return self._own(torch.randn, like)

    def select(self, rows: Tensor) -> PartStreams:
        return self

    def fork(self, label: str) -> PartStreams:
        return self

    def _own(self, draw: Callable[..., Tensor], like: Tensor) -> Tensor:
        own = distributed.part(self.count)
        copies, rest = divmod(len(like), own.stop - own.start)
        if rest:
            raise ValueError(f"{len(like)} examples are no copies of a part of {own.stop - own.start}")
        shape = (copies * self.count, *like.shape[1:])
        noise = draw(shape, generator=self.generator, dtype=like.dtype, device=like.device)
        return noise.view(copies, self.count, *like.shape[1:])[:, own].flatten(0, 1)


def part_streams(streams: Mapping[str, torch.Generator], count: int) -> Sources:
    """The generators themselves for one process; else for each the rows of this process in a batch of `count`."""
    if distributed.size() == 1:
        return streams
    return {name: PartStreams(generator, count) for name, generator in streams.items()}
