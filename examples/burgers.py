"""A shock in Burgers' equation, stepped by blocks: Euler, midpoint and SSP3 at the same CFL number.

    python examples/burgers.py              seconds; writes burgers.png and burgers.svg
    python examples/burgers.py --tiny       on 40 cells

u_t + (u^2/2)_x = 0 on a circle from 1 + sin(2 pi x); a shock forms at t = 1/(2 pi) and travels at speed 1.  In space:
second order, slopes limited by minmod, values taken from the upwind side.  Values at neighbouring edges differ by at
most 3/2 of what the cells do, so that the Euler step does not let the total variation grow for dt <= dt_FE =
(2/3) dx / max u (Harten 1983); an SSP scheme keeps that for dt <= C dt_FE.  Beyond, nothing is promised, and the figure
shows what happens.  After Figure 1 of Kim et al. 2020, whose text does not say how it discretises space.
"""

from __future__ import annotations

import argparse
import math
import sys
from fractions import Fraction
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

import rkblocks
from rkblocks import RkblocksError
from rkblocks.figures import style

FIGURE = ("euler", "midpoint", "ssp3")
FLOOR = 1e-16


#: The largest CFL number dt max(u) / dx at which the Euler step does not let the total variation grow, by slopes.
EULER_LIMIT: Final = {"upwind": Fraction(1), "minmod": Fraction(2, 3)}


class Burgers(nn.Module):
    """F(u) = -(u^2/2)_x on a periodic grid, for u >= 0.

    Shape: [..., cells] to the same, over x = (i + 1/2) dx.
    """

    def __init__(self, dx: float, slopes: str = "minmod") -> None:
        super().__init__()
        self.dx, self.slopes = dx, slopes

    def forward(self, u: Tensor) -> Tensor:
        edge = u if self.slopes == "upwind" else u + minmod(u - u.roll(1, -1), u.roll(-1, -1) - u) / 2
        flux = edge * edge / 2
        return (flux.roll(1, -1) - flux) / self.dx


def minmod(a: Tensor, b: Tensor) -> Tensor:
    """The smaller of two slopes of one sign, 0 where their signs differ."""
    return torch.where(a * b > 0, torch.where(a.abs() < b.abs(), a, b), 0.0)


def total_variation(u: Tensor) -> Tensor:
    """Sum of |u_i - u_{i-1}| around the circle, over the last dimension."""
    return (u - u.roll(1, -1)).abs().sum(-1)


def start(cells: int) -> Tensor:
    """Cell centres of 1 + sin(2 pi x), in [0, 2]."""
    x = (torch.arange(cells, dtype=torch.float64) + 0.5) / cells
    return 1 + torch.sin(2 * math.pi * x)


def exact(x: Tensor, t: float) -> Tensor:
    """The entropy solution at time t: characteristics of sin(2 pi x) in the frame of the shock, which sits at 1/2."""
    y = (x - t) % 1.0
    half = torch.minimum(y, 1 - y)
    foot = torch.linspace(0, 0.5, 20001, dtype=torch.float64)
    reached = foot + t * torch.sin(2 * math.pi * foot)
    until = int(reached.argmax()) + 1  # what comes after has run into the shock
    reached, foot = reached[:until], foot[:until]
    i = torch.searchsorted(reached, half).clamp(1, until - 1)
    share = (half - reached[i - 1]) / (reached[i] - reached[i - 1])
    speed = torch.sin(2 * math.pi * (foot[i - 1] + share * (foot[i] - foot[i - 1])))
    return 1 + torch.where(y <= 0.5, speed, -speed)


def solve(scheme: str, cells: int, cfl: float, end: float) -> tuple[Tensor, float]:
    """The solution at the end, and the largest growth of total variation in one step."""
    u = start(cells)
    steps = math.ceil(end * 2 * cells / cfl)
    block = rkblocks.build(scheme, Burgers(1 / cells), dt=Fraction(end) / steps)
    growth = -math.inf
    with torch.no_grad():
        for _ in range(steps):
            after = block(u)
            growth = max(growth, float(total_variation(after) - total_variation(u)))
            u = after
            if not torch.isfinite(u).all():
                return u, math.inf
    return u, growth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=100)
    parser.add_argument("--cfl", type=float, default=0.9, help="dt max(u) / dx (default: %(default)s)")
    parser.add_argument("--end", type=float, default=0.4, help="time of the figure (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("."), help="folder of the figure (default: %(default)s)")
    parser.add_argument("--tiny", action="store_true", help="the smallest settings that run everything")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.tiny:
        options.cells = 40
    sweep = [0.6 + 0.05 * i for i in range(0, 13, 4 if options.tiny else 1)]
    limit = float(EULER_LIMIT["minmod"])

    x = (torch.arange(options.cells, dtype=torch.float64) + 0.5) / options.cells
    fine = torch.linspace(0, 1, 1001, dtype=torch.float64)
    figure, axes = style.new(2, 2, width=2.7, height=2.6)
    *panels, last = [axis for row in axes for axis in row]
    print(f"{'scheme':<10}{'C':<6}{'no growth up to CFL':<22}{f'at CFL {options.cfl:g}: growth':<24}mean error")
    for number, scheme in enumerate(FIGURE):
        coefficient = rkblocks.check(scheme).to_dict()["ssp"]["optimal"]["cfl_float"]
        u, growth = solve(scheme, options.cells, options.cfl, options.end)
        error = float((u - exact(x, options.end)).abs().mean())
        promised = f"{coefficient * limit:.3g}" if coefficient else "nothing promised"
        print(f"{scheme:<10}{coefficient:<6g}{promised:<22}{growth:<24.1e}{error:.4f}")
        panel = panels[number]
        panel.plot(fine, exact(fine, options.end), color="0.6", linewidth=1.2, label="exact")
        panel.plot(x, u, color=style.COLOURS[number], marker=".", markersize=3, linewidth=0.8, label=scheme)
        panel.set(title=f"{scheme}, CFL {options.cfl:g}", xlabel="x", ylabel="u", ylim=(-0.4, 3.2))
        grown = [max(solve(scheme, options.cells, cfl, options.end)[1], FLOOR) for cfl in sweep]
        last.semilogy(sweep, [min(g, 10.0) for g in grown], label=scheme, **style.look(number))
    last.axvline(limit, color="0.6", linestyle="--", linewidth=1)
    last.annotate("Euler's limit", (limit, 1e-9), rotation=90, ha="right", va="center", fontsize=8, color="0.4")
    last.set(title="TV in one step", xlabel="CFL", ylabel="largest growth (10: blew up)", ylim=(FLOOR / 3, 30))
    style.legend_below(figure)
    for path in style.save(figure, options.out / "burgers"):
        print(f"wrote {path}")


if __name__ == "__main__":
    try:
        main()
    except RkblocksError as error:
        sys.exit(str(error))
