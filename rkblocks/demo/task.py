"""One network of the demo: trained and attacked as one of a study, then its growth and its accuracy by eps measured;
one entry of results.json.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from rkblocks.analysis import analyze_network
from rkblocks.analysis.save import save
from rkblocks.demo.settings import NETWORKS, pgd
from rkblocks.evaluation import Images, Item, Subject, of_run
from rkblocks.evaluation.measure import measure, measure_clean
from rkblocks.progress import Report
from rkblocks.settings.fractions import fraction_text, parse_fraction
from rkblocks.study import task as networks
from rkblocks.study.state import state
from rkblocks.study.task import Task

ENTRY = "entry.json"


def perform(radii: Sequence[str], task: Task, report: Report) -> dict[str, Any]:
    """Return the entry of this network, from its file where it is finished; otherwise train, attack and write it.

    radii: of the sweep, beside the attack's own. What was interrupted goes on where it was saved. Raises what training
    and evaluation raise.
    """
    finished = read_entry(task.folder)
    if finished is not None:
        return finished
    seconds = networks.perform(task, report)
    started = time.monotonic()
    entry = measured(task, radii)
    attacks = seconds["evaluation"] + time.monotonic() - started
    entry["seconds"] = {"training": round(seconds["training"], 1), "attacks": round(attacks, 1)}
    partial = task.folder / f".{ENTRY}"
    partial.write_text(json.dumps(entry, indent=2) + "\n", encoding="utf-8")
    partial.replace(task.folder / ENTRY)
    return entry


def read_entry(folder: Path) -> dict[str, Any] | None:
    """Return the entry of a finished network; None where there is none yet."""
    try:
        found = json.loads((folder / ENTRY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def measured(task: Task, radii: Sequence[str]) -> dict[str, Any]:
    """Return the entry of a network that is trained and attacked: accuracies, eps sweep, growth (saved in its run
    folder), health.
    """
    seed, threat = task.evaluation.seed, pgd(task)
    now = state(task.folder, task.config, task.plan, task.evaluation)
    accuracy = {key: entry["accuracy"] for key, entry in now.found.items()}
    subject = of_run(task.folder, Images(limit=task.evaluation.limit or None), device="cpu")
    analysis = analyze_network(subject, threat, only="growth", seed=seed, batch=256).to_dict()
    save(analysis, task.folder / "analysis")
    sweep = {"0": accuracy["clean"], fraction_text(threat.eps): accuracy["pgd20"]}
    clean = measure_clean(subject, 256)
    for eps in radii:
        wide = Item("pgd", threat.with_eps(eps))
        sweep[fraction_text(wide.threat.eps)] = measure(subject, wide, clean, seed=seed, batch=256).accuracy
    return {
        "blocks": ",".join(task.config.net.blocks),
        "seed": seed,
        **accuracy,
        "growth": {kind: by_norm(rows) for kind, rows in analysis["growth"].items()},
        "sweep": dict(sorted(sweep.items(), key=lambda pair: parse_fraction(pair[0], "eps"))),
        "n": len(subject),
        "threat": threat.to_dict(),
        "definition": "final",
        "health": list(now.health),
        "coefficients": coefficients(subject),
        "parameters": sum(parameter.numel() for parameter in subject.model.parameters()),
        "weights": subject.weights,
        "run": f"{NETWORKS}/{task.name}",
    }


def by_norm(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Return the mean growth as {"1": {group: mean}, "2": …, "inf": …}."""
    table: dict[str, dict[str, float | None]] = {}
    for row in rows:
        table.setdefault(str(row["p"]), {})[row["group"]] = row["mean"]
    return table


def coefficients(subject: Subject) -> dict[str, dict[str, float]]:
    """Return the values in use of every block's learned coefficients, by the name of the block; empty for fixed
    schemes.
    """
    found = {}
    for name, module in subject.model.named_modules():
        if hasattr(module, "coefficients") and callable(module.coefficients):
            values = {
                key: float(value)
                for key, value in module.coefficients().items()
                if not isinstance(value, Tensor) or value.numel() == 1
            }
            if values:
                found[name] = values
    return found
