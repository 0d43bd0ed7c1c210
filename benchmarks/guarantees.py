"""What guarantees are worth, measured: docs/results/guarantees.md has the numbers.

    python benchmarks/guarantees.py sharpness
    python benchmarks/guarantees.py choose runs/choose           offset and temperature by validation images
    python benchmarks/guarantees.py digits runs/certified        resumable: what is in the folder is not done again
    python benchmarks/guarantees.py mnist runs/certified-mnist --seeds 3      MNIST in $RKBLOCKS_DATA
    python benchmarks/guarantees.py torchlip --minutes 2         needs deel-torchlip (dev) and MNIST in $RKBLOCKS_DATA

torchlip trains both networks with maps in channels_last, as `rkblocks train` does; theirs takes as long in either.
Every part prints a Markdown table; --json FILE keeps the numbers.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rkblocks import files, nets
from rkblocks.attacks import Threat
from rkblocks.data.split import Dataset
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import certify_subject, mean_deviation, of_model, of_run
from rkblocks.evaluation.certify import claimed
from rkblocks.evaluation.measure import measure, measure_clean
from rkblocks.evaluation.subject import Images
from rkblocks.runs.config import load
from rkblocks.settings.plan import Item
from rkblocks.study.statistics import paired
from rkblocks.training import train
from rkblocks.verify.contractivity import Contractivity
from rkblocks.verify.facts import Facts

Loss = Callable[[Tensor, Tensor], Tensor]
Network = nn.Sequential | nets.GroupedNet
"""One of deel-torchlip's layers, or ours."""

SCHEMES = ("euler", "midpoint", "ssp2", "ssp3", "rk4", "kutta3", "ssprk43", "ssprk104", "ark")
SHARES = (0.5, 0.9, 1.0, 1.02, 1.2)
STEPS = (0.02, 0.1, 0.5, 1.0, 1.2)


def expansion(A: Tensor, b: Tensor, r: float, norm: str, seed: int, starts: int = 16, steps: int = 100) -> float:
    """The largest expansion of differences by one step that gradient ascent finds, from several random starts.

    A stage sees F through its Jacobian there, (G_i - I)/h0 with G_i nonexpansive; the stages are different points, so
    that a network may have any G_i there.  l2: rotations of the plane, as complex numbers; linf: 4x4 matrices with
    absolute row sums of 1.
    """
    torch.manual_seed(seed)
    m, n = len(b), 4
    if norm == "l2":
        raw = torch.randn(starts, m, 1, dtype=torch.float64)
    else:
        raw = torch.randn(starts, m, n, n, dtype=torch.float64)
    raw.requires_grad_(True)
    optimizer = torch.optim.Adam([raw], 0.05)
    best = 0.0
    for _ in range(steps):
        grown = _grown(A, b, r, raw, norm)
        best = max(best, float(grown.detach().max()))
        optimizer.zero_grad()
        (-grown.sum()).backward()
        optimizer.step()
    return best


def _grown(A: Tensor, b: Tensor, r: float, raw: Tensor, norm: str) -> Tensor:
    m = len(b)
    if norm == "l2":
        g = torch.polar(torch.ones_like(raw[..., 0]), raw[..., 0] * math.pi)  # the result is largest on the circle
        slopes: list[Tensor] = []
        one = torch.ones(len(raw), dtype=torch.complex128)
        for i in range(m):
            y = one + r * sum((A[i, j] * slopes[j] for j in range(i)), torch.zeros_like(one))
            slopes.append((g[:, i] - 1) * y)
        return (one + r * sum(b[i] * slopes[i] for i in range(m))).abs()
    G = raw / raw.abs().sum(-1, keepdim=True)
    eye = torch.eye(raw.shape[-1], dtype=torch.float64).expand(len(raw), -1, -1)
    matrices: list[Tensor] = []
    for i in range(m):
        y = eye + r * sum((A[i, j] * matrices[j] for j in range(i)), torch.zeros_like(eye))
        matrices.append((G[:, i] - eye) @ y)
    out = eye + r * sum(b[i] * matrices[i] for i in range(m))
    return out.abs().sum(-1).max(-1).values


def sharpness(options: argparse.Namespace) -> dict[str, object]:
    """Table: the largest expansion found against the share of the limit; absolute steps where the limit is 0."""
    rows: list[dict[str, Any]] = []
    for name in SCHEMES:
        facts = Facts(files.load(name)).at_init
        field = facts.field
        A = torch.tensor([[field.to_float(a) for a in row] for row in facts.reduced.A], dtype=torch.float64)
        b = torch.tensor([field.to_float(w) for w in facts.reduced.b], dtype=torch.float64)
        rho, radius = facts.contractivity, facts.optimal
        assert isinstance(rho, Contractivity)
        assert radius is not None
        for norm, root in (("l2", rho.root), ("linf", radius.root)):
            limit = root.to_float()
            at = [limit * share for share in SHARES] if limit else list(STEPS)
            found = [expansion(A, b, r, norm, options.seed) for r in at]
            rows.append({"scheme": name, "norm": norm, "limit": limit, "steps": at, "expansion": found})
            print(f"{name} {norm} done", file=sys.stderr)
    print("| scheme | norm | limit | " + " | ".join(f"{s:g} limit" for s in SHARES) + " |")
    print("|---|---|---|" + "---|" * len(SHARES))
    for row in rows:
        cells = " | ".join(
            f"{x:.8f}" + ("" if row["limit"] else f" (h = {h:g})")
            for x, h in zip(row["expansion"], row["steps"], strict=True)
        )
        print(f"| {row['scheme']} | {row['norm']} | {row['limit']:.6g} | {cells} |")
    return {"rows": rows}


Case = tuple[str, int, str]
"""(scheme, depth, step)"""


@dataclass(frozen=True)
class Evidence:
    """Networks of one preset: the cases at equal parameters and at equal calls of F, each by its label; attacks at
    these l2 radii, on the first `limit` test images.
    """

    preset: str
    changes: tuple[str, ...]
    parameters: Mapping[str, Case]
    calls: Mapping[str, Case]
    eps: tuple[Fraction, ...]
    limit: int | None


DIGITS = Evidence(
    "digits-certified",
    (),
    {
        "euler": ("euler", 4, "largest"),
        "ssp2": ("ssp2", 4, "largest"),
        "rk4": ("rk4", 4, "largest"),
        "midpoint (no guarantee)": ("midpoint", 4, "1"),
        "ssprk43, step 2": ("ssprk43", 4, "largest"),
        "ssprk43, step 1": ("ssprk43", 4, "1"),
        "ssprk104, step 6": ("ssprk104", 4, "largest"),
    },
    {
        "euler x 8": ("euler", 8, "largest"),
        "ssp2 x 4": ("ssp2", 4, "largest"),
        "rk4 x 2": ("rk4", 2, "largest"),
        "ssprk43 x 2": ("ssprk43", 2, "largest"),
    },
    (Fraction(1, 4), Fraction(1, 2)),
    None,
)
MNIST = Evidence(
    "mnist-certified",
    ("training.epochs=1",),
    {
        "euler": ("euler", 2, "largest"),
        "ssp2": ("ssp2", 2, "largest"),
        "rk4": ("rk4", 2, "largest"),
        "midpoint (no guarantee)": ("midpoint", 2, "1"),
        "ssprk43, step 2": ("ssprk43", 2, "largest"),
    },
    {
        "euler x 4": ("euler", 4, "largest"),
        "ssp2 x 2": ("ssp2", 2, "largest"),
        "ssprk43 x 1": ("ssprk43", 1, "largest"),
    },
    (Fraction(1, 2), Fraction(1), Fraction(79, 50)),
    2000,
)
OFFSETS, TEMPERATURES = (0.35, 0.7, 1.0, 1.4), (0.05, 0.1, 0.25)
CHOSEN_BY = ("euler", "ssp2", "rk4", "ssprk43")
HELD_SEED = 100  # of training and of the validation images; no table counts it


def choose(options: argparse.Namespace) -> dict[str, object]:
    """Table: certified accuracy at 1/4 on the validation images for each offset and temperature of the loss, over four
    schemes; the best mean is what the preset digits-certified should have.
    """
    found: dict[tuple[float, float], list[float]] = {}
    for offset, temperature in itertools.product(OFFSETS, TEMPERATURES):
        for scheme in CHOSEN_BY:
            run = options.folder / f"{scheme}-{offset}-{temperature}"
            if not (run / "last.safetensors").exists():
                changes = [f"net.blocks={scheme}", f"training.offset={offset}", f"training.temperature={temperature}"]
                train(load("digits-certified", [*changes, f"training.seed={HELD_SEED}"]), run, progress=False)
            certificate = certify_subject(of_run(run, Images("validation"), device="cpu"))
            sure = int((certificate.radii > float(DIGITS.eps[0])).sum()) / len(certificate.radii)
            found.setdefault((offset, temperature), []).append(sure)
        print(f"{offset} {temperature} done", file=sys.stderr)
    print(f"| offset | temperature | {' | '.join(CHOSEN_BY)} | mean |\n|---|---|{'---|' * (len(CHOSEN_BY) + 1)}")
    for (offset, temperature), values in found.items():
        shown = " | ".join(f"{value:.4f}" for value in (*values, sum(values) / len(values)))
        print(f"| {offset:g} | {temperature:g} | {shown} |")
    offset, temperature = max(found, key=lambda setting: sum(found[setting]))
    print(f"\nbest: offset {offset:g}, temperature {temperature:g}")
    return {"rows": [[*setting, *values] for setting, values in found.items()], "best": [offset, temperature]}


def digits(options: argparse.Namespace) -> dict[str, object]:
    """Tables: certified and attacked accuracy at equal parameters, and at equal calls of F; seed after seed."""
    return _evidence(options, DIGITS)


def mnist(options: argparse.Namespace) -> dict[str, object]:
    """The same on MNIST, an epoch of training each."""
    return _evidence(options, MNIST)


def _evidence(options: argparse.Namespace, asked: Evidence) -> dict[str, object]:
    tables = {"equal parameters": asked.parameters, "equal calls of F": asked.calls}
    found: dict[str, dict[str, list[dict[str, float]]]] = {title: {} for title in tables}
    for seed in range(options.seeds):
        for title, cases in tables.items():
            for label, case in cases.items():
                one = _network(options, asked, case, seed)
                if one is not None:
                    found[title].setdefault(label, []).append(one)
    names = ["clean", *(f"{kind} {eps}" for eps in asked.eps for kind in ("certified", "PGD-40", "refuted"))]
    for title, rows in found.items():
        print(f"\n{title}, mean (deviation)\n")
        print(f"| scheme | seeds | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}")
        for label, seeds in rows.items():
            print(f"| {label} | {len(seeds)} | {' | '.join(_cell([one[k] for one in seeds]) for k in names)} |")
        (first, base), *others = rows.items()
        print(f"\n{title}, minus {first}, paired by seed (p of the t-test)\n")
        kept = [name for name in names if not name.startswith("refuted")]
        print(f"| scheme | {' | '.join(kept)} |\n|---|{'---|' * len(kept)}")
        for label, seeds in others:
            count = min(len(base), len(seeds))
            shown = [_paired([one[k] for one in base[:count]], [one[k] for one in seeds[:count]]) for k in kept]
            print(f"| {label} | {' | '.join(shown)} |")
    return dict(found)


def _paired(first: list[float], second: list[float]) -> str:
    found = paired(first, second)
    return f"{found.mean:+.4f}" + ("" if found.p is None else f" ({found.p:.2g})")


def _cell(values: list[float]) -> str:
    mean, deviation = mean_deviation(values)
    spread = f" ({deviation:.4f})" if len(values) > 1 else ""
    return f"{mean:g}" if all(v == int(v) for v in values) else f"{mean:.4f}{spread}"


def _network(options: argparse.Namespace, asked: Evidence, case: Case, seed: int) -> dict[str, float] | None:
    """What was found of one network, trained first where its folder is not there; None for a report without it."""
    scheme, depth, step = case
    name = f"{scheme}-{depth}-{step}-{seed}".replace("/", "_")
    run = options.folder / name
    if options.report and not (run / "guarantees.json").exists():
        return None
    if not (run / "last.safetensors").exists():
        changes = [f"net.blocks={scheme}", f"net.depth={depth}", f"net.step={step}", f"training.seed={seed}"]
        train(load(asked.preset, [*asked.changes, *changes, *_root(options, asked)]), run, progress=False)
        print(f"{name} trained", file=sys.stderr)
    done = run / "guarantees.json"
    if done.exists():
        before: dict[str, float] = json.loads(done.read_text())
        return before
    subject = of_run(run, Images(limit=asked.limit), device="cpu")
    try:
        certificate = certify_subject(subject)
    except RkblocksError:
        certificate = claimed(subject)
    clean = measure_clean(subject, 500)
    found = {"clean": clean.accuracy}
    for eps in asked.eps:
        item = Item("pgd", Threat("l2", eps, steps=40, step=eps / 10), "any")
        left = measure(subject, item, clean, seed=seed, batch=500)
        sure = certificate.radii > float(eps)
        found |= {f"certified {eps}": int(sure.sum()) / len(sure), f"PGD-40 {eps}": left.accuracy}
        found[f"refuted {eps}"] = int((sure & ~left.correct).sum())
    done.write_text(json.dumps(found))
    return found


def _root(options: argparse.Namespace, asked: Evidence) -> list[str]:
    return [f"data.root={options.data_root}"] if asked is MNIST else []


def torchlip(options: argparse.Namespace) -> dict[str, object]:
    """Table: certified accuracy on MNIST and time a step, beside a network of deel-torchlip's spectral layers, over the
    seeds.
    """
    from deel import torchlip as lip

    from rkblocks import data

    images = data.load("mnist", root=options.data_root)
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(options.seeds):
        networks = _both(lip, seed)
        if seed == 0:
            ratio, each = _step_ratio(networks, images)
        for name, (net, loss) in networks.items():
            steps = _fit(net, loss, images, options.minutes * 60, seed)
            row = {
                "parameters": sum(p.numel() for p in net.parameters()),
                "steps": steps,
                "ms a step": 1000 * each[name],
            }
            found.setdefault(name, []).append(row | _certified(net, images, options.images))
            print(f"{name} seed {seed} done", file=sys.stderr)
    names = list(next(iter(found.values()))[0])
    print(f"| network | seeds | {' | '.join(names)} |\n|---|---|{'---|' * len(names)}")
    for name, rows in found.items():
        print(f"| {name} | {len(rows)} | {' | '.join(_cell([row[key] for row in rows]) for key in names)} |")
    print(f"\nours takes {ratio:.2f} of their time a step (median of interleaved pairs)")
    return {"rows": found, "ratio": ratio}


def _both(lip: Any, seed: int) -> dict[str, tuple[Network, Loss]]:
    """Ours and theirs, with as many parameters as can be, and the same loss."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    ours = nets.bounded("ssp2", 2, shape=(1, 28, 28), widths=(16, 32), step="largest", halved=1, generator=generator)
    theirs = _theirs(lip, sum(p.numel() for p in ours.parameters()))
    for module in (ours, theirs):
        module.to(memory_format=torch.channels_last)
    return {"rkblocks, ssp2": (ours, _margin), "deel-torchlip": (theirs, _margin)}


def _certified(net: Network, images: Dataset, limit: int) -> dict[str, float]:
    """The constant that is claimed and the largest found, and the accuracy, clean and certified, on the test images."""
    shown, labels = images.test.images[:limit], images.test.labels[:limit]
    net.eval()
    if isinstance(net, nn.Sequential):
        radii, right, constant = _their_radii(net, shown, labels)
    else:
        found = certify_subject(of_model(net, shown, labels))
        radii, right, constant = found.radii, found.correct, found.lipschitz
    row = {"claimed constant": constant, "measured constant": _measured(net, shown)}
    row["clean"] = int(right.sum()) / len(right)
    return row | {f"certified {eps}": int((radii > eps).sum()) / len(radii) for eps in (0.5, 1.0, 1.58)}


def _margin(logits: Tensor, y: Tensor) -> Tensor:
    from rkblocks.training.losses import margin

    return margin(logits, y, 2.0, 0.25)


def _theirs(lip: Any, count: int) -> nn.Sequential:
    """Spectral convolutions with GroupSort2 and norm pooling; the width of the dense part meets the parameters."""

    def build(hidden: int) -> nn.Sequential:
        return nn.Sequential(
            lip.SpectralConv2d(1, 16, 3, padding=1),
            lip.GroupSort2(),
            lip.SpectralConv2d(16, 16, 3, padding=1),
            lip.GroupSort2(),
            lip.ScaledL2NormPool2d(2, 2),
            lip.SpectralConv2d(16, 32, 3, padding=1),
            lip.GroupSort2(),
            lip.ScaledL2NormPool2d(2, 2),
            nn.Flatten(),
            lip.SpectralLinear(32 * 49, hidden),
            lip.GroupSort2(),
            lip.FrobeniusLinear(hidden, 10, disjoint_neurons=True),
        )

    sizes = {h: abs(sum(p.numel() for p in build(h).parameters()) - count) for h in range(2, 64, 2)}
    return build(min(sizes, key=sizes.__getitem__))


def _batches(images: Dataset, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    part = images.train
    while True:
        for rows in torch.randperm(len(part.labels), generator=generator).split(128):
            if len(rows) == 128:
                images_in = (part.images[rows].float() / 255).contiguous(memory_format=torch.channels_last)
                yield images_in, part.labels[rows]


def _step(net: nn.Module, loss: Loss, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    net.train()
    optimizer.zero_grad()
    loss(net(x), y).backward()
    optimizer.step()


def _step_ratio(
    networks: Mapping[str, tuple[Network, Loss]], images: Dataset, pairs: int = 15
) -> tuple[float, dict[str, float]]:
    import copy

    x, y = next(_batches(images, 0))
    ready = {}
    for n, (given, loss) in networks.items():
        net = copy.deepcopy(given)
        ready[n] = (net, loss, torch.optim.Adam(net.parameters(), 1e-3))
    times: dict[str, list[float]] = {n: [] for n in ready}
    for k in range(pairs + 2):
        for n, (net, loss, optimizer) in ready.items():
            start = time.process_time()
            _step(net, loss, optimizer, x, y)
            if k >= 2:
                times[n].append(time.process_time() - start)
    first, second = times.values()
    ratios = sorted(a / b for a, b in zip(first, second, strict=True))
    return ratios[len(ratios) // 2], {n: sorted(t)[len(t) // 2] for n, t in times.items()}


def _fit(net: nn.Module, loss: Loss, images: Dataset, seconds: float, seed: int) -> int:
    """Train for so much time of one core, the rate falling to zero over it; return the number of steps."""
    optimizer, start = torch.optim.Adam(net.parameters(), 1e-2), time.process_time()
    for steps, (x, y) in enumerate(_batches(images, seed)):
        share = (time.process_time() - start) / seconds
        if share >= 1:
            return steps
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * min(1.0, 5 * share + 0.05) * (1 - share)
        _step(net, loss, optimizer, x, y)
    raise AssertionError("the batches never end")


def _their_radii(net: nn.Sequential, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, float]:
    """Radii by their claim that all but the last layer is 1-Lipschitz, with the rows of the last layer as they are."""
    with torch.no_grad():
        last: Any = net[-1]
        weight = last.vanilla_export().weight
        distances = (weight[:, None] - weight[None]).norm(dim=2)
        logits = torch.cat([net(part.float() / 255) for part in images.split(500)])
    own = logits.gather(1, labels[:, None])
    reach = (own - logits) / distances[labels].clamp_min(1e-12)
    reach.scatter_(1, labels[:, None], float("inf"))
    return reach.min(1).values.clamp_min(0), logits.argmax(1) == labels, 1.0


def _measured(net: Network, images: Tensor, count: int = 16, steps: int = 30) -> float:
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["sharpness", "choose", "digits", "mnist", "torchlip"])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("runs/certified"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--report", action="store_true", help="of digits and mnist: only what is in the folder already")
    parser.add_argument("--images", type=int, default=10_000, help="of the MNIST test set")
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--data-root", default=os.environ.get("RKBLOCKS_DATA", "data"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = {"sharpness": sharpness, "choose": choose, "digits": digits, "mnist": mnist, "torchlip": torchlip}[
        options.part
    ](options)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(
            json.dumps({"part": options.part, "torch": torch.__version__, **found}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
