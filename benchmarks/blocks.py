"""Forward and backward of a block against m calls of F alone: ratios taken in one process, interleaved.

    python benchmarks/blocks.py [--schemes ssp2,ssp3,ark] [--rounds 15] [--batch 16] [--compiled] [--channels-last]
    python benchmarks/blocks.py --memory        the memory modes, against the block that saves everything

One thread, CPU time; on a CUDA device, events.  Every round times each contender once, in a shuffled order, and divides
by the floor of the same round, so that a slow second of a shared machine hits both.  Shown: median (first and third
quartile).

The floor is F(F(...F(x))), m times, with the gradients by x and by the weights, which is the least that any
implementation of the step has to compute.  `ark, published` is eq. (13) to (15) of Kim et al. 2020 with three calls.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from rkblocks import blocks
from rkblocks.nets.residual import PreActivation

SHAPES = ((16, 32, 32), (32, 16, 16), (64, 8, 8))


class Repeated(nn.Module):
    """F applied m times: the floor."""

    def __init__(self, residual: nn.Module, times: int) -> None:
        super().__init__()
        self.residual, self.times = residual, times

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.times):
            x = self.residual(x)
        return x


class PublishedArk(nn.Module):
    """ArkBlock as the formulas of the paper read: F is evaluated at x in both rows."""

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
        return (1 - a21) * x + b20 * self.residual(x) + a21 * u1 + b21 * self.residual(u1)


def timer(device: str) -> Callable[[Callable[[], None]], float]:
    """Seconds that a call takes: of the CPU's time, or between two events of the device."""

    def on_cpu(run: Callable[[], None]) -> float:
        start = time.process_time()
        run()
        return time.process_time() - start

    def on_cuda(run: Callable[[], None]) -> float:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        return start.elapsed_time(end) / 1000

    return on_cuda if device == "cuda" else on_cpu


def step(module: nn.Module, x: Tensor, gradient: Tensor) -> Callable[[], None]:
    """One forward and backward pass."""

    def run() -> None:
        for parameter in module.parameters():
            parameter.grad = None
        x.grad = None
        module(x).backward(gradient)

    return run


def compare(runs: dict[str, Callable[[], None]], floor: str, rounds: int, seconds: Callable) -> dict[str, list[float]]:
    """The ratios to the floor, round by round."""
    for run in runs.values():
        for _ in range(3):
            run()
    ratios: dict[str, list[float]] = {name: [] for name in runs if name != floor}
    order = list(runs)
    for _ in range(rounds):
        random.shuffle(order)
        found = {name: seconds(runs[name]) for name in order}
        for name in ratios:
            ratios[name].append(found[name] / found[floor])
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schemes", default="euler,midpoint,ssp2,ssp3,ark,rk4")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--compiled", action="store_true", help="also torch.compile(fullgraph=True) of every block")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--memory", action="store_true", help="the memory modes against the block without one")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    seconds = timer(options.device)
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    rows = []
    for channels, height, width in SHAPES:
        x = torch.randn(options.batch, channels, height, width, device=options.device)
        x = x.to(memory_format=layout).requires_grad_()
        gradient = torch.randn_like(x)
        for scheme in options.schemes.split(","):
            block = blocks.build(scheme, PreActivation(channels)).to(options.device, memory_format=layout)
            floor = Repeated(PreActivation(channels), block.program.calls).to(options.device, memory_format=layout)
            modules: dict[str, nn.Module] = {"floor": floor, scheme: block}
            if options.memory:
                modules = {"floor": block} | {
                    f"{scheme}, {memory}": blocks.build(scheme, PreActivation(channels), memory=memory).to(
                        options.device, memory_format=layout
                    )
                    for memory in ("norm", "stage")
                }
            elif scheme == "ark":
                published = PublishedArk(PreActivation(channels))
                modules["ark, published"] = published.to(options.device, memory_format=layout)
            if options.compiled and not options.memory:
                modules[f"{scheme}, compiled"] = torch.compile(block, fullgraph=True)
            runs = {name: step(module, x, gradient) for name, module in modules.items()}
            for name, ratios in compare(runs, "floor", options.rounds, seconds).items():
                low, middle, high = statistics.quantiles(ratios, n=4)
                row = {"shape": f"{channels}x{height}x{width}", "block": name, "calls": block.program.calls}
                rows.append(row | {"median": middle, "quartiles": [low, high]})
                unit = "full" if options.memory else f"{row['calls']} F"
                if not options.json:
                    line = f"{row['shape']:>9}  {name:<18} {middle:6.3f}  ({low:.3f}, {high:.3f})  of {unit}"
                    print(line, flush=True)
    if options.json:
        print(json.dumps({"version": 1, "torch": torch.__version__, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
