"""What the blocks are measured against: F alone, plain residual blocks, bare convolutions, the published ArkBlock."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rkblocks.nets.residual import PreActivation


class Repeated(nn.Module):
    """F applied m times: the floor, below which no implementation of m calls can go."""

    def __init__(self, residual: nn.Module, times: int) -> None:
        super().__init__()
        self.residual, self.times = residual, times

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.times):
            x = self.residual(x)
        return x


class ResBlocks(Repeated):
    """x + F(x), m times: a plain ResNet with as many calls, weights shared."""

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.times):
            x = x + self.residual(x)
        return x


class Convolutions(Repeated):
    """The convolutions of F alone, m times: what a compiler that fuses all the rest away would be left with."""

    residual: PreActivation

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.times):
            x = self.residual.conv2(self.residual.conv1(x))
        return x


class PublishedArk(nn.Module):
    """ArkBlock as the formulas of the paper read (Kim et al. 2020, eq. 13 to 15): F is evaluated at x in both rows."""

    def __init__(self, residual: nn.Module) -> None:
        super().__init__()
        self.residual = residual
        self.a21 = nn.Parameter(torch.tensor(0.25), requires_grad=False)
        self.b10 = nn.Parameter(torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        a21, b10 = torch.sigmoid(self.a21), torch.sigmoid(self.b10)
        u1 = x + b10 * self.residual(x)
        b21 = 1 / (2 * b10)
        b20 = 1 - b21 - a21 * b10
        result: Tensor = (1 - a21) * x + b20 * self.residual(x) + a21 * u1 + b21 * self.residual(u1)
        return result


class Torchdiffeq(nn.Module):
    """One step of torchdiffeq's fixed-grid solver around F."""

    def __init__(self, residual: nn.Module, method: str) -> None:
        super().__init__()
        from torchdiffeq import odeint

        self.residual, self.method, self.solve = residual, method, odeint
        self.register_buffer("times", torch.tensor([0.0, 1.0]))

    def forward(self, x: Tensor) -> Tensor:
        solved: Tensor = self.solve(lambda t, y: self.residual(y), x, self.times, method=self.method)[-1]
        return solved


def step(module: nn.Module, x: Tensor, gradient: Tensor) -> Callable[[], None]:
    """One forward and backward pass, with the gradients by x and by the weights."""

    def run() -> None:
        for parameter in module.parameters():
            parameter.grad = None
        x.grad = None
        module(x).backward(gradient)

    return run
