"""Training steps and loading against the way the published loop works (published_loop.py): ratios in one process.

    python benchmarks/training.py [--rounds 7] [--batch 128] [--depth 6] [--strict]
    python benchmarks/training.py --parts loader,noise     of loader, adversarial, noise, memory, together, profile
    python benchmarks/training.py --quick             tiny sizes, to see that it runs; the figures mean nothing
    python benchmarks/training.py --device cuda       the same rows on a GPU; ours also under torch.compile

One thread, CPU time; on a CUDA device, events.  Every round runs each contender once, in a shuffled order, and divides
the published loop's seconds by ours of the same round.  Shown: median (quartiles).  A step loads its batch, makes the
examples and moves the weights.  Ours is the preset (cifar10-paper, mnist-paper) as it is, at the batch and depth given;
the published one attacks in train mode and shares running statistics, which is another protocol, at the cost that the
paper's numbers had.  tests/test_benchmarks.py shows that under equal protocols both make the same step.

Images are random bytes unless --data-root has the data sets: no contender's time depends on them.  glibc is told to
keep freed memory, for both contenders alike (--system-malloc leaves it alone); the memory part never does that.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import published_loop as published
import torch
from live import Live
from timing import Row, in_turn, keep_freed_memory, ratios, report, row, timer
from torch import Tensor, nn

from rkblocks import data, training
from rkblocks.attacks import frozen
from rkblocks.data.split import Split, unit
from rkblocks.files.group_schemes import schemes
from rkblocks.nets.folded import folded
from rkblocks.runs import network as networks
from rkblocks.training.examples import training_threat
from rkblocks.training.optimizers import optimizer as our_optimizer
from rkblocks.training.seeds import epoch_streams
from rkblocks.training.step import training_step

LOADER, NOISE, MEMORY, NORM_MEMORY, CUDA, TOGETHER = 8.0, 1.4, 1.0, 0.6, 4.0, 2.0
ADVERSARIAL = {"euler": 1.8, "ssp3": 1.8, "ark,euler,ssp2": 2.2}
MEAN, STD = [0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]
KINDS = {  # operations by what they are for, in the table of the profile
    "convolutions, forward": ("aten::mkldnn_convolution", "aten::cudnn_convolution"),
    "convolutions, backward": ("aten::convolution_backward",),
    "batch norm": ("aten::native_batch_norm", "aten::native_batch_norm_backward", "aten::addcmul"),
    "ReLU": ("aten::clamp_min", "aten::clamp_min_", "aten::threshold_backward"),
    "sums of stages and scalings": ("aten::add", "aten::add_", "aten::mul", "aten::mul_", "aten::lerp", "aten::sub"),
}


@dataclass
class Pair:
    """The two contenders: networks that start with the same weights, and a step of each, its batch loaded."""

    theirs: published.Net
    ours: nn.Module
    their_step: Callable[[], object]
    our_step: Callable[[], object]
    config: training.Config
    x: Tensor  # one of our batches


def images(options: argparse.Namespace, name: str) -> Split:
    """The training images: those of --data-root, or random bytes of their shape."""
    if options.data_root:
        return data.load(name, options.data_root, validation=0.0).train
    shape = (1, 28, 28) if name == "mnist" else (3, 32, 32)
    count, generator = max(2048, options.batch), torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (count, *shape), dtype=torch.uint8, generator=generator)
    return Split(pixels, torch.randint(10, (count,), generator=generator))


def our_batches(
    options: argparse.Namespace, split: Split, config: training.Config, layout: torch.memory_format
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end in the given memory format, as rkblocks.training.loop makes them."""
    device = torch.device(options.device)
    split, generator = split.to(device), torch.Generator(device).manual_seed(0)
    size = options.batch
    while True:
        order = torch.randperm(len(split)).to(device)
        for start in range(0, len(split) - size + 1, size):
            batch = split.take(order[start : start + size])
            moved = data.augment(batch.images, generator, padding=config.data.padding, flip=config.data.flip)
            yield unit(moved).contiguous(memory_format=layout), batch.labels


def pair(options: argparse.Namespace, preset: str, scheme: str, **settings: Any) -> Pair:
    """The contenders for a preset and scheme; `settings` are ours alone, as section__key=value."""
    overrides = {name.replace("__", "."): value for name, value in settings.items()}
    config = training.load(
        preset,
        {"net.blocks": scheme, "net.depth": options.depth, "training.device": options.device, "noise.copies": 1}
        | {"training.cuda_graph": options.cuda_graph}
        | ({"net.widths": [4, 6, 8] if "cifar" in preset else [8]} if options.quick else {})
        | overrides,
    )
    net, device = config.net, torch.device(options.device)
    tableaus = schemes(list(net.blocks), len(net.widths))
    grey = net.kind == "mnist"
    shape = (1, 28, 28) if grey else (3, 32, 32)
    mean, std = (None, None) if grey else (MEAN, STD)
    record = {"data": {"shape": shape, "classes": [*range(10)]}, "mean": mean, "std": std}
    ours = networks.build(config, tableaus, record, torch.Generator().manual_seed(0))
    if grey:
        theirs = published.mnist(scheme, net.depth, net.widths[0], net.norm)
    else:
        theirs = published.cifar([t.name for t in tableaus], net.depth, list(net.widths))
    published.same_weights(theirs, ours)
    theirs.to(device)
    layout = networks.memory_format(config, device, ours)
    ours.to(device).to(memory_format=layout)

    split = images(options, "mnist" if grey else "cifar10")
    mean, std = ([0.0], [1.0]) if grey else (MEAN, STD)
    their_batches = published.batches(published.Images(split.images, split.labels, mean, std, not grey), options.batch)
    batches = our_batches(options, split, config, layout)
    their_optimizer = (
        torch.optim.Adam(theirs.parameters(), lr=config.optimizer.lr)
        if config.optimizer.name == "adam"
        else torch.optim.SGD(
            theirs.parameters(), lr=config.optimizer.lr, momentum=0.9, nesterov=True, weight_decay=5e-4
        )
    )
    move = training_step(config, ours, our_optimizer(config.optimizer, ours), epoch_streams(0, 0, device), {})
    center, spread = (torch.tensor(values, device=device).view(1, -1, 1, 1) for values in (mean, std))
    threat, eps = training_threat(config), float(config.noise.eps)

    def their_step() -> Tensor:
        x, y = (t.to(device) for t in next(their_batches))
        if grey:
            return published.noise_step(theirs, their_optimizer, x, y, eps)
        return published.adversarial_step(theirs, their_optimizer, x, y, (center, spread), threat)

    return Pair(theirs, ours, their_step, lambda: move(*next(batches)), config, next(batches)[0])


def compared(options: argparse.Namespace, one: Pair) -> list[float]:
    """The published loop's seconds a step over ours, round by round."""
    warm_up = 3 if options.device == "cuda" else 1
    seconds = in_turn(
        {"theirs": one.their_step, "ours": one.our_step}, options.rounds, timer(options.device), warm_up=warm_up
    )
    return ratios(seconds["theirs"], seconds["ours"])


def faster(options: argparse.Namespace, what: str, preset: str, scheme: str, floor: float, **settings: Any) -> Row:
    found = compared(options, pair(options, preset, scheme, **settings))
    return row(what, found, "x faster", CUDA if options.device == "cuda" else floor, at_least=True)


def loader(options: argparse.Namespace) -> Iterator[Row]:
    """CIFAR-10 images a second, cropped, mirrored and as tensors, against PIL, torchvision and DataLoader."""
    one = pair(options, "cifar10-paper", "euler")
    split = images(options, "cifar10")
    theirs = published.batches(published.Images(split.images, split.labels, MEAN, STD, True), options.batch)
    layout = networks.memory_format(one.config, torch.device(options.device), one.ours)
    ours = our_batches(options, split, one.config, layout)
    number = 1 if options.quick else 4

    def several(batches: Iterator[object]) -> Callable[[], None]:
        def run() -> None:
            for _ in range(number):
                next(batches)

        return run

    seconds = in_turn({"theirs": several(theirs), "ours": several(ours)}, options.rounds, timer(options.device))
    for name, values in seconds.items():
        rates = [number * options.batch / value for value in values]
        yield row("PIL and DataLoader" if name == "theirs" else "whole batches", rates, "images/s")
    yield row("whole batches", ratios(seconds["theirs"], seconds["ours"]), "x faster", LOADER, at_least=True)


def adversarial(options: argparse.Namespace) -> Iterator[Row]:
    """A step of PGD-7 adversarial training on CIFAR-10."""
    for scheme, floor in ADVERSARIAL.items():
        yield faster(options, f"PGD-7 step, {scheme}, N = {options.depth}", "cifar10-paper", scheme, floor)
        if options.device == "cuda":
            what = f"PGD-7 step, {scheme}, N = {options.depth}, compiled"
            yield faster(options, what, "cifar10-paper", scheme, floor, training__compile=True)


def noise(options: argparse.Namespace) -> Iterator[Row]:
    """A step of training on MNIST with uniform noise, one copy; the published code has group norm."""
    for norm in ("batch", "group"):
        for scheme in ("euler", "ssp3", "ark_mnist"):
            what = f"noise step, {scheme}, {norm} norm"
            yield faster(options, what, "mnist-paper", scheme, NOISE, net__norm=norm)
            if options.device == "cuda":
                more = {"net__norm": norm, "training__compile": True}
                yield faster(options, f"{what}, compiled", "mnist-paper", scheme, NOISE, **more)


def memory(options: argparse.Namespace) -> Iterator[Row]:
    """Memory of a PGD-7 step: bytes kept for a backward pass, counted, and the growth of a process of its own."""
    for scheme in ADVERSARIAL:
        base, grown = None, None
        for mode in ("full", "norm"):
            one = pair(options, "cifar10-paper", scheme, net__memory=mode)
            base = base or kept(one.theirs, one.x)
            with frozen(seen := folded(one.ours)):
                attacked = kept(seen, one.x.clone().requires_grad_())
            found = max(attacked, kept(one.ours.train(), one.x)) / base
            floor = MEMORY if mode == "full" else NORM_MEMORY
            yield Row(f"kept, {scheme}, memory {mode}", found, found, found, "of publ.", floor)
            if options.device == "cpu" and sys.platform == "linux":
                grown = grown or peak(options, scheme, "published")
                found = peak(options, scheme, mode) / grown
                yield Row(f"resident, {scheme}, memory {mode}", found, found, found, "of publ.", floor)


def kept(net: nn.Module, x: Tensor) -> float:
    """Bytes that a forward pass leaves for the backward pass, beyond weights, statistics and the images."""
    with Live(x, *net.parameters(), *net.buffers()) as live:
        result = net(x)
    found = live.bytes()
    del result
    return float(found)


def peak(options: argparse.Namespace, scheme: str, contender: str) -> float:
    """Bytes by which a step raises the resident memory of a process of its own."""
    command = again(options, options.depth, "--step-of", f"{contender}:{scheme}")
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def again(options: argparse.Namespace, depth: int, *own: str) -> list[str]:
    """The command of a process of this file with the same sizes and device, and with options of its own."""
    sizes = ["--batch", str(options.batch), "--depth", str(depth), "--device", options.device]
    flags = [*(["--quick"] if options.quick else []), *(["--cuda-graph"] if options.cuda_graph else [])]
    return [sys.executable, __file__, *own, *sizes, *flags]


def step_of(options: argparse.Namespace) -> int:
    """Print by how many bytes one step raises the peak of this process; `options.step_of` is CONTENDER:SCHEME."""
    contender, _, scheme = options.step_of.partition(":")
    one = pair(options, "cifar10-paper", scheme, **({} if contender == "published" else {"net__memory": contender}))
    before = resident("VmRSS")
    (one.their_step if contender == "published" else one.our_step)()
    print(resident("VmHWM") - before)
    return 0


def resident(which: str) -> int:
    """Resident bytes of this process, now (VmRSS) or at most so far (VmHWM); getrusage would tell the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{which}:"))


def together(options: argparse.Namespace) -> Iterator[Row]:
    """PGD-7 steps a second of several small networks at once, a process each, over those of one; wall time."""
    number = 2 if options.quick else 4
    for scheme in ("euler", "ssp3"):
        alone, all_at_once = (side_by_side(options, scheme, count) for count in (1, number))
        found = [number * one / many for one, many in zip(alone, all_at_once, strict=True)]
        floor = TOGETHER if options.device == "cuda" else None
        cores = "" if options.device == "cuda" else f", {os.cpu_count()} cores"
        yield row(f"{number} networks at once, {scheme}, N = 1{cores}", found, "x one", floor, at_least=True)


def side_by_side(options: argparse.Namespace, scheme: str, count: int) -> list[float]:
    """Seconds, round by round, until each of `count` processes has made its steps, all started at once."""
    command = again(options, 1, "--rounds-of", scheme)
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)
    ]

    def told() -> None:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "done\n"

    def tell() -> None:
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()

    told()
    found = []
    for _ in range(options.rounds):
        start = time.perf_counter()
        tell()
        told()
        found.append(time.perf_counter() - start)
    for worker in workers:
        worker.communicate()
    return found


def rounds_of(options: argparse.Namespace) -> int:
    """Say `done`, and again after some steps for each line of standard input; the steps of one of several processes."""
    step = pair(options, "cifar10-paper", options.rounds_of).our_step
    number = 1 if options.device == "cpu" else 20
    step()
    print("done", flush=True)
    for _ in sys.stdin:
        for _ in range(number):
            step()
        if options.device == "cuda":
            torch.cuda.synchronize()
        print("done", flush=True)
    return 0


def profile(options: argparse.Namespace) -> Iterator[Row]:
    """Where the time of our PGD-7 step goes, by torch.profiler: shares in per cent of the time inside operations."""
    for scheme in ADVERSARIAL:
        step = pair(options, "cifar10-paper", scheme).our_step
        step()
        cuda = options.device == "cuda"
        activities = [torch.profiler.ProfilerActivity.CUDA if cuda else torch.profiler.ProfilerActivity.CPU]
        with torch.profiler.profile(activities=activities) as seen:
            step()
        events = {e.key: e.self_device_time_total if cuda else e.self_cpu_time_total for e in seen.key_averages()}
        total = sum(events.values())
        rest = 100.0
        for kind, names in KINDS.items():
            share = 100 * sum(events.get(name, 0) for name in names) / total
            rest -= share
            yield Row(f"{scheme}: {kind}", share, share, share, "%")
        yield Row(f"{scheme}: all else", rest, rest, rest, "%")


PARTS = {part.__name__: part for part in (loader, adversarial, noise, memory, together, profile)}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options; unknown parts and a missing GPU end with a message."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--depth", type=int, default=6)
    parser.add_argument("--quick", action="store_true", help="batch 4, one narrow block a group, two rounds")
    parser.add_argument("--data-root", help="where MNIST and CIFAR-10 lie; without, images are random bytes")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--system-malloc", action="store_true", help="leave the allocator of the C library as it is")
    parser.add_argument("--cuda-graph", action="store_true", help="our steps recorded as CUDA graphs; not on a CPU")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--strict", action="store_true", help="exit status 1 where a floor is missed")
    parser.add_argument("--step-of", help=argparse.SUPPRESS)
    parser.add_argument("--rounds-of", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if unknown := set(options.parts.split(",")) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; parts: {', '.join(PARTS)}")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: torch sees no GPU here")
    if options.quick:
        options.batch, options.depth, options.rounds = 4, 1, 2
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if options.step_of:
        return step_of(options)
    if options.rounds_of:
        return rounds_of(options)
    kept_freed = not options.system_malloc and keep_freed_memory()
    settings: dict[str, Any] = {
        "torch": torch.__version__,
        "device": options.device,
        "batch": options.batch,
        "rounds": options.rounds,
        "images": f"of {options.data_root}" if options.data_root else "random bytes",
        "freed memory": "kept" if kept_freed else "as the C library does",
    }
    return report(PARTS, options, settings)


if __name__ == "__main__":
    sys.exit(main())
