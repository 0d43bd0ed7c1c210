"""One network of the demo: trained (or continued), attacked, its growth measured; one entry of results.json."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from torch import Tensor

from rkblocks import training
from rkblocks.analysis import analyze_network
from rkblocks.analysis.save import save
from rkblocks.attacks import fraction_text
from rkblocks.demo.settings import Settings, Task
from rkblocks.evaluation import Images, Item, Subject, evaluate_subject, of_run
from rkblocks.evaluation.measure import Measurement, measure
from rkblocks.evaluation.subject_evaluation import save_evaluation

ENTRY = "entry.json"
Report = Callable[[int, int], None]
"""Called as report(units done, units in all)."""


def perform(settings: Settings, root: Path, task: Task, report: Report) -> dict[str, Any]:
    """Return the entry of this network, from its file where it is finished; otherwise train, attack and write it.

    root: folder of all networks. An interrupted training goes on where it was saved. Raises what training and
    evaluation raise.
    """
    folder = root / task.name
    finished = read_entry(folder)
    if finished is not None:
        return finished
    changes = {"net.blocks": task.scheme, "training.seed": task.seed, "training.device": "cpu", **settings.changes}
    config = training.load(settings.preset, changes)
    epochs = config.training.epochs
    started = time.monotonic()
    report(0, epochs + 1)

    def listen(metrics: Mapping[str, Any]) -> None:
        report(int(metrics["epoch"]), epochs + 1)

    if (folder / "resume.pt").is_file():
        training.resume(folder, progress=listen)
    else:
        shutil.rmtree(
            folder, ignore_errors=True
        )  # what a crash left before the first save; the folder is the demo's own
        training.train(config, folder, progress=listen)
    trained = time.monotonic()
    report(epochs, epochs + 1)
    entry = attack(task, settings, of_run(folder, Images(limit=settings.limit), device="cpu"))
    entry["seconds"] = {"training": round(trained - started, 1), "attacks": round(time.monotonic() - trained, 1)}
    partial = folder / f".{ENTRY}"
    partial.write_text(json.dumps(entry, indent=2) + "\n", encoding="utf-8")
    partial.replace(folder / ENTRY)
    report(epochs + 1, epochs + 1)
    return entry


def read_entry(folder: Path) -> dict[str, Any] | None:
    """Return the entry of a finished network; None where there is none yet."""
    try:
        found = json.loads((folder / ENTRY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def attack(task: Task, settings: Settings, subject: Subject) -> dict[str, Any]:
    """Return the entry of a trained network: accuracies, eps sweep, growth, health.

    Its details are saved in its run folder.
    """
    threat = settings.threat
    if subject.origin is not None:  # its seeds are those of the demo, whether the other networks are done or not
        subject = replace(subject, origin=replace(subject.origin, seeds=tuple(range(settings.seeds))))
    done = evaluate_subject(subject, [Item("fgsm", threat), Item("pgd", threat)], seed=task.seed, probe=settings.probe)
    clean, fgsm, pgd = done.measurements
    analysis = analyze_network(subject, threat, only="growth", seed=task.seed, batch=256).to_dict()
    if subject.folder is not None:
        save_evaluation(done, subject.folder / "evaluations", "demo")
        save(analysis, subject.folder / "analysis")
    return {
        "blocks": task.scheme,
        "seed": task.seed,
        "clean": clean.accuracy,
        "fgsm": fgsm.accuracy,
        "pgd20": pgd.accuracy,
        "growth": {kind: by_norm(rows) for kind, rows in analysis["growth"].items()},
        "sweep": sweep(subject, settings, task.seed, clean, pgd),
        "n": len(subject),
        "threat": threat.to_dict(),
        "definition": "final",
        "health": [verdict.to_dict() for verdict in done.health],
        "coefficients": coefficients(subject),
        "parameters": sum(parameter.numel() for parameter in subject.model.parameters()),
        "weights": subject.weights,
        "run": f"networks/{task.name}",
    }


def by_norm(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Return the mean growth as {"1": {group: mean}, "2": …, "inf": …}."""
    table: dict[str, dict[str, float | None]] = {}
    for row in rows:
        table.setdefault(str(row["p"]), {})[row["group"]] = row["mean"]
    return table


def sweep(subject: Subject, settings: Settings, seed: int, clean: Measurement, pgd: Measurement) -> dict[str, float]:
    """Return the accuracy under PGD-20 (final iterate) for eps 0, the attack's own, and those of the settings,
    ascending.
    """
    found = {"0": clean.accuracy, fraction_text(settings.threat.eps): pgd.accuracy}
    for eps in settings.sweep:
        wide = Item("pgd", settings.threat.with_eps(eps))
        found[fraction_text(wide.threat.eps)] = measure(subject, wide, clean, seed=seed, batch=256).accuracy

    def radius(text: Any) -> Fraction:
        return replace(settings.threat, eps=text).eps

    return dict(sorted(found.items(), key=lambda pair: radius(pair[0])))


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
