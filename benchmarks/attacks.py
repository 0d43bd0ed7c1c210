"""PGD-20 against foolbox and torchattacks: the same job on the same model, ratios taken in one process, interleaved.

    python benchmarks/attacks.py [--rounds 7] [--images 256] [--blocks euler] [--data digits|mnist]

Three networks with N = 1 are trained by the script itself (seeded; a minute of CPU for each with data digits; kept in
--cache): one on clean images, one adversarially at half the budget, one at the whole.  No attack starts at random, so
that all climb from the same point.

final   the last iterate of all images.  Compared with `LinfPGD.run` of foolbox; our result must be the same bits.
any     evaluation: which images are broken?  Compared with foolbox called on all images (it says which are broken) and
        with torchattacks and a forward pass, both of which look at the last iterate.  Ours drops an image at its first
        misclassified iterate, and must break every image that they break.

One thread, CPU time.  Every round times each contender once, in a shuffled order, and divides our time by theirs in the
same round.  Shown: median (first and third quartile).
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
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
BUDGET = {"digits": ("3/20", "3/200"), "mnist": ("3/10", "3/100")}
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
    eps = float(Threat(eps=BUDGET[options.data][0]).eps) * share
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


def compare(jobs: dict[str, Job], rounds: int) -> tuple[dict[str, Tensor], dict[str, list[float]], list[float]]:
    """The results, our time over theirs round by round, and our seconds."""
    results = {name: job() for name, job in jobs.items()}
    ratios: dict[str, list[float]] = {name: [] for name in jobs if name != "ours"}
    own, order = [], list(jobs)
    for _ in range(rounds):
        random.shuffle(order)
        seconds = {}
        for name in order:
            start = time.process_time()
            jobs[name]()
            seconds[name] = time.process_time() - start
        own.append(seconds["ours"])
        for name in ratios:
            ratios[name].append(seconds["ours"] / seconds[name])
    return results, ratios, own


def agreement(kind: str, ours: Tensor, theirs: Tensor) -> str:
    if kind == "final":
        return "the same bits" if torch.equal(ours, theirs) else f"differs by {float((ours - theirs).abs().max()):.2g}"
    missed = int((theirs & ~ours).sum())
    return f"broken {int(ours.sum())}, theirs {int(theirs.sum())}, missed {missed}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--blocks", default="euler")
    parser.add_argument("--data", default="digits", choices=tuple(BUDGET))
    parser.add_argument("--data-root")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--cache", default=str(Path(tempfile.gettempdir()) / "rkblocks-benchmark-attacks"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = datasets.load(options.data, options.data_root)
    x, y = data.test.images[: options.images], data.test.labels[: options.images]
    x = unit(x)
    eps, step = BUDGET[options.data]
    threat = Threat(eps=eps, steps=STEPS, step=step, random_start=False)
    print(f"torch {torch.__version__}, foolbox {foolbox.__version__}, ", end="")
    print(f"torchattacks {torchattacks.__version__ if torchattacks else 'not installed'}, {options.data}, ", end="")
    print(f"{len(x)} images in batches of {options.batch}, {options.blocks}, {threat.text()}, {options.rounds} rounds")
    kept = True
    for name, share in TRAINED.items():
        net = network(options, share, unit(data.train.images), data.train.labels)
        with torch.no_grad():
            clean = float((net(x).argmax(1) == y).float().mean())
        for kind, make in (("final", final_jobs), ("any", any_jobs)):
            results, ratios, own = compare(make(net, x, y, threat, options.batch), options.rounds)
            for other, shares in ratios.items():
                low, middle, high = statistics.quantiles(shares, n=4)
                verdict = "kept" if middle <= GOAL[kind] else "MISSED"
                figures = f"{statistics.median(own):5.2f} s  {middle:5.3f} of {other:<12} ({low:.3f}, {high:.3f})"
                same = agreement(kind, results["ours"], results[other])
                print(f"{name:<5} {clean:.2f} {kind:<5} {figures}  <= {GOAL[kind]} {verdict:<6}  {same}", flush=True)
                kept &= middle <= GOAL[kind]
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
