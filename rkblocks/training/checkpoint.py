"""Where a training stands, and how that is kept: after any step, bit for bit.

The state before the newest is kept beside it. Should the newest be damaged, training continues from the older one, says
so, and repeats the steps between them to the same weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from msgspec import Struct
from torch import nn

from rkblocks import distributed
from rkblocks.data import Dataset
from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.runs import folder as runs
from rkblocks.runs import metrics, records
from rkblocks.runs.network import load_into
from rkblocks.runs.records import Hash
from rkblocks.runs.storage import clear_parts, damaged, finite, load_state, save_state, sha256, write_text
from rkblocks.training.averaging import PREFIX


@dataclass
class Position:
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


def save(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: Position, data: str) -> None:
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


def same_data(record: Mapping[str, Any], data: Dataset) -> None:
    """Return nothing; RkblocksError RK717 where run.json names another data set."""
    if {key: record["data"].get(key) for key in runs.about(data)} != runs.about(data):
        fail("RK717", "the data set is not the one this run was made for", help="check --data-root and the files")


def restore(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    streams: Callable[[int], dict[str, torch.Generator]],
    data: str,
    most: tuple[int, int],
) -> tuple[Position, list[str]]:
    """Load resume.pt into model and optimizer, and drop metrics of epochs that will be repeated.

    Returned are the position, and what the user has to be told: that an older state had to be taken.

    streams: a function that gives the fresh generators of an epoch. most: epochs of the whole training, and steps of an
    epoch: no position lies beyond.

    Raises:
        RkblocksError: RK712, RK713 (no or a damaged file), RK715 (configuration changed), RK717 (data changed), RK721
        (another kind of device).
    """
    path, state, note = _newest(folder, *most)
    if state["config"] != sha256(folder / runs.CONFIG):
        help = "restore config.toml, or start a new run with the new settings"
        fail("RK715", f"{folder / runs.CONFIG} has changed since this run was saved", help=help)
    if state["data"] != data:
        fail(
            "RK717",
            "the data set is not the one this run was trained on so far",
            help="check --data-root and the files",
        )
    device = next(model.parameters()).device
    if state["device"] != device.type:  # random streams of a GPU and of a CPU have nothing in common
        fail(
            "RK721",
            f"{folder} was trained on {state['device']} so far, not on {device.type}",
            help="continue on such a machine",
        )
    load_into(model, state["model"], path)
    progress = Position(**{name: state["progress"][name] for name in NUMBERS})
    progress.streams = streams(progress.epoch)
    try:
        _load_optimizer(optimizer, state["optimizer"])
        progress.carried = {name: tensor.to(device) for name, tensor in state.get("carried", {}).items()}
        _shaped(optimizer, progress.carried)
        _fit_average(progress.carried, model)
        for name, generator in progress.streams.items():
            generator.set_state(state["streams"][name])
    except Exception as error:  # torch raises almost anything for a state that does not fit
        damaged(path, error)
    if distributed.rank() == 0:
        known = metrics.read(folder)
        if known.damage:
            help = "restore it from a copy, or move it away to go on without the metrics of the epochs before"
            fail("RK713", known.damage, help=help)
        kept = [json.dumps(line) + "\n" for line in known.epochs if line["epoch"] <= progress.epoch]
        write_text(folder / metrics.METRICS, "".join(kept))
        clear_parts(folder)
    return progress, note


class Saved(Struct):
    """resume.pt. config: hash of config.toml; data: fingerprint of the data set; model, carried, streams: tensors by
    name; optimizer: its state_dict.
    """

    format: Literal[1]
    config: Hash
    data: str
    device: str
    progress: records.Position
    streams: dict[str, torch.Tensor]
    model: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    carried: dict[str, torch.Tensor] = {}


def _look(state: object, epochs: int, steps: int) -> None:
    """Raise ValueError where the content of a resume.pt is none, or names a position that no training reaches."""
    saved = records.check(state, Saved)
    at = saved.progress
    for name, value, most in (
        ("epoch", at.epoch, epochs),
        ("step", at.step, steps),
        ("best_epoch", at.best_epoch, at.epoch),
        ("correct", at.correct, at.seen),
    ):
        if value > most:
            raise ValueError(f"progress.{name} is {value}, expected at most {most}")
    if (at.step > 0) != (at.seen > 0):
        raise ValueError(f"progress.seen is {at.seen} after step {at.step} of the epoch")
    for part in ("streams", "model", "carried"):
        for name, tensor in getattr(saved, part).items():
            _whole(f"{part}.{name}", tensor)


def _whole(place: str, tensor: torch.Tensor) -> None:
    """Raise ValueError for a tensor of which the file holds not all, or with values that are no finite numbers."""
    if tensor.layout != torch.strided or tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise ValueError(f"{place}: its values are not all in the file")
    if not finite(tensor):
        raise ValueError(f"{place} has values that are no finite numbers")


def _load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load the state of an optimizer. Raises ValueError where it is not that of these weights and settings."""
    own = [dict(group) for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for number, (group, before) in enumerate(zip(optimizer.param_groups, own, strict=True)):
        for key, value in before.items():
            if key not in ("params", "lr") and group.get(key) != value:
                raise ValueError(f"optimizer.param_groups[{number}].{key} is {group.get(key)!r}, expected {value!r}")
    for parameter, kept in optimizer.state.items():
        for key, value in kept.items():
            if isinstance(value, torch.Tensor):
                _whole(f"optimizer.{key}", value)
                if value.dim() and value.shape != parameter.shape:
                    raise ValueError(f"optimizer.{key} is of shape {list(value.shape)}, not {list(parameter.shape)}")


def _fit_average(carried: dict[str, torch.Tensor], model: nn.Module) -> None:
    """Raise ValueError where averaged weights are none of this model."""
    state = model.state_dict()
    average = {name.removeprefix(PREFIX): value for name, value in carried.items() if name.startswith(PREFIX)}
    if average and {name: value.shape for name, value in average.items()} != {n: v.shape for n, v in state.items()}:
        raise ValueError("carried: the averaged weights are not those of this network")


def _newest(folder: Path, epochs: int, steps: int) -> tuple[Path, dict[str, Any], list[str]]:
    """The newest state that can be read, its file, and a note where that is not the one saved last."""
    newest, older = folder / runs.RESUME, folder / runs.PREVIOUS
    look = partial(_look, epochs=epochs, steps=steps)
    try:
        return newest, load_state(newest, look), []
    except RkblocksError as error:
        try:
            state = load_state(older, look)
        except RkblocksError:
            raise error from None
        reason = error.diagnostics[0].message
        at = state["progress"]
        where = f"after step {at['step']} of epoch {at['epoch'] + 1}"
        return older, state, [f"{reason}; training goes on from the state before, {where}, and repeats what came since"]


def _shaped(optimizer: torch.optim.Optimizer, carried: dict[str, torch.Tensor]) -> None:
    """Give what was saved of raw coefficients without a dimension, as they once were, the shape that they have now."""
    for name, tensor in carried.items():
        if ".raw." in name and tensor.dim() == 0:
            carried[name] = tensor.reshape(1)
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            if isinstance(value, torch.Tensor) and value.dim() == 0 and parameter.dim() == 1 and key != "step":
                state[key] = value.reshape(1)
