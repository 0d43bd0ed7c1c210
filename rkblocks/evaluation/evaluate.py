"""`rkblocks evaluate`: clean accuracy first, then every attack of the plan, then the health of the numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from rkblocks.attacks import Threat
from rkblocks.diagnostics import fail
from rkblocks.evaluation.health import Evidence, Verdict, health_report
from rkblocks.evaluation.intervals import wilson
from rkblocks.evaluation.measure import Measurement, Progress, entry, measure, measure_clean
from rkblocks.evaluation.plan import Item, base_threat, preset_plan
from rkblocks.evaluation.subject import Subject, of_run
from rkblocks.training.runs import open_run

BATCH = 256


@dataclass(frozen=True)
class Evaluation:
    """All rows of one subject and the health of its numbers. measurements[0] is clean."""

    subject: Subject
    seed: int
    measurements: tuple[Measurement, ...]
    health: tuple[Verdict, ...]

    @property
    def healthy(self) -> bool:
        return all(verdict.ok for verdict in self.health)

    def to_dict(self) -> dict[str, Any]:
        """Return one element of "runs" in the JSON of INTERFACE section 5.

        `worst` counts images that every row left correct.
        """
        survivors = torch.stack([row.correct for row in self.measurements]).all(0)
        right = int(survivors.sum())
        return {
            "run": self.subject.name,
            "blocks": self.subject.blocks,
            "data": {"name": self.subject.dataset, "split": self.subject.split, "n": len(self.subject)},
            "entries": [entry(row, seed=self.seed, weights=self.subject.weights) for row in self.measurements],
            "worst": {"accuracy": right / len(survivors), "interval": list(wilson(right, len(survivors)))},
            "health": [verdict.to_dict() for verdict in self.health],
        }


def evaluate_subject(
    subject: Subject,
    plan: Sequence[Item],
    *,
    seed: int = 0,
    batch: int = BATCH,
    probe: int = 100,
    progress: Progress | None = None,
) -> Evaluation:
    """Return the evaluation of one subject: clean, then the rows of `plan`, then the health checks on `probe` images
    (0: none).
    """
    if batch < 1:
        fail("RK823", f"the batch size is {batch}; expected at least one image", help="leave it out, or use 256")
    clean = measure_clean(subject, batch, progress)
    rows = [clean, *(measure(subject, item, clean, seed=seed, batch=batch, progress=progress) for item in plan)]
    checks: tuple[Verdict, ...] = ()
    if probe:
        checks = health_report(Evidence(subject, tuple(rows), subject.sample(probe, seed), seed, batch), progress)
    return Evaluation(subject, seed, tuple(rows), checks)


def evaluate(
    runs: Sequence[str | Path],
    *,
    preset: str = "standard",
    attack: str | None = None,
    definition: str | None = None,
    norm: str | None = None,
    eps: str | None = None,
    step: str | None = None,
    steps: int | None = None,
    restarts: int | None = None,
    random_start: bool | None = None,
    loss: str | None = None,
    split: str = "test",
    limit: int | None = None,
    seed: int = 0,
    device: str = "auto",
    data_root: str | Path | None = None,
    weights: str = "best",
    batch: int = BATCH,
    probe: int = 100,
    save: bool = True,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the JSON object of `rkblocks evaluate --format json` for these run folders.

    The rows are those of `preset`, around the budget of the run's data set; eps, step, norm and loss change that
    budget. With an `attack` there is one row, which the other options describe in full. Each evaluation is saved in
    its run's `evaluations/`: the JSON, and the outcome of every image as safetensors. probe: number of images for the
    health checks, 0 for none. Raises RkblocksError RK801 to RK806, RK811, RK820, RK821, RK823 before anything is
    opened or attacked, RK824 where the result cannot be saved, and what opening a run or a data set raises.
    """
    budget = {"norm": norm, "eps": eps, "step": step, "loss": loss}
    search = {"steps": steps, "restarts": restarts, "random_start": random_start}
    if attack is None and (definition is not None or any(value is not None for value in search.values())):
        given = [name for name, value in {**search, "definition": definition}.items() if value is not None]
        fail(
            "RK821",
            f"{', '.join(given)} belongs to a single attack, but preset {preset!r} has its own",
            help="name the attack as well, for example --attack pgd",
        )

    def plan(dataset: str) -> tuple[Item, ...]:
        threat = base_threat(dataset, **budget, **search)
        return (
            preset_plan(preset, threat, dataset) if attack is None else (Item(attack, threat, definition or "final"),)
        )

    for item in plan("cifar10"):  # a slip in the options is found now, not after the first run was opened
        if attack is not None:
            _refuse_unused({"step": step, **search}, base_threat("cifar10", **budget, **search), item)
    for run in runs[1:]:  # nor is the work on one run lost to a slip in the name of the next
        open_run(run, "cpu", weights)
    name = preset if attack is None else attack
    results = []
    for run in runs:
        subject = of_run(run, split=split, limit=limit, device=device, data_root=data_root, seed=seed, weights=weights)
        done = evaluate_subject(subject, plan(subject.dataset), seed=seed, batch=batch, probe=probe, progress=progress)
        results.append(done.to_dict())
        if save:
            results[-1]["saved"] = str(save_evaluation(done, Path(run) / "evaluations", name))
    return {"version": 1, "runs": results}


def _refuse_unused(given: dict[str, Any], asked: Threat, item: Item) -> None:
    """Raise RK821 where an option was given that the attack does not use, such as the steps of FGSM."""
    unused = [
        name
        for name, value in given.items()
        if value is not None and getattr(asked, name) != getattr(item.threat, name)
    ]
    if unused:
        used = ", ".join(f"{name} is {getattr(item.threat, name)}" for name in unused)
        fail(
            "RK821",
            f"attack {item.attack} does not use {', '.join(unused)}: in it {used}",
            help="leave the option out, or choose --attack pgd",
        )


def save_evaluation(evaluation: Evaluation, folder: Path, name: str) -> Path:
    """Return the path of the JSON written to `folder`; the outcome of every image lies beside it as .safetensors.

    The tensors: index and label of each image, and for every row of the table its prediction and whether it is
    correct. Nothing is overwritten: a second evaluation of the same name gets a number.
    """
    subject = evaluation.subject
    stem = f"{name}-{subject.split}-seed{evaluation.seed}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = next(k for k in range(1, 10**6) if not (folder / f"{stem}{'' if k == 1 else f'-{k}'}.json").exists())
        path = folder / f"{stem}{'' if free == 1 else f'-{free}'}.json"
        tensors = {"index": subject.indices.contiguous(), "label": subject.labels.cpu().contiguous()}
        for number, row in enumerate(evaluation.measurements):
            tensors[f"{number}.prediction"] = row.prediction.contiguous()
            tensors[f"{number}.correct"] = row.correct.contiguous()
        labels = {str(k): row.item.label if row.item else "clean" for k, row in enumerate(evaluation.measurements)}
        save_file(tensors, path.with_suffix(".safetensors"), metadata=labels)
        path.write_text(json.dumps(evaluation.to_dict(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        fail(
            "RK824", f"cannot save the evaluation in {folder}: {error.strerror or error}", help="check space and rights"
        )
    return path
