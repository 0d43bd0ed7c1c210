"""PGD-20 against foolbox and torchattacks: the same job on the same model, ratios taken in one process, interleaved.

    python -W ignore benchmarks/attacks.py [--rounds 7] [--images 256] [--blocks euler] [--data digits|mnist]

Three networks with N = 1 are trained by the script itself (seeded; a minute of CPU for each with data digits; kept in
--cache): one on clean images, one adversarially at half the budget, one at the whole.  No attack starts at random, so
that all climb from the same point.

final   the last iterate of all images.  Compared with `LinfPGD.run` of foolbox; our result must be the same bits.
any     evaluation: which images are broken?  Compared with foolbox called on all images (it says which are broken) and
        with torchattacks and a forward pass, both of which look at the last iterate.  Ours drops an image at its first
        misclassified iterate, and must break every image that they break.

One thread, CPU time.  Every round times each contender once, in a shuffled order, and divides our time by theirs in the
same round.  Shown: median and quartiles.  What must be equal is counted beside the times, with 0 as its floor.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from timing import Row, in_turn, ratios, report, row, timer
from torch import Tensor, nn

from rkblocks import attacks, nets
from rkblocks import data as datasets
from rkblocks.attacks import Threat, frozen
from rkblocks.data.split import unit

with warnings.catch_warnings():  # foolbox imports from a deprecated place of scipy, torchattacks from one of torch
    warnings.simplefilter("ignore")
    import foolbox

    try:
        import torchattacks
    except ImportError:
        torchattacks = None

STEPS = 20
GOAL = {"final": 0.75, "any": 0.6}
BUDGET = {"digits": (Fraction(3, 20), Fraction(3, 200)), "mnist": (Fraction(3, 10), Fraction(3, 100))}
TRAINED = {"clean": 0.0, "half": 0.5, "whole": 1.0}  # share of eps that the training attacks with


def train(net: nn.Module, x: Tensor, y: Tensor, threat: Threat, epochs: int) -> None:
    """Adversarial training with PGD-5, from the seed set before; eps 0 is training on clean images."""
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=epochs * (len(x) // 64))
    for _ in range(epochs):
        for rows in torch.randperm(len(x))[: len(x) // 64 * 64].split(64):
            point = attacks.pgd(net, x[rows], y[rows], threat) if threat.eps else x[rows]
            net.train()
            optimizer.zero_grad()
            F.cross_entropy(net(point), y[rows]).backward()
            optimizer.step()
            schedule.step()
    net.eval()


def network(options: argparse.Namespace, share: float, x: Tensor, y: Tensor) -> nn.Module:
    """The network trained with this share of the budget, from the cache where it is there."""
    torch.manual_seed(0)
    net = nets.grouped(options.blocks, depth=1, channels=x.shape[1])
    path = Path(options.cache) / f"{options.data}-{options.blocks}-{share}-{options.epochs}.pt"
    if path.exists():
        net.load_state_dict(torch.load(path, weights_only=True))
        return net.eval()
    eps = BUDGET[options.data][0] * Fraction(share)
    train(net, x, y, Threat(eps=eps, steps=5, step=eps / 3), options.epochs)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), path)
    return net


Job = Callable[[], Tensor]
"""Does the work once: returns the examples (final), or whether each image is broken (any)."""


def final_jobs(net: nn.Module, x: Tensor, y: Tensor, threat: Threat, batch: int) -> dict[str, Job]:
    eps, parts = float(threat.eps), list(zip(x.split(batch), y.split(batch), strict=True))
    oracle = foolbox.attacks.LinfPGD(abs_stepsize=float(threat.length), steps=STEPS, random_start=False)
    wrapped = foolbox.PyTorchModel(net, bounds=(0, 1))
    return {
        "ours": lambda: torch.cat([attacks.pgd(net, a, b, threat) for a, b in parts]),
        "foolbox": lambda: torch.cat([oracle.run(wrapped, a, b, epsilon=eps) for a, b in parts]),
    }


def any_jobs(net: nn.Module, x: Tensor, y: Tensor, threat: Threat, batch: int) -> dict[str, Job]:
    eps, step = float(threat.eps), float(threat.length)
    parts = list(zip(x.split(batch), y.split(batch), strict=True))
    oracle = foolbox.attacks.LinfPGD(abs_stepsize=step, steps=STEPS, random_start=False)
    wrapped = foolbox.PyTorchModel(net, bounds=(0, 1))
    jobs: dict[str, Job] = {
        "ours": lambda: broken(net, x, y, threat, batch),
        "foolbox": lambda: torch.cat([oracle(wrapped, a, b, epsilons=eps)[2] for a, b in parts]),
    }
    if torchattacks:
        other = torchattacks.PGD(net, eps=eps, alpha=step, steps=STEPS, random_start=False)

        def by_torchattacks() -> Tensor:
            examples = [other(a, b) for a, b in parts]
            with torch.no_grad():
                return torch.cat([net(a).argmax(1) != b for a, (_, b) in zip(examples, parts, strict=True)])

        jobs["torchattacks"] = by_torchattacks
    return jobs


def broken(net: nn.Module, x: Tensor, y: Tensor, threat: Threat, batch: int) -> Tensor:
    """As `rkblocks evaluate` counts: wrong when clean, or misclassified at an iterate."""
    found = torch.zeros(len(x), dtype=torch.bool)
    with torch.no_grad(), frozen(net):
        for rows in torch.arange(len(x)).split(batch):
            found[rows] = net(x[rows]).argmax(1) != y[rows]
    for rows in torch.nonzero(~found)[:, 0].split(batch):
        point = attacks.run("pgd", net, x[rows], y[rows], threat, definition="any")
        with torch.no_grad(), frozen(net):
            found[rows] = net(point).argmax(1) != y[rows]
    return found


def compared(options: argparse.Namespace, kind: str) -> Iterator[Row]:
    """For each network and each contender: what our result lacks of theirs, and our time over theirs."""
    (train_x, train_y), (x, y) = images(options)
    eps, step = BUDGET[options.data]
    threat = Threat(eps=eps, steps=STEPS, step=step, random_start=False)
    for name, share in TRAINED.items():
        net = network(options, share, train_x, train_y)
        with torch.no_grad():
            clean = float((net(x).argmax(1) == y).float().mean())
        yield row(f"{name}: clean accuracy", [clean], "")
        jobs = {"final": final_jobs, "any": any_jobs}[kind](net, x, y, threat, options.batch)
        ours, *others = results = {contender: job() for contender, job in jobs.items()}
        if kind == "any":
            yield row(f"{name}: images that we break", [float(results[ours].sum())], f"of {len(x)}")
        for other in others:
            yield lacking(name, other, kind, results[ours], results[other])
        seconds = in_turn(jobs, options.rounds, timer(), warm_up=0)
        yield row(f"{name}: time", seconds[ours], "s")
        for other in others:
            yield row(f"{name}: time, {other}", ratios(seconds[ours], seconds[other]), "of theirs", GOAL[kind])


def lacking(name: str, other: str, kind: str, ours: Tensor, theirs: Tensor) -> Row:
    """The number of images whose examples differ in a bit (final), or that they alone break (any)."""
    if kind == "final":
        differ = float((ours != theirs).flatten(1).any(1).sum())
        return row(f"{name}: examples unlike those of {other}", [differ], f"of {len(ours)}", 0)
    return row(f"{name}: images that {other} alone breaks", [float((theirs & ~ours).sum())], f"of {len(ours)}", 0)


def final(options: argparse.Namespace) -> Iterator[Row]:
    """The last iterate of all images, against foolbox's `run`: the same bits."""
    return compared(options, "final")


def any_iterate(options: argparse.Namespace) -> Iterator[Row]:
    """Which images are broken, at any iterate, against foolbox and torchattacks, which look at the last one."""
    return compared(options, "any")


PARTS = {"final": final, "any": any_iterate}


def images(options: argparse.Namespace) -> list[tuple[Tensor, Tensor]]:
    """The images, in [0, 1], and labels to train on, and those to attack."""
    data = datasets.load(options.data, options.data_root)
    test = unit(data.test.images[: options.images]), data.test.labels[: options.images]
    return [(unit(data.train.images), data.train.labels), test]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--blocks", default="euler")
    parser.add_argument("--data", default="digits", choices=tuple(BUDGET))
    parser.add_argument("--data-root")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--cache", default=str(Path(tempfile.gettempdir()) / "rkblocks-benchmark-attacks"))
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--strict", action="store_true", help="exit status 1 where a floor is missed")
    options = parser.parse_args()
    unknown = set(options.parts.split(",")) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; parts: {', '.join(PARTS)}")
    torch.set_num_threads(1)
    eps, step = BUDGET[options.data]
    settings: dict[str, Any] = {
        "torch": torch.__version__,
        "foolbox": foolbox.__version__,
        "torchattacks": torchattacks.__version__ if torchattacks else "not installed",
        "data": options.data,
        "images": options.images,
        "batch": options.batch,
        "blocks": options.blocks,
        "threat": Threat(eps=eps, steps=STEPS, step=step, random_start=False).text(),
        "rounds": options.rounds,
    }
    return report(PARTS, options, settings)


if __name__ == "__main__":
    sys.exit(main())
