"""The network of a run: built from its configuration or opened with its weights, the device and memory layout it lives
in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from rkblocks import distributed, nets
from rkblocks.data import Dataset
from rkblocks.diagnostics import Diagnostic, diagnostic, fail
from rkblocks.nets.normalize import normalize
from rkblocks.runs.config import Config
from rkblocks.runs.folder import WEIGHTS, read, weights_identity
from rkblocks.runs.modules import named_module
from rkblocks.runs.storage import about_weights, load_weights, weights_hash
from rkblocks.tableau import Tableau

PUBLISHED_CIFAR_MEAN = (0.4914, 0.4822, 0.2265)  # sic: the published code has 0.2265 for 0.4465
HALVES = (0.5, 0.5, 0.5)  # mean and deviation of Tiny ImageNet in the published code


def constants(config: Config, data: Dataset) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Mean and deviation of the first layer, as data.normalization asks; None for images left as they are."""
    if config.data.normalization == "none":
        return None, None
    if config.data.normalization == "published" and data.shape[0] == 3:
        if data.name == "tiny-imagenet":
            return HALVES, HALVES
        return PUBLISHED_CIFAR_MEAN, (0.2023, 0.1994, 0.2010)
    return (data.mean, data.std) if (any(data.mean) or set(data.std) != {1.0}) else (None, None)


def build(
    config: Config,
    tableaus: Sequence[Tableau],
    record: Mapping[str, Any],
    generator: torch.Generator | None = None,
) -> nn.Module:
    """The network of a configuration, one tableau a group. record: "data" (shape and classes of the images), "mean" and
    "std" of run.json. Initial weights are drawn from the generator, or from torch's.

    Raises:
        RkblocksError: RK722 where the images are too small for it, and what rkblocks.nets raises.
    """
    net, shape, classes = config.net, tuple(record["data"]["shape"]), len(record["data"]["classes"])
    mean, std = record["mean"], record["std"]
    if net.kind == "module":
        return _own(net.module, tableaus, shape, classes, normalize(mean, std, shape[0]), generator)
    _, height, width = shape
    least = (
        14 if net.kind == "mnist" else 1 if net.kind == "bounded" else 2 ** (len(net.widths) - 1)
    )  # smaller maps vanish in the stem or transitions
    if min(height, width) < least:
        fail("RK722", f"images of {width}x{height} are too small for this network, which needs {least}x{least}")
    if net.kind == "bounded":
        return nets.bounded(
            tableaus,
            net.depth,
            shape=shape,
            widths=net.widths,
            classes=classes,
            step=net.step,
            residual=net.residual,
            layers=net.layers,
            pool=net.pool,
            halved=net.halved,
            dense=net.dense,
            start=net.start,
            mean=mean,
            std=std,
            generator=generator,
        )
    common = {
        "channels": shape[0],
        "classes": classes,
        "norm": net.norm,
        "statistics": net.statistics,
        "memory": net.memory,
        "init": net.init,
        "inconsistent": net.inconsistent,
        "mean": mean,
        "std": std,
        "generator": generator,
    }
    if net.kind == "mnist":
        return nets.mnist(tableaus, net.depth, width=net.widths[0], **common)
    return nets.grouped(tableaus, net.depth, widths=net.widths, **common)


def _own(
    spec: str,
    tableaus: Sequence[Tableau],
    shape: tuple[int, int, int],
    classes: int,
    first: nn.Module,
    generator: torch.Generator | None,
) -> nn.Sequential:
    """The network of FILE.py:NAME behind the first layer; its initial weights are torch's, drawn from a seed of the
    generator. Raises RkblocksError RK861.
    """
    with torch.random.fork_rng(devices=[]):
        if generator is not None:
            torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
        return nn.Sequential(first, named_module(spec, blocks=list(tableaus), shape=shape, classes=classes))


def device_of(config: Config) -> torch.device:
    """The device that a configuration asks for; see `named_device`."""
    return named_device(config.training.device)


def named_device(name: str) -> torch.device:
    """The device of a name; "auto" is a GPU where there is one, and of several processes each has a GPU of its own.

    Raises:
        RkblocksError: RK721 where it is no device, or there is no such GPU. Nothing falls back to the CPU silently.
    """
    if name in ("auto", "cuda") and distributed.launched() > 1 and torch.cuda.is_available():
        name = f"cuda:{distributed.local_rank()}"
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        fail("RK721", f"{name!r} is no device", help="use auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        fail("RK721", f"device {name} was asked for, and torch sees {count} GPUs", help="use --device cpu")
    if device.type not in ("cpu", "cuda"):
        fail("RK721", f"device {name} is not supported", help="use auto, cpu, cuda or cuda:N")
    return device


def memory_format(config: Config, device: torch.device, model: nn.Module) -> torch.memory_format:
    """channels_last where it pays: on a GPU, and on a CPU from 8 channels on.

    On one CPU core a step of training takes 0.74 to 0.84 of the time with it for widths of 8, 12 and 16.  It is never
    taken where `unsafe_layout` says that it cannot be.
    """
    wanted = config.training.memory_format
    if wanted == "auto" and config.net.kind == "module":
        wanted = "contiguous"  # nothing is known of its layers
    if wanted == "auto":
        wanted = "channels_last" if device.type == "cuda" or min(config.net.widths) >= 8 else "contiguous"
    if unsafe_layout(config, device, model):
        wanted = "contiguous"
    return torch.channels_last if wanted == "channels_last" else torch.contiguous_format


def unsafe_layout(config: Config, device: torch.device, model: nn.Module) -> list[Diagnostic]:
    """RK770 where channels_last was asked for and is not taken: on a CPU torch 2.14 writes beyond its memory in the
    gradient of a 1x1 convolution with a stride and 2 to 7 channels in that layout.
    """
    if config.training.memory_format != "channels_last" or device.type != "cpu":
        return []
    for name, layer in model.named_modules():
        if not isinstance(layer, nn.Conv2d):
            continue
        if set(layer.kernel_size) == {1} and max(layer.stride) > 1 and 1 < layer.in_channels < 8:
            message = (
                f"training.memory_format is channels_last, and {name} is a 1x1 convolution with a stride from "
                f"{layer.in_channels} channels, whose gradient torch computes wrongly in it: contiguous is taken"
            )
            help = "set training.memory_format to contiguous, or net.widths to 8 channels or more"
            return [diagnostic("RK770", message, path="training.memory_format", help=help)]
    return []


@dataclass(frozen=True)
class OpenRun:
    """A run opened for evaluation: the model has its weights, is in eval mode and on the device asked for.

    `weights_hash` is that of the tensors in the file (`storage.weights_hash`), `record` the content of run.json.
    """

    folder: Path
    config: Config
    tableaus: tuple[Tableau, ...]
    model: nn.Module
    weights_hash: str
    record: dict[str, Any]

    @property
    def blocks(self) -> str:
        """The schemes as `--blocks` takes them: "ssp3", or "ark,euler,ssp2"."""
        return ",".join(self.config.net.blocks)


def load_into(model: nn.Module, state: dict[str, torch.Tensor], path: Path) -> None:
    """Load a state_dict strictly; raises RkblocksError RK713 where names or shapes differ."""
    try:
        model.load_state_dict(state, strict=True)
    except RuntimeError as error:
        lines = " ".join(str(error).split())[:300]
        fail("RK713", f"{path} does not fit the network of the run: {lines}", help="restore it from a copy")


def check_weights(path: Path, blocks: Sequence[str]) -> None:
    """Return nothing; RkblocksError RK744 where the file says that it was written by another run.

    Files of earlier versions, and those written by others, say nothing of it and are accepted.
    """
    written, own = about_weights(path), weights_identity(path.parent, blocks)
    for key, words in (("blocks", "schemes"), ("config", "a configuration with the hash")):
        if written.get(key, own[key]) != own[key]:
            help = "restore the file that this run wrote, or open the folder that these weights come from"
            found = f"{path} has the weights of another run, of {words} {str(written[key])[:80]}"
            fail("RK744", f"{found}; this run has {own[key]}", help=help)


def open_run(folder: str | Path, device: str | torch.device | None = None, weights: str = "best") -> OpenRun:
    """A run opened for evaluation.

    Args:
        folder: as `train` wrote it; the data set is not needed.
        device: for the model; None: a GPU where there is one.
        weights: "best" (on the validation images), "last", or "average" where the run kept one.

    Raises:
        RkblocksError: RK712 (no run, no weights yet), RK713 (damaged files, weights that are no numbers), RK714, RK715
            (changed tableau or configuration), RK744 (weights of another run).
    """
    folder = Path(folder)
    config, record, tableaus = read(folder)
    path = folder / WEIGHTS[weights]
    check_weights(path, config.net.blocks)
    model = build(config, tableaus, record)
    load_into(model, load_weights(path), path)
    target = device or ("cuda" if torch.cuda.is_available() else "cpu")
    return OpenRun(folder, config, tableaus, model.to(target).eval(), weights_hash(path), record)
