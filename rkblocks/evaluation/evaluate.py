"""`rkblocks evaluate`: the runs one after the other, what several say together; or a model of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from rkblocks import distributed
from rkblocks.diagnostics import fail
from rkblocks.evaluation.compare import compare_all, configuration, over_seeds
from rkblocks.evaluation.given import given, unfit
from rkblocks.evaluation.measure import Listener
from rkblocks.evaluation.request import Running, Search
from rkblocks.evaluation.resumable import Resumable
from rkblocks.evaluation.subject import Images, Origin, Subject, of_run
from rkblocks.progress import Progress
from rkblocks.runs.evaluations import EVALUATIONS
from rkblocks.runs.interrupt import Stop, stop_on_signal
from rkblocks.runs.lock import held
from rkblocks.runs.network import OpenRun, named_device, open_run
from rkblocks.runs.outcomes import Outcomes, ready
from rkblocks.settings.options import check_types, folders
from rkblocks.settings.plan import BATCH, Plan
from rkblocks.settings.reader import flat
from rkblocks.shown import Shown


class Evaluations(Shown, dict[str, Any]):
    """The JSON object of `rkblocks evaluate --format json`, which shows itself as the text of that command."""


def evaluate(
    runs: str | Path | Sequence[str | Path] | nn.Module,
    images: Any = None,
    labels: Any = None,
    *,
    preset: str = "standard",
    attack: str | None = None,
    definition: str | None = None,
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
    name: str | None = None,
    dataset: str = "",
    out: str | Path | None = None,
    save_images: int = 0,
    **search: Any,
) -> Evaluations:
    """Return the JSON object of `rkblocks evaluate --format json` for these run folders, or for a model of one's own;
    `print` shows the text of the command.

    The rows are those of `preset`, around the budget of the run's data set; eps, step, norm and loss change that
    budget. With an `attack` there is one row, which the other fields of attacks.Threat describe in full: steps,
    restarts, random_start, targets, decay, queries, eot, and source: the run folder that `transfer` makes its examples
    on. Each evaluation is saved in its run's `evaluations/`: the JSON, and the outcome of every image as safetensors.
    probe: number of images for the health checks, 0 for none. corruptions: also the accuracy under common corruptions.
    resume: continue where an evaluation with the same arguments was interrupted; the result is the same as without the
    interruption. Several runs are compared, and averaged where they differ in their seed alone. save_images: the
    adversarial examples of so many of the first images are saved too, for every attack: tensors "0.images" (clean),
    "1.images", ... beside index and label. Of the processes of torchrun each attacks its share of the images; all
    return the result, the first saves it.

    evaluate(model, images, labels) and evaluate(model, loader) are of any torch module: images [n, ...] in [0, 1] or
    uint8, integer labels [n], as tensors or arrays, or batches of both. Normalisation is the model's first layer. It
    stays on its device unless one is named. name: of the model in the result; dataset: whose budget is used, "digits"
    for example; without one that of CIFAR-10. out: a folder to save in as in that of a run; split, weights, data_root,
    source and resume are of runs.

    Raises RkblocksError RK801 to RK806, RK810 to RK813, RK820 to RK823 before anything is opened or attacked; RK824
    where the result cannot be saved, RK825 where a signal stopped it, RK826 where an interrupted one cannot be
    continued, RK828 where the source does not fit, RK858 where another process writes in a run, RK808, RK814 or RK863
    where a model does not fit its images, and what opening a run or a data set raises.
    """
    wanted = Images(split, limit, seed, weights, data_root)
    running = Running(device, batch, probe, save, resume, corruptions, progress, save_images)
    asked = Search.of(preset, attack, definition, search)
    wanted.check()
    running.check()
    if isinstance(runs, nn.Module):
        asked.check()
        subject = given(runs, images, labels, wanted, device)
        unfit(wanted, asked, running)
        folder = _folder(out, save_images)
        subject = replace(subject, name=name or subject.name, dataset=dataset, folder=folder)
        with distributed.group(subject.labels.is_cuda):
            return _of_model(subject, asked, running, seed)
    if out is not None:
        fail("RK863", "out is of a model; an evaluation of a run is saved in its folder", help="leave out away")
    if images is not None or labels is not None:
        fail("RK822", f"images were given for {runs!r}, which is no model", help="evaluate(model, images, labels)")
    paths = folders(runs)
    asked.check()  # before any run is opened
    with distributed.group(named_device(device).type == "cuda"):
        return _of_runs(paths, asked, wanted, running)


def _folder(out: str | Path | None, images: int) -> Path | None:
    """Return the folder that an evaluation of a model is saved in. Raises RkblocksError RK863, RK824."""
    check_types({"out": out})
    if out is None:
        if images:
            fail("RK863", "saving images of a model needs a folder", help="name one: out='found', or --out found")
        return None
    ready(Path(out) / "evaluations", "evaluation")
    return Path(out)


def _of_model(subject: Subject, search: Search, running: Running, seed: int) -> Evaluations:
    """Return what `evaluate` does for a model of one's own."""
    work = Resumable(subject, _plan(subject, search, running, seed, subject.classes), search.name)
    with stop_on_signal(_heard(running)) as check:
        try:
            with _looked_at(subject, check):
                found, _ = work.done(_listener(running, check), subject.folder is not None, resume=False)
                found |= work.examples(running.save_images)
        except Stop as stop:
            fail("RK825", f"{stop} stopped the evaluation of {subject.name}", help="start it anew")
    return Evaluations(version=1, runs=[found], seeds=[], comparisons=[])


def _plan(subject: Subject, search: Search, running: Running, seed: int, classes: int) -> Plan:
    return Plan(*search.rows(subject.dataset, classes), seed, running.batch, running.probe, running.corruptions)


def _heard(running: Running) -> Callable[[str], None] | None:
    """Return what is called when a signal comes: a listener that can speak says what will happen."""
    say = getattr(running.progress, "say", None)
    text = "stopping, with what is finished saved; again to stop at once"
    return None if say is None else lambda name: say(text if running.save else "stopping; again to stop at once")


@contextmanager
def _looked_at(subject: Subject, check: Callable[[], None]) -> Iterator[None]:
    """Look for a signal before every forward pass of the subject's models, so that no long batch is waited for; those
    that the health checks open have their hooks from there. Several processes look between batches only, where they
    meet.
    """
    models = (subject.model, *subject.sources.values()) if distributed.size() == 1 else ()
    hooks = [model.register_forward_pre_hook(lambda module, inputs: check()) for model in models]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _listener(running: Running, check: Callable[[], None]) -> Progress:
    """Return a listener that also looks whether a signal has come."""

    return Listener(running.progress, check)


def _of_runs(paths: Sequence[Path], search: Search, images: Images, running: Running) -> Evaluations:
    """Return what `evaluate` does for run folders, in each process of the group."""
    # All are opened first, so that no work is lost to a slip in a later name.
    opened = {path: open_run(path, "cpu", images.weights) for path in paths}
    source = search.search["source"]
    teacher = None if source is None else _teacher(source, opened, images.weights)
    groups = _groups(opened)
    results: list[dict[str, Any]] = []
    outcomes: list[Outcomes] = []
    with _writing(paths if running.save else ()), stop_on_signal(_heard(running)) as check:
        report = _listener(running, check)
        try:
            for path, run in opened.items():
                with distributed.together():
                    subject = of_run(path, images, device=running.device)
                at = subject.labels.device
                sources = {} if teacher is None else {str(source): teacher.model.to(at)}
                subject = replace(subject, origin=_origin(subject, run, opened, groups), sources=sources)
                classes = len(run.record["data"]["classes"])
                work = Resumable(subject, _plan(subject, search, running, images.seed, classes), search.name)
                with _looked_at(subject, check):
                    found, correct = work.done(report, running.save, running.resume)
                    found |= work.examples(running.save_images if running.save else 0)
                results.append(found)
                outcomes.append(replace(correct, settings=dict(flat(run.config.to_dict()))))
        except Stop as stop:
            help = (
                "the same command with --resume continues"
                if running.save
                else "without --no-save it could be continued"
            )
            fail("RK825", f"{stop} stopped the evaluation of {path}", help=help)
    comparisons = [comparison.to_dict() for comparison in compare_all(outcomes)]
    return Evaluations(version=1, runs=results, seeds=over_seeds(results, groups), comparisons=comparisons)


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
