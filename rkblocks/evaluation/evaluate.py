"""`rkblocks evaluate`: the runs one after the other, then what several of them say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rkblocks.diagnostics import fail
from rkblocks.evaluation.compare import compare_all
from rkblocks.evaluation.measure import Progress
from rkblocks.evaluation.options import check_images, check_progress, check_sizes, check_types, folders, refuse_unused
from rkblocks.evaluation.outcomes import Outcomes
from rkblocks.evaluation.plan import Item, base_threat, preset_plan
from rkblocks.evaluation.seeds import configuration, over_seeds
from rkblocks.evaluation.subject import Origin, Subject, of_run
from rkblocks.evaluation.subject_evaluation import BATCH
from rkblocks.evaluation.work import Work
from rkblocks.training.interrupt import Stop, stop_on_signal
from rkblocks.training.runs import OpenRun, open_run


def evaluate(
    runs: str | Path | Sequence[str | Path],
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
    resume: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the JSON object of `rkblocks evaluate --format json` for these run folders.

    The rows are those of `preset`, around the budget of the run's data set; eps, step, norm and loss change that
    budget. With an `attack` there is one row, which the other options describe in full. Each evaluation is saved in
    its run's `evaluations/`: the JSON, and the outcome of every image as safetensors. probe: number of images for the
    health checks, 0 for none. resume: continue where an evaluation with the same arguments was interrupted; the result
    is the same as without the interruption. Several runs are compared, and averaged where they differ in their seed
    alone.

    Raises RkblocksError RK801 to RK806, RK811, RK820 to RK823 before anything is opened or attacked; RK824 where the
    result cannot be saved, RK825 where a signal stopped it, RK826 where an interrupted one cannot be continued, and
    what opening a run or a data set raises.
    """
    images = {"split": split, "limit": limit, "seed": seed, "weights": weights}
    budget = {"norm": norm, "eps": eps, "step": step, "loss": loss}
    search = {"steps": steps, "restarts": restarts, "random_start": random_start}
    check_types({**images, "preset": preset, "attack": attack, "definition": definition, **budget, **search})
    check_types({"device": device, "data_root": data_root, "batch": batch, "probe": probe})
    check_types({"save": save, "resume": resume})
    check_progress(progress)
    paths = folders(runs)
    check_images(**images)
    check_sizes(batch, probe)
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
            refuse_unused({"step": step, **search}, base_threat("cifar10", **budget, **search), item)
    opened = {path: open_run(path, "cpu", weights) for path in paths}  # nor is work lost to a slip in a later name
    groups = _groups(opened)

    results: list[dict[str, Any]] = []
    outcomes: list[Outcomes] = []
    with stop_on_signal() as check:

        def report(label: str, done: int, total: int) -> None:
            if progress:
                progress(label, done, total)
            check()

        try:
            for path, run in opened.items():
                subject = of_run(path, device=device, data_root=data_root, **images)
                subject = replace(subject, origin=_origin(subject, run, opened, groups))
                work = Work(subject, plan(subject.dataset), seed, batch, probe, preset if attack is None else attack)
                found, correct = work.done(report, save, resume)
                results.append(found)
                outcomes.append(correct)
        except Stop as stop:
            help = "the same command with --resume continues" if save else "without --no-save it could be continued"
            fail("RK825", f"{stop} stopped the evaluation of {path}", help=help)
    comparisons = [comparison.to_dict() for comparison in compare_all(outcomes)]
    return {"version": 1, "runs": results, "seeds": over_seeds(results, groups), "comparisons": comparisons}


def _groups(opened: dict[Path, OpenRun]) -> dict[str, list[tuple[str, int]]]:
    """Return configuration -> (run, seed) of the runs that have it."""
    groups: dict[str, list[tuple[str, int]]] = {}
    for path, run in opened.items():
        groups.setdefault(configuration(run), []).append((str(path), run.config.training.seed))
    return groups


def _origin(
    subject: Subject, run: OpenRun, opened: dict[Path, OpenRun], groups: dict[str, list[tuple[str, int]]]
) -> Origin | None:
    """Return the origin of the subject, with what the other runs add: seeds of its configuration, and siblings."""
    if subject.origin is None:
        return None
    seeds = {seed for _, seed in groups[configuration(run)]}
    data = run.record["data"]
    siblings = (path for path, other in opened.items() if other is not run and _same_task(other.record["data"], data))
    return replace(subject.origin, seeds=tuple(sorted(seeds)), siblings=tuple(siblings))


def _same_task(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[key] == other[key] for key in ("name", "shape", "classes"))
