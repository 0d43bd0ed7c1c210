"""The measured order of blocks on nonlinear problems is the proved one: over an interval, and in a step of every file.

Double precision ends before the leading error of some methods shows; for those the slope may lie up to two above the
order.  `test_tableaus.py` measures all of them in 120 digits, `test_blocks_agreement.py` ties the blocks to that.
"""

import math
from fractions import Fraction

import pytest
import torch
from blocks_common import DOUBLE
from torch import Tensor, nn

from rkblocks import blocks, files, verify
from rkblocks.program.lower import admit

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


#: Methods whose coefficient of h^(p+1) is so small that h^(p+2) outweighs it as long as the error is above rounding.
FLAT = {"tanaka7", "dverk78", "enrightverner87", "tsitouras98", "verner65_efficient", "verner76_efficient"}


class Scaled(nn.Module):
    """h times a polynomial field on R^3 without symmetries, so that a step of size 1 is one of size h."""

    h = 1.0

    def forward(self, x: Tensor) -> Tensor:
        a, b, c = x.unbind(-1)
        return self.h * torch.stack((b * c - a * a * b, a - a * c, a * b * b - c), dim=-1)


POINTS = 2 * torch.rand(64, 3, dtype=DOUBLE, generator=torch.Generator().manual_seed(0)) - 1


def after(block: blocks.RKBlock, h: float, steps: int = 1) -> Tensor:
    """All points after time h."""
    block.residual.h = h / steps
    x = POINTS
    with torch.no_grad():
        for _ in range(steps):
            x = block(x)
    return x


@pytest.fixture(scope="module")
def flow() -> dict[float, Tensor]:
    """The points after times 1, 1/2, 1/4, ..., in 16 steps of order eight."""
    block = blocks.build("dopri87", Scaled())
    return {h: after(block, h, 16) for h in (2.0**-k for k in range(10))}


@pytest.mark.parametrize("name", [entry.name for entry in files.catalog()])
def test_one_step_errs_as_the_proved_order_says(name: str, flow: dict[float, Tensor]) -> None:
    """The error of one step falls like h^(p+1), down to rounding or the tolerance of the table."""
    tableau = files.load(name)
    order = admit(tableau).report.order.value
    block = blocks.build(tableau, Scaled(), dtype=DOUBLE)
    floor = max(2e-14, 100 * float(tableau.tolerance))
    errors = []
    for h, exact in flow.items():
        error = float((after(block, h) - exact).square().mean().sqrt())
        if error < floor:
            break
        errors.append(error)
    slope = math.log2(errors[-2] / errors[-1]) - 1
    assert order - 0.7 < slope < order + (2 if name in FLAT else 0.7)
