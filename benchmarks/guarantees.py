"""What guarantees are worth, measured: docs/results/guarantees.md has the numbers.

    python benchmarks/guarantees.py choose runs/choose           offset and temperature by validation images
    python benchmarks/guarantees.py starts runs/starts           how weights start, by validation images; needs MNIST
    python benchmarks/guarantees.py digits runs/certified        resumable: what is in the folder is not done again
    python benchmarks/guarantees.py mnist runs/certified-mnist --seeds 3      MNIST in $RKBLOCKS_DATA

Whether C and rho are sharp asks sharpness.py; how our layers stand beside those of deel-torchlip, beside_torchlip.py.
Every part prints a Markdown table; --json FILE keeps the numbers.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from timing import keep

from rkblocks.attacks import Threat
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import certify_subject, mean_deviation, of_run
from rkblocks.evaluation.certify import Certificate, claimed
from rkblocks.evaluation.measure import measure, measure_clean
from rkblocks.evaluation.subject import Images, Subject
from rkblocks.runs.config import load
from rkblocks.settings.plan import Item
from rkblocks.study.statistics import paired
from rkblocks.training import train

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
        "euler": ("euler", 1, "largest"),
        "ssp2": ("ssp2", 1, "largest"),
        "rk4": ("rk4", 1, "largest"),
        "midpoint (no guarantee)": ("midpoint", 1, "1"),
        "ssprk43, step 2": ("ssprk43", 1, "largest"),
    },
    {
        "euler x 4": ("euler", 4, "largest"),
        "ssp2 x 2": ("ssp2", 2, "largest"),
        "rk4 x 1": ("rk4", 1, "largest"),
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


def starts(options: argparse.Namespace) -> dict[str, object]:
    """Table: the same for each scheme by how its weights start, at 1/4 on digits and at 1 on MNIST; the better one of
    all schemes is what the preset has.
    """
    found: dict[str, dict[str, float]] = {}
    for asked, eps in ((DIGITS, Fraction(1, 4)), (MNIST, Fraction(1))):
        for scheme, depth, step in dict.fromkeys(asked.parameters.values()):
            for start in ("random", "orthogonal"):
                run = options.folder / f"{asked.preset}-{scheme}-{step}-{start}"
                changes = [f"net.blocks={scheme}", f"net.depth={depth}", f"net.step={step}", f"net.start={start}"]
                if not (run / "last.safetensors").exists():
                    changes += [*asked.changes, f"training.seed={HELD_SEED}", *_root(options, asked)]
                    train(load(asked.preset, changes), run, progress=False)
                radii = _claim(of_run(run, Images("validation"), device="cpu")).radii
                case = found.setdefault(f"{asked.preset} {scheme}, step {step}", {})
                case[start] = int((radii > float(eps)).sum()) / len(radii)
            print(f"{asked.preset} {scheme} done", file=sys.stderr)
    print("| networks | random | orthogonal |\n|---|---|---|")
    for name, case in found.items():
        print(f"| {name} | {case['random']:.4f} | {case['orthogonal']:.4f} |")
    return {"rows": found}


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
            print(f"| {label} | {len(seeds)} | {' | '.join(cell([one[k] for one in seeds]) for k in names)} |")
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


def cell(values: list[float]) -> str:
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
    certificate = _claim(subject)
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


def _claim(subject: Subject) -> Certificate:
    """The certificate, or what a false one would claim."""
    try:
        return certify_subject(subject)
    except RkblocksError:
        return claimed(subject)


def _root(options: argparse.Namespace, asked: Evidence) -> list[str]:
    return [f"data.root={options.data_root}"] if asked is MNIST else []


PARTS = {"choose": choose, "starts": starts, "digits": digits, "mnist": mnist}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("runs/certified"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--report", action="store_true", help="of digits and mnist: only what is in the folder already")
    parser.add_argument("--data-root", default=os.environ.get("RKBLOCKS_DATA", "data"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = PARTS[options.part](options)
    keep(options.json, {"part": options.part, **found})


if __name__ == "__main__":
    main()
