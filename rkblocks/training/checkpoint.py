"""Where a training stands, and how that is kept: after any step, bit for bit.

The state before the newest is kept beside it. Should the newest be damaged, training continues from the older one, says
so, and repeats the steps between them to the same weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from rkblocks import distributed
from rkblocks.data import Dataset
from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.nets import GroupedNet
from rkblocks.runs import folder as runs
from rkblocks.runs.storage import clear_parts, load_state, save_state, sha256, write_text


@dataclass
class Progress:
    """Position in training: `step` steps of epoch `epoch` (from 0) are done; sums are over the examples seen in it.

    `carried` holds, by name, tensors that outlive a step: the perturbation of free training, averaged weights.
    """

    epoch: int = 0
    step: int = 0
    best: float = -1.0
    best_epoch: int = 0
    loss: float = 0.0
    correct: int = 0
    seen: int = 0
    seconds: float = 0.0
    streams: dict[str, torch.Generator] = field(default_factory=dict)
    carried: dict[str, torch.Tensor] = field(default_factory=dict)

    def next_epoch(self, streams: dict[str, torch.Generator]) -> None:
        """Move to the beginning of the next epoch, whose fresh generators are given."""
        self.epoch, self.step, self.loss, self.correct, self.seen, self.seconds = self.epoch + 1, 0, 0.0, 0, 0, 0.0
        self.streams = streams


NUMBERS = ("epoch", "step", "best", "best_epoch", "loss", "correct", "seen", "seconds")


def save(folder: Path, model: GroupedNet, optimizer: torch.optim.Optimizer, progress: Progress, data: str) -> None:
    """Write resume.pt. `data` is the fingerprint of the data set; raises RkblocksError RK716."""
    save_state(
        folder / runs.RESUME,
        folder / runs.PREVIOUS,
        {
            "format": 1,
            "config": sha256(folder / runs.CONFIG),
            "data": data,
            "device": next(model.parameters()).device.type,
            "progress": {name: getattr(progress, name) for name in NUMBERS},
            "carried": dict(progress.carried),
            "streams": {name: stream.get_state() for name, stream in progress.streams.items()},
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
        },
    )


def beginning(record: dict[str, Any], data: Dataset, streams: Callable[[int], dict[str, torch.Generator]]) -> Progress:
    """The position of a run of which nothing is saved but its run.json. streams: as `restore` takes it.

    Raises:
        RkblocksError: RK717 where that names another data set.
    """
    if {key: record["data"].get(key) for key in runs.about(data)} != runs.about(data):
        fail("RK717", "the data set is not the one this run was made for", help="check --data-root and the files")
    return Progress(streams=streams(0))


def restore(
    folder: Path,
    model: GroupedNet,
    optimizer: torch.optim.Optimizer,
    streams: Callable[[int], dict[str, torch.Generator]],
    data: str,
) -> tuple[Progress, list[str]]:
    """Load resume.pt into model and optimizer, and drop metrics of epochs that will be repeated.

    Returned are the position, and what the user has to be told: that an older state had to be taken.

    streams: a function that gives the fresh generators of an epoch.

    Raises:
        RkblocksError: RK712, RK713 (no or a damaged file), RK715 (configuration changed), RK717 (data changed), RK721
        (another kind of device).
    """
    path, state, note = _newest(folder)
    if state["config"] != sha256(folder / runs.CONFIG):
        help = "restore config.toml, or start a new run with the new settings"
        fail("RK715", f"{folder / runs.CONFIG} has changed since this run was saved", help=help)
    if state["data"] != data:
        fail(
            "RK717",
            "the data set is not the one this run was trained on so far",
            help="check --data-root and the files",
        )
    here = next(model.parameters()).device.type
    if state["device"] != here:  # random streams of a GPU and of a CPU have nothing in common
        fail(
            "RK721",
            f"{folder} was trained on {state['device']} so far, not on {here}",
            help="continue on such a machine",
        )
    runs.load_into(model, state["model"], path)
    optimizer.load_state_dict(state["optimizer"])
    progress = Progress(**state["progress"])
    device = next(model.parameters()).device
    progress.carried = {name: tensor.to(device) for name, tensor in state.get("carried", {}).items()}
    progress.streams = streams(progress.epoch)
    for name, generator in progress.streams.items():
        generator.set_state(state["streams"][name])
    if distributed.rank() == 0:
        metrics = folder / runs.METRICS
        lines = metrics.read_text(encoding="utf-8").splitlines(keepends=True) if metrics.is_file() else []
        write_text(metrics, "".join(lines[: progress.epoch]))
        clear_parts(folder)
    return progress, note


def _newest(folder: Path) -> tuple[Path, dict[str, Any], list[str]]:
    """The newest state that can be read, its file, and a note where that is not the one saved last."""
    newest, older = folder / runs.RESUME, folder / runs.PREVIOUS
    try:
        return newest, load_state(newest), []
    except RkblocksError as error:
        try:
            state = load_state(older)
        except RkblocksError:
            raise error from None
        reason = error.diagnostics[0].message
        at = state["progress"]
        where = f"after step {at['step']} of epoch {at['epoch'] + 1}"
        return older, state, [f"{reason}; training goes on from the state before, {where}, and repeats what came since"]
