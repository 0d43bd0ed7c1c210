"""Our bounded networks beside one of deel-torchlip's spectral layers, on MNIST: docs/results/guarantees.md.

    python benchmarks/beside_torchlip.py choose --minutes 0.3    widths and learning rates, by 5000 held-back images
    python benchmarks/beside_torchlip.py test --minutes 1        certified accuracy, and the time of a step

Needs deel-torchlip (extra dev) and MNIST in $RKBLOCKS_DATA.  Equal parameters, equal minutes of one core, one loss;
maps are in channels_last, as `rkblocks train` has them (theirs takes as long in either).  --json FILE keeps numbers.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from guarantees import cell
from timing import keep
from torch import Tensor, nn

from rkblocks import data, nets
from rkblocks.data.split import Split
from rkblocks.evaluation import certify_subject, of_model
from rkblocks.training.losses import margin

Network = nn.Sequential | nets.GroupedNet
"""One of deel-torchlip's layers, or ours."""

RIVAL = "deel-torchlip"
SCHEMES = ("euler", "ssp2")
WIDTHS = ((8, 16), (16, 32))
RATES = (3e-3, 1e-2, 3e-2)
CHOSEN = {"rkblocks, euler": ((8, 16), 1e-2), "rkblocks, ssp2": ((8, 16), 1e-2), RIVAL: ((8, 16), 3e-2)}
"""Widths and learning rate of each by `choose`; of equal ones the widths with as many parameters as ours."""
RADII = (0.5, 1.0, 1.58)
HELD = 5000
CHOSEN_SEED = 100  # no table counts it


def choose(options: argparse.Namespace) -> dict[str, object]:
    """Table: certified accuracy at 1 on the last images of the training set, by widths and learning rate."""
    given = data.load("mnist", root=options.data_root).train
    train, held = _cut(given, None, -HELD), _cut(given, -HELD, None)
    tried = list(itertools.product(WIDTHS, RATES))
    found: dict[str, list[float]] = {name: [] for name in CHOSEN}
    for widths, rate in tried:
        for name, values in found.items():
            net = network(name, widths, CHOSEN_SEED)
            fit(net, train, options.minutes * 60, CHOSEN_SEED, rate)
            values.append(certified(net, held)["certified 1.0"])
        print(f"{widths} {rate:g} done", file=sys.stderr)
    print(f"| network | {' | '.join(f'{widths}, {rate:g}' for widths, rate in tried)} |\n|---|{'---|' * len(tried)}")
    for name, values in found.items():
        print(f"| {name} | {' | '.join(f'{value:.4f}' for value in values)} |")
    return {"tried": tried, "rows": found}


def test(options: argparse.Namespace) -> dict[str, object]:
    """Table: time a step, and certified accuracy on the test set over the seeds."""
    images = data.load("mnist", root=options.data_root)
    each = step_times({name: network(name, widths, 0) for name, (widths, _) in CHOSEN.items()}, images.train)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in each}
    for seed in range(options.seeds):
        for name, (widths, rate) in CHOSEN.items():
            net = network(name, widths, seed)
            steps = fit(net, images.train, options.minutes * 60, seed, rate)
            row: dict[str, float] = {"parameters": sum(p.numel() for p in net.parameters()), "steps": steps}
            row |= {"claimed constant": constant(net), "measured constant": measured(net, images.test.images)}
            found[name].append(row | certified(net, _cut(images.test, None, options.images)))
            print(f"{name} seed {seed} done", file=sys.stderr)
    names = list(found[RIVAL][0])
    print(f"| network | seeds | step / theirs | {' | '.join(names)} |\n|---|---|---|{'---|' * len(names)}")
    ratios = {name: _median([a / b for a, b in zip(times, each[RIVAL], strict=True)]) for name, times in each.items()}
    for name, rows in found.items():
        cells = " | ".join(cell([row[key] for row in rows]) for key in names)
        print(f"| {name} | {len(rows)} | {ratios[name]:.2f} | {cells} |")
    return {"rows": found, "step / theirs": ratios, "seconds a step": {n: _median(t) for n, t in each.items()}}


def network(name: str, widths: tuple[int, int], seed: int) -> Network:
    """One of CHOSEN: ours of that scheme, or theirs with as many parameters as ours of these widths."""
    generator = torch.Generator().manual_seed(seed)
    scheme = "euler" if name == RIVAL else name.removeprefix("rkblocks, ")
    net: Network = nets.bounded(
        scheme,
        1,
        shape=(1, 28, 28),
        widths=widths,
        dense=64,
        step="largest",
        halved=1,
        start="orthogonal",
        generator=generator,
    )
    if name == RIVAL:
        torch.manual_seed(seed)
        net = theirs(widths, sum(p.numel() for p in net.parameters()))
    return net.to(memory_format=torch.channels_last)


def theirs(widths: tuple[int, int], count: int) -> nn.Sequential:
    """Spectral convolutions with GroupSort2 and norm pooling; the width of the dense part meets the parameters."""
    from deel import torchlip as lip

    a, b = widths

    def build(hidden: int) -> nn.Sequential:
        return nn.Sequential(
            lip.SpectralConv2d(1, a, 3, padding=1),
            lip.GroupSort2(),
            lip.SpectralConv2d(a, a, 3, padding=1),
            lip.GroupSort2(),
            lip.ScaledL2NormPool2d(2, 2),
            lip.SpectralConv2d(a, b, 3, padding=1),
            lip.GroupSort2(),
            lip.ScaledL2NormPool2d(2, 2),
            nn.Flatten(),
            lip.SpectralLinear(b * 49, hidden),
            lip.GroupSort2(),
            lip.FrobeniusLinear(hidden, 10, disjoint_neurons=True),
        )

    sizes = {h: abs(sum(p.numel() for p in build(h).parameters()) - count) for h in range(2, 128, 2)}
    return build(min(sizes, key=sizes.__getitem__))


def _cut(part: Split, start: int | None, end: int | None) -> Split:
    return Split(part.images[start:end], part.labels[start:end])


def _batches(part: Split, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    while True:
        for rows in torch.randperm(len(part.labels), generator=generator).split(128):
            if len(rows) == 128:
                images = (part.images[rows].float() / 255).contiguous(memory_format=torch.channels_last)
                yield images, part.labels[rows]


def _step(net: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    net.train()
    optimizer.zero_grad()
    margin(net(x), y, 2.0, 0.25).backward()
    optimizer.step()


def step_times(given: Mapping[str, Network], part: Split, rounds: int = 15) -> dict[str, list[float]]:
    """Seconds of one core that a step takes, in rounds of one step of each."""
    x, y = next(_batches(part, 0))
    ready = {}
    for name, net in given.items():
        net = copy.deepcopy(net)
        ready[name] = (net, torch.optim.Adam(net.parameters(), 1e-3))
    times: dict[str, list[float]] = {name: [] for name in ready}
    for k in range(rounds + 2):
        for name, (net, optimizer) in ready.items():
            start = time.process_time()
            _step(net, optimizer, x, y)
            if k >= 2:
                times[name].append(time.process_time() - start)
    return times


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def fit(net: nn.Module, part: Split, seconds: float, seed: int, rate: float) -> int:
    """Train for so much time of one core, the rate falling to zero over it; return the number of steps."""
    optimizer, start = torch.optim.Adam(net.parameters(), rate), time.process_time()
    for steps, (x, y) in enumerate(_batches(part, seed)):
        share = (time.process_time() - start) / seconds
        if share >= 1:
            return steps
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, 5 * share + 0.05) * (1 - share)
        _step(net, optimizer, x, y)
    raise AssertionError("the batches never end")


def certified(net: Network, part: Split) -> dict[str, float]:
    """Accuracy, clean and certified in l2."""
    net.eval()
    if isinstance(net, nn.Sequential):
        radii, right = _their_radii(net, part)
    else:
        found = certify_subject(of_model(net, part.images, part.labels))
        radii, right = found.radii, found.correct
    row = {"clean": int(right.sum()) / len(right)}
    return row | {f"certified {eps}": int((radii > eps).sum()) / len(radii) for eps in RADII}


def constant(net: Network) -> float:
    """What is claimed of the features before the last layer; of theirs, that each layer is 1-Lipschitz."""
    return 1.0 if isinstance(net, nn.Sequential) else nets.bounds.lipschitz(net)


def _their_radii(net: nn.Sequential, part: Split) -> tuple[Tensor, Tensor]:
    """Radii by their claim that all but the last layer is 1-Lipschitz, with the rows of the last layer as they are."""
    with torch.no_grad():
        last: Any = net[-1]
        weight = last.vanilla_export().weight
        distances = (weight[:, None] - weight[None]).norm(dim=2)
        logits = torch.cat([net(some.float() / 255) for some in part.images.split(500)])
    labels = part.labels
    own = logits.gather(1, labels[:, None])
    reach = (own - logits) / distances[labels].clamp_min(1e-12)
    reach.scatter_(1, labels[:, None], float("inf"))
    return reach.min(1).values.clamp_min(0), logits.argmax(1) == labels


def measured(net: Network, images: Tensor, count: int = 16, steps: int = 30) -> float:
    """The largest singular value of the Jacobian of the features before the last layer at some images."""
    parts = list(net)[:-1] if isinstance(net, nn.Sequential) else [s.module for s in nets.bounds.body(net)]

    def features(x: Tensor) -> Tensor:
        for part in parts:
            x = part(x)
        return x.flatten(1)

    x = images[:count].float() / 255
    v = torch.randn_like(x)
    largest = torch.zeros(count)
    for _ in range(steps):
        v = v / v.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        _, out = torch.autograd.functional.jvp(features, x, v)
        largest = out.norm(dim=1)
        _, v = torch.autograd.functional.vjp(features, x, out)
    return float(largest.max())


def main() -> None:
    parts: dict[str, Callable[[argparse.Namespace], dict[str, object]]] = {"choose": choose, "test": test}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=parts)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=10_000, help="of the MNIST test set")
    parser.add_argument("--minutes", type=float, default=1.0, help="of one core, for each network")
    parser.add_argument("--data-root", default=os.environ.get("RKBLOCKS_DATA", "data"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = parts[options.part](options)
    keep(options.json, found)


if __name__ == "__main__":
    main()
