"""Initial weights: "he" (default) and "paper", as the published code of Kim et al. (2020) sets them.

Both draw from one generator in the order of the modules, so that a seed fixes the network on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

SCHEMES = ("he", "paper")

Initializer = Callable[[nn.Module], None]


def initializer(scheme: str, slope_factor: int, uniform_norm: bool, generator: torch.Generator | None) -> Initializer:
    """A function that initialises a module in place; `slope_factor` and `uniform_norm` as in `published`."""

    def apply(module: nn.Module) -> None:
        if scheme == "he":
            he(module, generator)
        else:
            published(module, generator, math.sqrt(5) * slope_factor, uniform_norm)

    return apply


def he(module: nn.Module, generator: torch.Generator | None) -> None:
    """Convolutions normal with variance 2 / fan-out (He et al. 2015) and zero bias; linear layers as in torch."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu", generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear):
            _uniform(layer, math.sqrt(5), generator)


def published(module: nn.Module, generator: torch.Generator | None, slope: float, uniform_norm: bool) -> None:
    """Kaiming-uniform weights with negative slope `slope`, biases uniform in +-1/sqrt(fan-in).

    The CIFAR-10 code passes slope = sqrt(5) * N for N blocks a group, which at N = 6 leaves convolutions about 13 times
    below He's scaling, and draws the weights of batch normalisation from (0, 1) (`uniform_norm`). The MNIST code keeps
    torch's defaults: slope sqrt(5), unit weights.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            _uniform(layer, slope, generator)
        elif isinstance(layer, nn.BatchNorm2d) and uniform_norm:
            nn.init.uniform_(layer.weight, generator=generator)


def _uniform(layer: nn.Conv2d | nn.Linear, slope: float, generator: torch.Generator | None) -> None:
    nn.init.kaiming_uniform_(layer.weight, a=slope, generator=generator)
    if layer.bias is not None:
        bound = 1 / math.sqrt(layer.weight[0].numel())
        nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
