"""The grouped network: normalisation, stem, groups of equal blocks with a transition between them, classifier.

    x in [0, 1] -> normalize -> stem -> group 1 -> ResBlock-E -> group 2 -> ResBlock-E -> group 3 -> head -> logits

Kim et al. 2020, Figure 3. With depth 6, widths 16, 32, 64 and three colours it has the 658,090 parameters of the
published ResNet, SSP-2 and SSP-3; every ArkBlock adds one learnable coefficient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from rkblocks import blocks as rk
from rkblocks.diagnostics import fail
from rkblocks.files.group_schemes import Blocks, schemes
from rkblocks.nets import init as initial
from rkblocks.nets.normalize import normalize
from rkblocks.nets.residual import PreActivation, Transition, convolution
from rkblocks.tableau import Tableau


class GroupedNet(nn.Module):
    """A network of groups of Runge-Kutta blocks.

    Shape: [n, channels, h, w] in [0, 1] -> logits [n, classes].
    """

    def __init__(
        self,
        normalize: nn.Module,
        stem: nn.Module,
        groups: Sequence[nn.Module],
        transitions: Sequence[nn.Module],
        head: nn.Module,
    ) -> None:
        super().__init__()
        self.normalize = normalize
        self.stem = stem
        self.groups = nn.ModuleList(groups)
        self.transitions = nn.ModuleList(transitions)
        self.head = head

    @property
    def tableaus(self) -> tuple[Tableau, ...]:
        """The scheme of each group, which is that of its first block."""
        groups: Iterable[Any] = self.groups
        return tuple(group[0].tableau for group in groups)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(self.normalize(x))
        for i, group in enumerate(self.groups):
            x = group(x if i == 0 else self.transitions[i - 1](x))
        return self.head(x)  # type: ignore[no-any-return]

    def trace(self, x: Tensor) -> list[tuple[str, Tensor, Tensor]]:
        """Name, input and output of every group at x, in order; transitions lie outside the groups (paper, eq. 17)."""
        x = self.stem(self.normalize(x))
        seen = []
        for i, group in enumerate(self.groups):
            start = x if i == 0 else self.transitions[i - 1](x)
            x = group(start)
            seen.append((f"group{i + 1}", start, x))
        return seen


def group_of(
    tableau: Tableau, depth: int, residual: Callable[[], nn.Module], weights: initial.Initializer, **how: Any
) -> nn.Sequential:
    """`depth` blocks of one scheme, each around a residual of its own, initialised before the block takes it; `how` it
    is built: options of `rkblocks.build`.
    """
    residuals = [residual() for _ in range(depth)]
    for one in residuals:
        weights(one)
    return nn.Sequential(*(rk.build(tableau, residual=one, **how) for one in residuals))


def check_settings(depth: int, widths: Sequence[int], channels: int, classes: int, **choices: str) -> None:
    """Return nothing; RK552 for a size below 1 or an unknown choice of norm, statistics, memory or init."""
    if not isinstance(widths, Sequence) or isinstance(widths, str):
        found = f"widths is {widths!r}, expected a sequence of whole numbers"
        fail("RK552", found, help="widths=(16, 32, 64), or (16,) for one group")
    sizes = {"depth": depth, "channels": channels, "classes": classes}
    sizes |= {f"widths[{i}]": width for i, width in enumerate(widths)}
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool):
            fail("RK552", f"{name} is {size!r}, expected a whole number, at least 1", help=f"{name}=2")
        if size < 1:
            fail("RK552", f"{name} is {size}, expected at least 1", help="a network has blocks and channels")
    if not widths:
        fail("RK552", "widths is empty, expected the number of channels of each group", help="widths=(16, 32, 64)")
    allowed = {
        "norm": ("batch", "group"),
        "statistics": rk.STATISTICS,
        "memory": rk.MEMORY,
        "init": initial.SCHEMES,
    }
    for name, choice in choices.items():
        if choice not in allowed[name]:
            fail(
                "RK552", f"{name} is {choice!r}, expected one of {', '.join(allowed[name])}", help="choose one of them"
            )


def grouped(
    blocks: Blocks,
    depth: int = 6,
    *,
    widths: Sequence[int] = (16, 32, 64),
    channels: int = 3,
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
    """A network with one group of `depth` blocks for each width.

    Args:
        blocks: the scheme of all groups (name, path, tableau), or one a group ("ark,euler,ssp2" or a sequence).
        depth: blocks in a group (N of the paper: 6 or 10).
        widths: channels of the groups; every transition halves the map.
        channels: of the images.
        classes: of the labels.
        norm: "batch" or "group".
        statistics: running statistics of batch norm inside a shared F, one set a "stage" or one "shared" as published.
        memory: what the backward pass computes again, "full" (nothing), "norm" or "stage"; the same bits in each.
        init: "he", or "paper" as in the published CIFAR-10 code.
        inconsistent: whether a scheme may be of order 0, as a control in experiments; see `rkblocks.build`.
        mean: for each channel; None leaves images in [0, 1].
        std: as mean.
        generator: source of the initial weights (CPU); None uses torch's global one.

    Raises:
        RkblocksError: RK551, RK552, and what reading and building the tableaus raises.

    Example:
        >>> net = grouped("ark,euler,ssp2", depth=6)
        >>> sum(p.numel() for p in net.parameters())
        658096
    """
    check_settings(depth, widths, channels, classes, norm=norm, statistics=statistics, memory=memory, init=init)
    tableaus = schemes(blocks, len(widths))
    weights = initial.initializer(init, slope_factor=depth, uniform_norm=True, generator=generator)

    stem = convolution(channels, widths[0])
    transitions = [Transition(before, after, norm) for before, after in pairwise(widths)]
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], classes))
    for part in (stem, *transitions, head):
        weights(part)
    how: dict[str, Any] = {"statistics": statistics, "memory": memory, "inconsistent": inconsistent}
    groups = [
        group_of(tableau, depth, partial(PreActivation, width, norm), weights, **how)
        for tableau, width in zip(tableaus, widths, strict=True)
    ]
    return GroupedNet(normalize(mean, std, channels), stem, groups, transitions, head)
