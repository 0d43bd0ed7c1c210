"""Forward and backward of a block against m calls of F alone: ratios taken in one process, interleaved.

    python benchmarks/blocks.py [--schemes ssp2,ssp3,ark] [--shapes 16x32x32] [--rounds 15] [--compiled]
    python benchmarks/blocks.py --memory        the memory modes, against the block that saves everything

One thread, CPU time; on a CUDA device, events.  Every round times each contender once, in a shuffled order, and divides
by the floor of the same round, so that a slow second of a shared machine hits both.  Shown: median (first and third
quartile).

The floor is F(F(...F(x))), m times, with the gradients by x and by the weights, which is the least that any
implementation of the step has to compute.  `ark, published` is eq. (13) to (15) of Kim et al. 2020 with three calls;
lines that end in "of published" are divided by its time in the same round instead.

glibc hands freed memory back to the system and takes the page faults again at every step, more or less of them by the
order of allocations, which scatters ratios by 20 %.  So it is told to keep what is freed, for all contenders alike
(--system-malloc leaves it alone).
"""

from __future__ import annotations

import argparse
import ctypes
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from rkblocks import blocks
from rkblocks.nets.residual import PreActivation

SHAPES = "16x32x32,32x16x16,64x8x8"
PUBLISHED = "ark, published"


def keep_freed_memory() -> bool:
    """Whether the C library could be told to keep freed memory: glibc's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(-1, 2**31 - 1)) and bool(mallopt(-3, 2**25))


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


def contenders(options: argparse.Namespace, scheme: str, channels: int) -> tuple[dict[str, nn.Module], str]:
    """The modules to compare, first the floor, and what the floor is called."""
    layout = torch.channels_last if options.channels_last else torch.contiguous_format

    def placed(module: nn.Module) -> nn.Module:
        return module.to(options.device, memory_format=layout)

    block = blocks.build(scheme, PreActivation(channels))
    modules: dict[str, nn.Module] = {}
    if options.memory:
        modules["floor"] = placed(block)
        for memory in ("norm", "stage"):
            modules[f"{scheme}, {memory}"] = placed(blocks.build(scheme, PreActivation(channels), memory=memory))
        return modules, "full"
    modules["floor"] = placed(Repeated(PreActivation(channels), block.program.calls))
    modules[scheme] = placed(block)
    if scheme == "ark":
        modules[PUBLISHED] = placed(PublishedArk(PreActivation(channels)))
    if options.compiled:
        modules["floor, compiled"] = torch.compile(modules["floor"], fullgraph=True)
        modules[f"{scheme}, compiled"] = torch.compile(modules[scheme], fullgraph=True)
    return modules, f"{block.program.calls} F"


def rows(options: argparse.Namespace, shape: str, scheme: str) -> Iterator[dict[str, Any]]:
    """The figures of one scheme at one shape."""
    modules, unit = contenders(options, scheme, int(shape.split("x")[0]))
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    x = torch.randn(options.batch, *map(int, shape.split("x")), device=options.device)
    x = x.to(memory_format=layout).requires_grad_()
    gradient = torch.randn_like(x)
    runs = {name: step(module, x, gradient) for name, module in modules.items()}
    found = compare(runs, "floor", options.rounds, timer(options.device))
    figures = [(name, unit, ratios) for name, ratios in found.items()]
    if PUBLISHED in found:
        against = found[PUBLISHED]
        figures += [
            (name, "published", [a / b for a, b in zip(ratios, against, strict=True)])
            for name, ratios in found.items()
            if name.startswith("ark") and name != PUBLISHED
        ]
    for name, of, ratios in figures:
        low, middle, high = statistics.quantiles(ratios, n=4)
        yield {"shape": shape, "block": name, "of": of, "median": middle, "quartiles": [low, high]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--schemes", default="euler,midpoint,ssp2,ssp3,ark,rk4")
    parser.add_argument("--shapes", default=SHAPES, help="channels x height x width, several with commas")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--compiled", action="store_true", help="also torch.compile(fullgraph=True) of block and floor")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--memory", action="store_true", help="the memory modes against the block without one")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--system-malloc", action="store_true", help="leave the allocator of the C library as it is")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    kept = not options.system_malloc and keep_freed_memory()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if not options.json:
        layout = "channels last" if options.channels_last else "contiguous"
        memory = "kept" if kept else "as the C library does"
        print(
            f"torch {torch.__version__}, {options.device}, batch {options.batch}, {layout}, {options.rounds} rounds, ",
            end="",
        )
        print(f"freed memory {memory}")
    found = []
    for shape in options.shapes.split(","):
        for scheme in options.schemes.split(","):
            for row in rows(options, shape, scheme):
                found.append(row)
                low, high = row["quartiles"]
                if not options.json:
                    figures = f"{row['median']:6.3f}  ({low:.3f}, {high:.3f})"
                    print(f"{shape:>9}  {row['block']:<18} {figures}  of {row['of']}", flush=True)
    if options.json:
        print(json.dumps({"version": 1, "torch": torch.__version__, "kept": kept, "rows": found}, indent=1))


if __name__ == "__main__":
    main()
