"""The residual F of every block, and the transition between groups (ResBlock-E of Kim et al. 2020, Figure 3).

Pre-activation order, norm - ReLU - conv twice (He et al. 2016, "Identity mappings"). The convolutions carry a
bias, as in the published code: the parameter counts of the paper include it.
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional


def normalization(kind: str, channels: int) -> nn.Module:
    """The normalisation layer over `channels`: "batch", or "group" with 32 groups (one a channel below 32 channels)."""
    if kind == "group":
        return nn.GroupNorm(channels if channels <= 32 else math.gcd(32, channels), channels)
    return nn.BatchNorm2d(channels)


def convolution(channels_in: int, channels_out: int, stride: int = 1) -> nn.Conv2d:
    """A 3x3 convolution with bias that keeps the map size at stride 1."""
    return nn.Conv2d(channels_in, channels_out, kernel_size=3, stride=stride, padding=1)


def _relu(x: Tensor) -> Tensor:
    """max(x, 0) in the memory of x: the result of a normalisation, which keeps its input for the backward pass."""
    return functional.relu(x, inplace=True)


class PreActivation(nn.Module):
    """F(x) = conv2(relu(norm2(conv1(relu(norm1(x)))))), from [n, channels, h, w] to the same shape."""

    def __init__(self, channels: int, norm: str = "batch") -> None:
        super().__init__()
        self.norm1 = normalization(norm, channels)
        self.conv1 = convolution(channels, channels)
        self.norm2 = normalization(norm, channels)
        self.conv2 = convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(_relu(self.norm1(x)))
        return self.conv2(_relu(self.norm2(x)))  # type: ignore[no-any-return]


class Transition(nn.Module):
    """ResBlock-E: halves the map and changes the width, [n, c, h, w] -> [n, c', ceil(h/2), ceil(w/2)].

    The shortcut is norm(conv1x1(relu(norm1(x)))), so it shares the first normalisation with the residual. The published
    code evaluates that normalisation twice, which changes nothing but the pace of its running statistics.
    """

    def __init__(self, channels_in: int, channels_out: int, norm: str = "batch") -> None:
        super().__init__()
        self.norm1 = normalization(norm, channels_in)
        self.conv1 = convolution(channels_in, channels_out, stride=2)
        self.norm2 = normalization(norm, channels_out)
        self.conv2 = convolution(channels_out, channels_out)
        self.shortcut = nn.Conv2d(channels_in, channels_out, kernel_size=1, stride=2, bias=False)
        self.shortcut_norm = normalization(norm, channels_out)

    def forward(self, x: Tensor) -> Tensor:
        x = _relu(self.norm1(x))
        residual = self.conv2(_relu(self.norm2(self.conv1(x))))
        return residual + self.shortcut_norm(self.shortcut(x))  # type: ignore[no-any-return]
