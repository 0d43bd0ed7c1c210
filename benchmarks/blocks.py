"""Blocks at the floor of cost: calls of F, time, saved memory, against F alone, the published ArkBlock, torchdiffeq.

    python benchmarks/blocks.py [--rounds 15] [--batch 16] [--shapes 16x32x32,32x16x16,64x8x8] [--strict]
    python benchmarks/blocks.py --parts eager,saved        some parts: calls, eager, compiled, saved, torchdiffeq, start

One thread, CPU time; on a CUDA device, events.  Every round times each contender once, in a shuffled order, and divides
by the base of the same round, so that a slow second of a shared machine hits both.  Shown: median (quartiles).

`m F` is F(F(...F(x))), m times, with the gradients by x and by the weights: the least that any implementation of the
step has to compute, since a step also has to add.  `m ResBlocks` adds no more than x + F(x), m times; `convolutions
alone` is what is left of F for a compiler that fuses everything else away.  `published` is ArkBlock with three calls.
glibc is told to keep freed memory, for all contenders alike (--system-malloc leaves it alone).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any, cast

import torch
from contenders import Convolutions, PublishedArk, Repeated, ResBlocks, Torchdiffeq, step
from live import saved_units
from timing import Row, in_turn, keep_freed_memory, ratios, report, row, timer
from torch import nn

from rkblocks import blocks
from rkblocks.nets.residual import PreActivation

SHAPES = "16x32x32,32x16x16,64x8x8"
EAGER, COMPILED, SAVED = 1.05, 0.75, {"full": 4, "norm": 2}
ARK_EAGER, ARK_COMPILED, NORM_TIME, START = 0.70, 0.45, 1.2, 1.2
RIVALS = {"midpoint": "midpoint", "rk4": "rk4"}  # torchdiffeq's rk4 is the 3/8 rule: four calls as well

PLAIN = """
import torch
from torch import nn
class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(c), nn.Conv2d(c, c, 3, padding=1)
        self.norm2, self.conv2 = nn.BatchNorm2d(c), nn.Conv2d(c, c, 3, padding=1)
class Transition(nn.Module):
    def __init__(self, c, d):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(c), nn.Conv2d(c, d, 3, stride=2, padding=1)
        self.norm2, self.conv2 = nn.BatchNorm2d(d), nn.Conv2d(d, d, 3, padding=1)
        self.shortcut, self.norm3 = nn.Conv2d(c, d, 1, stride=2), nn.BatchNorm2d(d)
groups = [nn.Sequential(*(Block(width) for _ in range(10))) for width in (16, 32, 64)]
between = [Transition(16, 32), Transition(32, 64)]
net = nn.ModuleList([nn.Conv2d(3, 16, 3, padding=1), *groups, *between, nn.Linear(64, 10)])
for layer in net.modules():
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(layer.bias)
"""


def calls(options: argparse.Namespace) -> Iterator[Row]:
    """How often a forward pass calls F, counted, against the stages that the method needs."""
    from rkblocks.program.driver import needed_calls

    for scheme in ("euler", "midpoint", "ssp2", "ssp3", "ark", "rk4", "ssprk43", "ssprk104", "dopri5"):
        block = blocks.build(scheme, PreActivation(4))
        found: list[int] = []
        block.residual.register_forward_hook(lambda *_, found=found: found.append(1))
        block(torch.randn(2, 4, 5, 5))
        count = float(len(found))
        yield Row(f"calls of F, {scheme}", count, count, count, "", float(needed_calls(block.tableau)))


def compiled_module(module: nn.Module, *, fullgraph: bool = False) -> nn.Module:
    """torch.compile of a module is a module, which its annotation does not say."""
    done: Any = torch.compile(module, fullgraph=fullgraph)
    return cast(nn.Module, done)


def contenders(scheme: str, channels: int, *, compiled: bool) -> dict[str, nn.Module]:
    """The modules to compare, by name; `m F` is the base."""
    block = blocks.build(scheme, PreActivation(channels))
    m = block.program.calls
    modules: dict[str, nn.Module] = {"m F": Repeated(PreActivation(channels), m), "block": block}
    if scheme == "ark":
        modules["published"] = PublishedArk(PreActivation(channels))
    if not compiled:
        modules["m ResBlocks"] = ResBlocks(PreActivation(channels), m)
        return modules
    kept: dict[str, nn.Module] = {name: modules[name] for name in ("m F", "published") if name in modules}
    fused: dict[str, nn.Module] = {"m F": Repeated(PreActivation(channels), m), "block": block}
    kept |= {f"{name}, compiled": compiled_module(module, fullgraph=True) for name, module in fused.items()}
    return kept | {"convolutions alone": Convolutions(PreActivation(channels), m)}


def measured(
    options: argparse.Namespace, shape: str, modules: dict[str, nn.Module], rounds: int
) -> dict[str, list[float]]:
    """Seconds of a forward and backward pass of each module, round by round."""
    layout: torch.memory_format = torch.channels_last if options.channels_last else torch.contiguous_format
    size = tuple(map(int, shape.split("x")))
    x = torch.randn(options.batch, *size, device=options.device).to(memory_format=layout).requires_grad_()
    gradient = torch.randn_like(x)
    placed = {
        name: module.to(torch.device(options.device)).to(memory_format=layout) for name, module in modules.items()
    }
    runs = {name: step(module, x, gradient) for name, module in placed.items()}
    return in_turn(runs, rounds, timer(options.device))


def eager(options: argparse.Namespace, *, compiled: bool = False) -> Iterator[Row]:
    """Blocks as they run without a compiler (or with one), against m calls of F and against the published ark."""
    floors = (COMPILED, ARK_COMPILED) if compiled else (EAGER, ARK_EAGER)
    schemes = options.compiled_schemes if compiled else options.schemes
    for shape in options.shapes.split(","):
        for scheme in schemes.split(","):
            modules = contenders(scheme, int(shape.split("x")[0]), compiled=compiled)
            seconds = measured(options, shape, modules, options.rounds)
            base = seconds.pop("m F")
            subject = "block, compiled" if compiled else "block"
            for name, values in seconds.items():
                title = f"{shape} {scheme}" if name == subject else f"{shape} {scheme}: {name}"
                floor = floors[0] if name == subject and scheme != "ark" else None
                yield row(title, ratios(values, base), "of m F", floor)
            if scheme == "ark":
                against = ratios(seconds[subject], seconds["published"])
                yield row(f"{shape} ark", against, "of publ.", floors[1])


def compiled(options: argparse.Namespace) -> Iterator[Row]:
    """As `eager`, by torch.compile(fullgraph=True)."""
    yield from eager(options, compiled=True)


def saved(options: argparse.Namespace) -> Iterator[Row]:
    """Saved activations of the memory modes, and the time they cost."""
    for scheme in ("ssp2", "ssp3", "ark"):
        for mode, units in SAVED.items():
            block = blocks.build(scheme, PreActivation(16), memory=mode)
            count = saved_units(block, torch.randn(4, 16, 16, 16, requires_grad=True))
            yield Row(f"saved by {scheme}, {mode}", count, count, count, "inputs", units * float(block.program.calls))
    for shape in options.shapes.split(","):
        channels = int(shape.split("x")[0])
        modes = {mode: blocks.build("ssp3", PreActivation(channels), memory=mode) for mode in ("full", "norm", "stage")}
        seconds = measured(options, shape, dict(modes), options.rounds)
        for mode in ("norm", "stage"):
            floor = NORM_TIME if mode == "norm" else None
            yield row(f"{shape} ssp3, {mode}", ratios(seconds[mode], seconds["full"]), "of full", floor)


def torchdiffeq(options: argparse.Namespace) -> Iterator[Row]:
    """Against torchdiffeq's fixed-grid solvers around the same F; torch.compile without fullgraph, which they need."""
    if find_spec("torchdiffeq") is None:
        print("  torchdiffeq is not installed: pip install torchdiffeq", file=sys.stderr)
        return
    for shape in options.shapes.split(","):
        for scheme, method in RIVALS.items():
            channels = int(shape.split("x")[0])
            modules: dict[str, nn.Module] = {
                "block": blocks.build(scheme, PreActivation(channels)),
                "torchdiffeq": Torchdiffeq(PreActivation(channels), method),
            }
            modules |= {f"{name}, compiled": compiled_module(module) for name, module in modules.items()}
            seconds = measured(options, shape, modules, options.rounds)
            for suffix in ("", ", compiled"):
                values = ratios(seconds[f"block{suffix}"], seconds[f"torchdiffeq{suffix}"])
                yield row(f"{shape} {scheme}{suffix}", values, "of torchd.", 1.0)


def start(options: argparse.Namespace) -> Iterator[Row]:
    """Import and build of the N = 10 network in a process of its own, against a plain ResNet of the same layers."""
    ours = "import rkblocks; rkblocks.nets.grouped('ssp3', depth=10)"
    codes = {"plain": PLAIN, "ours": ours, "ours, torch imported before": f"import torch; {ours}"}

    def cpu(code: str) -> float:
        code += "\nimport time; print(time.process_time())"
        return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)

    runs = {name: (lambda code=code: cpu(code)) for name, code in codes.items()}
    seconds = in_turn(runs, options.rounds, lambda run: float(run()), warm_up=1)  # type: ignore[arg-type]
    base = seconds.pop("plain")
    for name, values in seconds.items():
        floor = START if name == "ours" else None
        yield row(f"import and build, N = 10: {name}", ratios(values, base), "of plain", floor)


PARTS = {p.__name__: p for p in (calls, eager, compiled, saved, torchdiffeq, start)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--schemes", default="midpoint,ssp2,ssp3,rk4,ark")
    parser.add_argument("--compiled-schemes", default="ssp3,ark", help="compiling takes half a minute for each")
    parser.add_argument("--shapes", default=SHAPES, help="channels x height x width, several with commas")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--system-malloc", action="store_true", help="leave the allocator of the C library as it is")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--strict", action="store_true", help="exit status 1 where a floor is missed")
    options = parser.parse_args()
    unknown = set(options.parts.split(",")) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; parts: {', '.join(PARTS)}")
    kept = not options.system_malloc and keep_freed_memory()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    settings: dict[str, Any] = {
        "torch": torch.__version__,
        "device": options.device,
        "batch": options.batch,
        "layout": "channels last" if options.channels_last else "contiguous",
        "rounds": options.rounds,
        "freed memory": "kept" if kept else "as the C library does",
    }
    return report(PARTS, options, settings)


if __name__ == "__main__":
    sys.exit(main())
