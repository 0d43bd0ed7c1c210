"""The MNIST network of Kim et al. 2020: a stem from 28x28 to 6x6 maps, one group, norm and ReLU before pooling."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from rkblocks.files.group_schemes import Blocks, schemes
from rkblocks.nets import init as initial
from rkblocks.nets.grouped import GroupedNet, check_settings, group_of
from rkblocks.nets.normalize import normalize
from rkblocks.nets.residual import PreActivation, normalization


def mnist(
    blocks: Blocks,
    depth: int = 6,
    *,
    width: int = 64,
    channels: int = 1,
    classes: int = 10,
    norm: str = "batch",
    statistics: str = "stage",
    memory: str = "full",
    init: str = "he",
    inconsistent: bool = False,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    generator: torch.Generator | None = None,
) -> GroupedNet:
    """A one-group network for 28x28 images; 577,546 parameters with six blocks of 64 channels, as published.

    Arguments as in `grouped`; `init="paper"` keeps torch's own initialisation here, as the published MNIST code does.
    Stem: conv 3x3 without padding to 26x26, conv 4x4 stride 2 to 13x13, conv 4x4 stride 2 to 6x6.

    Raises:
        RkblocksError: RK551, RK552, and what reading and building the tableau raises.
    """
    check_settings(depth, (width,), channels, classes, norm=norm, statistics=statistics, memory=memory, init=init)
    tableaus = schemes(blocks, 1)
    weights = initial.initializer(init, slope_factor=1, uniform_norm=False, generator=generator)
    stem = nn.Sequential(
        nn.Conv2d(channels, width, kernel_size=3),
        normalization(norm, width),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, kernel_size=4, stride=2, padding=1),
        normalization(norm, width),
        nn.ReLU(inplace=True),
        nn.Conv2d(width, width, kernel_size=4, stride=2, padding=1),
    )
    head = nn.Sequential(
        normalization(norm, width),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(width, classes),
    )
    weights(stem)
    how: dict[str, Any] = {"statistics": statistics, "memory": memory, "inconsistent": inconsistent}
    groups = [group_of(tableaus[0], depth, partial(PreActivation, width, norm), weights, **how)]
    weights(head)
    return GroupedNet(normalize(mean, std, channels), stem, groups, (), head)
