"""`rkblocks evaluate`: the runs one after the other, then what several of them say together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rkblocks import distributed
from rkblocks.diagnostics import fail
from rkblocks.evaluation.compare import compare_all
from rkblocks.evaluation.measure import Progress
from rkblocks.evaluation.options import Request, check_images, check_progress, check_sizes, check_types, folders
from rkblocks.evaluation.seeds import configuration, over_seeds
from rkblocks.evaluation.subject import Origin, Subject, of_run
from rkblocks.evaluation.subject_evaluation import BATCH
from rkblocks.evaluation.work import Work
from rkblocks.runs.evaluations import EVALUATIONS
from rkblocks.runs.folder import OpenRun, open_run
from rkblocks.runs.interrupt import Stop, stop_on_signal
from rkblocks.runs.lock import held
from rkblocks.runs.network import named_device
from rkblocks.runs.outcomes import Outcomes, ready
from rkblocks.settings.differences import flat


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
    targets: int | str | None = None,
    decay: str | None = None,
    queries: int | None = None,
    source: str | Path | None = None,
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
    corruptions: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Return the JSON object of `rkblocks evaluate --format json` for these run folders.

    The rows are those of `preset`, around the budget of the run's data set; eps, step, norm and loss change that
    budget. With an `attack` there is one row, which the other options describe in full; source: the run folder that
    `transfer` makes its examples on. Each evaluation is saved in its run's `evaluations/`: the JSON, and the outcome of
    every image as safetensors. probe: number of images for the health checks, 0 for none. corruptions: also the
    accuracy under common corruptions. resume: continue where an evaluation with the same arguments was interrupted; the
    result is the same as without the interruption. Several runs are compared, and averaged where they differ in their
    seed alone. Of the processes of torchrun each attacks its share of the images; all return the result, the first
    saves it.

    Raises RkblocksError RK801 to RK806, RK810 to RK813, RK820 to RK823 before anything is opened or attacked; RK824
    where the result cannot be saved, RK825 where a signal stopped it, RK826 where an interrupted one cannot be
    continued, RK828 where the source does not fit, RK858 where another process writes in a run, and what opening a run
    or a data set raises.
    """
    images: dict[str, Any] = {"split": split, "limit": limit, "seed": seed, "weights": weights}
    budget: dict[str, Any] = {"norm": norm, "eps": eps, "step": step, "loss": loss}
    search: dict[str, Any] = {"steps": steps, "restarts": restarts, "random_start": random_start}
    search |= {"targets": targets, "decay": decay, "queries": queries, "source": source}
    check_types({**images, "preset": preset, "attack": attack, "definition": definition, **budget, **search})
    check_types({"device": device, "data_root": data_root, "batch": batch, "probe": probe})
    check_types({"save": save, "resume": resume, "corruptions": corruptions})
    check_progress(progress)
    paths = folders(runs)
    check_images(**images)
    check_sizes(batch, probe)
    request = Request(preset, attack, definition, budget, {**search, "source": None if source is None else str(source)})
    request.check()  # before any run is opened
    with distributed.group(named_device(device).type == "cuda"):
        return _evaluated(
            paths, request, images, source, device, data_root, batch, probe, save, resume, corruptions, progress
        )


def _evaluated(
    paths: Sequence[Path],
    request: Request,
    images: dict[str, Any],
    source: str | Path | None,
    device: str,
    data_root: str | Path | None,
    batch: int,
    probe: int,
    save: bool,
    resume: bool,
    corruptions: bool,
    progress: Progress | None,
) -> dict[str, Any]:
    """Return what `evaluate` does, for options that are checked, in each process of the group."""
    # All are opened first, so that no work is lost to a slip in a later name.
    opened = {path: open_run(path, "cpu", images["weights"]) for path in paths}
    teacher = None if source is None else _teacher(source, opened, images["weights"])
    groups = _groups(opened)
    results: list[dict[str, Any]] = []
    outcomes: list[Outcomes] = []
    with _writing(paths if save else ()), stop_on_signal() as check:

        def report(label: str, done: int, total: int) -> None:
            if progress:
                progress(label, done, total)
            check()

        try:
            for path, run in opened.items():
                with distributed.together():
                    subject = of_run(path, device=device, data_root=data_root, **images)
                at = subject.labels.device
                sources = {} if teacher is None else {str(source): teacher.model.to(at)}
                subject = replace(subject, origin=_origin(subject, run, opened, groups), sources=sources)
                items, missing = request.rows(subject.dataset, len(run.record["data"]["classes"]))
                work = Work(subject, items, missing, images["seed"], batch, probe, request.name, corruptions)
                found, correct = work.done(report, save, resume)
                results.append(found)
                outcomes.append(replace(correct, settings=dict(flat(run.config.to_dict()))))
        except Stop as stop:
            help = "the same command with --resume continues" if save else "without --no-save it could be continued"
            fail("RK825", f"{stop} stopped the evaluation of {path}", help=help)
    comparisons = [comparison.to_dict() for comparison in compare_all(outcomes)]
    return {"version": 1, "runs": results, "seeds": over_seeds(results, groups), "comparisons": comparisons}


@contextmanager
def _writing(paths: Sequence[Path]) -> Iterator[None]:
    """Hold the locks of all runs, of which each was seen to take files: process 0 does, for the whole group.

    Raises RkblocksError RK858 or RK824 on all processes.
    """
    with ExitStack() as locks:
        with distributed.together():
            for path in dict.fromkeys(path.resolve() for path in paths) if distributed.rank() == 0 else ():
                locks.enter_context(
                    held(path, "wait until it is done; --no-save evaluates meanwhile, and writes nothing")
                )
            for path in paths if distributed.rank() == 0 else ():
                ready(path / EVALUATIONS, "evaluation")
        yield


def _teacher(source: str | Path, opened: dict[Path, OpenRun], weights: str) -> OpenRun:
    """Return the run that examples are made on. Raises RkblocksError RK828 where it does not fit the others."""
    teacher = open_run(source, "cpu", weights)
    for path, run in opened.items():
        if not _same_task(teacher.record["data"], run.record["data"]):
            fail("RK828", f"{source} was trained on other classes or image sizes than {path}", help="name another run")
    return teacher


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
    return all(one[key] == other[key] for key in ("shape", "classes"))
