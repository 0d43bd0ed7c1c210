"""Normalisation as the first layer, so that attacks and users work on images in [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real

import torch
from torch import Tensor, nn

from rkblocks.diagnostics import fail


class Normalize(nn.Module):
    """(x - mean) / std for each channel; mean and std are buffers and travel with the weights."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std

    def extra_repr(self) -> str:
        return f"mean={self.mean.flatten().tolist()}, std={self.std.flatten().tolist()}"


def normalize(mean: Sequence[float] | None, std: Sequence[float] | None, channels: int) -> nn.Module:
    """The first layer of a network: identity where neither is given.

    Raises:
        RkblocksError: RK552 where the lengths differ from `channels` or a deviation is not positive.
    """
    if mean is None and std is None:
        return nn.Identity()
    for name, values in (("mean", mean), ("std", std)):
        if values is not None and not _numbers(values):
            fail("RK552", f"{name} is {values!r}, expected a finite number for each channel", help=f"{name}=(0.5,)")
    mean = [0.0] * channels if mean is None else list(mean)
    std = [1.0] * channels if std is None else list(std)
    if len(mean) != channels or len(std) != channels:
        fail(
            "RK552", f"mean has {len(mean)} and std {len(std)} entries for {channels} channels", help="give one of each"
        )
    if min(std) <= 0:
        fail("RK552", f"std must be positive, found {min(std)}", help="leave out channels that are constant")
    return Normalize(mean, std)


def _numbers(values: object) -> bool:
    """Whether it is a sequence of finite numbers; a tensor or array of one dimension is one."""
    listed = values.tolist() if hasattr(values, "tolist") else values
    return isinstance(listed, Sequence) and all(isinstance(v, Real) and math.isfinite(v) for v in listed)
