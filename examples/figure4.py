"""Figure 4 of the paper from the networks of a study: does a scheme change how much perturbations grow?

    python examples/figure4.py runs/studies/cifar10-depth                  measure; it goes on where it was stopped
    python examples/figure4.py docs/results/cifar10-short/figure4.json     the tables of what was measured
    python examples/figure4.py --tiny                                      a study of its own that takes seconds

figure4.json, .png and .svg go into the folder of the study, or into --out.

Kim et al. 2020, eq. 17: |g(x) - g(x')| / |x - x'| of every group g, the mean over the images. x' comes from PGD-20 that
begins at a random point of the ball, from PGD-20 that begins at x (the paper does not say which it took), or is random.
Growth in a study is compared by its logarithm: the first scheme with each of the others in the two-way model of scheme
and seed (Dunnett's intervals, 95 %), and what the study file declares as contrasts (each on its own).
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rkblocks import RkblocksError, evaluation, figures, study
from rkblocks.analysis import Sample
from rkblocks.runs.storage import write_text
from rkblocks.study.inference import Fit
from rkblocks.study.twoway import Model

NORMS = (1, 2)
TINY = """
name = "figure4-tiny"
preset = "digits"
[set]
training.epochs = 1
net.widths = [4, 8, 8]
[grid]
blocks = ["euler", "midpoint", "ssp2"]
seeds = [0, 1]
[evaluation]
weights = "last"
limit = 20
probe = 0
[[evaluation.attacks]]
attack = "fgsm"
eps = "1/10"
[[contrast]]
name = "SSP against not SSP at equal stages"
pairs = [["ssp2", "midpoint"]]
"""


def measured(run: Path, asked: study.Study, limit: int, data_root: str | None) -> dict[str, list[dict[str, Any]]]:
    """Return the growth of each group by kind of perturbation, as `analyze --format json` has it."""
    images = evaluation.Images(limit=limit, weights=asked.evaluation.weights, data_root=data_root)
    subject = evaluation.of_run(run, images, device="cpu")
    threat = evaluation.base_threat(subject.dataset)
    started = Sample(subject, threat)
    pairs = {
        "adversarial": started.pairs("adversarial"),
        "adversarial, from the image": Sample(subject, replace(threat, random_start=False)).pairs("adversarial"),
        "random": started.pairs("random"),
    }
    return {
        kind: [one.to_dict() for one in evaluation.perturbation_growth(subject.model, found, NORMS)]
        for kind, found in pairs.items()
    }


def read(path: Path) -> dict[str, Any]:
    """Return the content of a figure4.json; one that cannot be read ends the script with a line that says so."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if {"study", "images", "contrasts", "networks"} <= set(content):
            return content
        problem = "it has other keys"
    except (OSError, ValueError, TypeError) as error:
        problem = str(error)
    sys.exit(f"{path} is no figure4.json of this script: {problem}; name the folder of a study, and it is made there")


def measure(folder: Path, path: Path, limit: int, data_root: str | None) -> dict[str, Any]:
    """Return what is known of all networks that are finished, which is saved in `path` after each."""
    asked = study.load(folder)
    if len({cell.setting for cell in asked.cells}) > 1:
        sys.exit(f"{asked.name}: its networks differ in more than the scheme; Figure 4 compares schemes")
    contrasts = {one.name: one.pairs for one in asked.contrasts}
    content: dict[str, Any] = {"study": asked.name, "images": limit, "contrasts": contrasts, "networks": {}}
    if path.is_file():
        before = read(path)
        content["networks"] = before["networks"] if before["images"] == limit else {}
    for name, blocks, seed in ((f"{cell.name}-seed{n}", cell.blocks, n) for n in asked.seeds for cell in asked.cells):
        run = folder / "runs" / name
        if name in content["networks"] or not (run / "evaluations").is_dir():  # the second: not trained to the end
            continue
        growth = measured(run, asked, limit, data_root)
        content["networks"][name] = {"blocks": blocks, "seed": seed, "growth": growth}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(content, indent=1) + "\n")
        print(f"{name}: measured", file=sys.stderr)
    return content


def shared_seeds(content: Mapping[str, Any]) -> list[int]:
    """Return the seeds that all schemes have."""
    found: dict[str, set[int]] = {}
    for one in content["networks"].values():
        found.setdefault(one["blocks"], set()).add(one["seed"])
    return sorted(set.intersection(*found.values())) if found else []


def values(content: Mapping[str, Any], kind: str, p: int) -> dict[str, dict[str, list[float]]]:
    """Return {group: {scheme: growth by seed}} of the seeds that all schemes have."""
    found: dict[str, dict[str, list[float]]] = {}
    networks = {(one["blocks"], one["seed"]): one["growth"][kind] for one in content["networks"].values()}
    seeds = shared_seeds(content)
    for scheme in dict.fromkeys(blocks for blocks, _ in networks):
        for seed in seeds:
            for row in networks[scheme, seed]:
                if row["p"] == p:
                    found.setdefault(row["group"], {}).setdefault(scheme, []).append(row["mean"])
    return found


def percent(mean: float, half: float) -> str:
    """A difference of logarithms with its interval, in percent."""
    middle, low, high = (100 * math.expm1(one) for one in (mean, mean - half, mean + half))
    return f"{middle:+.1f} % [{low:+.1f}, {high:+.1f}]"


def table(content: Mapping[str, Any], kind: str, p: int) -> Iterator[str]:
    """Yield the lines of the table of one kind of perturbation in one norm, and of its contrasts."""
    groups = values(content, kind, p)
    schemes = list(next(iter(groups.values())))
    seeds = len(shared_seeds(content))
    fits = {
        group: Fit(schemes, seeds, Model(np.log([found[scheme] for scheme in schemes])), None)
        for group, found in groups.items()
    }
    against = {group: fit.model.against_first() or () for group, fit in fits.items()}
    yield f"| {kind}, p = {p} | " + " | ".join(groups) + " |"
    yield "|---" * (1 + len(groups)) + "|"
    for number, scheme in enumerate(schemes):
        cells = []
        for group, differences in against.items():
            own = groups[group][scheme]
            cell = f"{statistics.fmean(own):.3f}" + (f" ± {statistics.stdev(own):.3f}" if seeds > 1 else "")
            mine = differences[number - 1] if number and differences else None
            cells.append(f"{cell}, {percent(mine.mean, mine.half)}" if mine else cell)
        yield f"| {scheme} | " + " | ".join(cells) + " |"
    for name, pairs in content["contrasts"].items():
        asked = [fit.contrast(pairs) for fit in fits.values()]
        if any(asked):  # with one seed there is no interval
            yield f"| {name} | " + " | ".join(percent(one["mean"], one["half"]) if one else "" for one in asked) + " |"


def report(content: Mapping[str, Any]) -> str:
    """Return all tables, and what they are of."""
    seeds, networks = shared_seeds(content), content["networks"]
    if not seeds:
        sys.exit(
            f"{content['study']}: no seed has a finished network of every scheme yet; {len(networks)} are finished"
        )
    which = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
    lines = [f"{content['study']}: {which}, {content['images']} test images a network"]
    for p in reversed(NORMS):
        for kind in next(iter(networks.values()))["growth"]:
            lines += ["", *table(content, kind, p)]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", type=Path, help="folder of a study, or figure4.json of one")
    parser.add_argument("--limit", type=int, default=500, help="test images (default: %(default)s)")
    parser.add_argument(
        "--data-root", default=None, help="folder of the data sets (default: $RKBLOCKS_DATA, then data/)"
    )
    parser.add_argument("--out", type=Path, default=None, help="folder of what is written (default: that of the study)")
    parser.add_argument("--tiny", action="store_true", help="the smallest settings that run everything")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)

    if options.tiny:
        options.out = options.out or Path("runs/figure4")
        options.source, options.limit = options.out / "study", 20
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "tiny.toml").write_text(TINY, encoding="utf-8")
        study.run(options.out / "tiny.toml", options.source, workers=0, say=lambda line: None)
    if options.source is None:
        parser.error("name the folder of a study, or figure4.json of one; or --tiny")
    if options.source.suffix == ".json":
        content = read(options.source)
    else:
        options.out = options.out or options.source
        content = measure(options.source, options.out / "figure4.json", options.limit, options.data_root)
    print(report(content))
    if options.out is not None:
        for path in figures.save(figures.growth(list(content["networks"].values()), NORMS), options.out / "figure4"):
            print(f"wrote {path}")


if __name__ == "__main__":
    try:
        main()
    except RkblocksError as error:
        sys.exit(str(error))
