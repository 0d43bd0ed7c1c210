"""The measured order of blocks on a nonlinear problem is the proved one, neither less nor more."""

import math
from fractions import Fraction

import pytest
import torch
from blocks_common import DOUBLE
from torch import Tensor, nn

from rkblocks import blocks, files, verify

SCHEMES = ["euler", "midpoint", "ssp2", "ark", "ssp3", "kutta3", "heun3", "rk4", "ssprk104", "dopri5", "linssp44"]


class Oscillator(nn.Module):
    """A nonlinear, non-autonomous pair whose solution is smooth and has no symmetry that hides an order."""

    def forward(self, x: Tensor, t: float | Tensor) -> Tensor:
        u, v = x.unbind(-1)
        s = math.sin(t)
        return torch.stack((v * u + s, -u * u + 0.5 * v * s + 0.3 * u), dim=-1)


def end(name: str, steps: int) -> Tensor:
    block = blocks.build(name, Oscillator(), dt=Fraction(1, steps), time=True).double()
    x = torch.tensor([0.7, -0.4], dtype=DOUBLE)
    with torch.no_grad():
        for i in range(steps):
            x = block(x, i / steps)
    return x


@pytest.fixture(scope="module")
def solution() -> Tensor:
    return end("dopri87", 64)


@pytest.mark.parametrize("name", SCHEMES)
def test_slope(name: str, solution: Tensor) -> None:
    order = verify.check(files.load(name)).order.value
    coarse, fine = (float((end(name, n) - solution).norm()) for n in (24, 48))
    assert math.log2(coarse / fine) == pytest.approx(order, abs=0.3)
