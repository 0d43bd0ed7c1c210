"""`rkblocks study`, top to bottom: read the file, see what is done, do the rest, write the table."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from rkblocks import invocation
from rkblocks.diagnostics import Diagnostic, RkblocksError, fail, unfit_argument
from rkblocks.files.group_schemes import schemes as schemes_of
from rkblocks.program.lower import admit
from rkblocks.progress import Progress
from rkblocks.runs import combinations
from rkblocks.settings import toml
from rkblocks.study import log, tables
from rkblocks.study.folder import KEPT, RESULTS, RUNS, opened, own, prepare
from rkblocks.study.keys import placed
from rkblocks.study.pool import Outcome, outcomes
from rkblocks.study.results import Key, StudyResults, collect, curves, run_name
from rkblocks.study.spec import Study, load
from rkblocks.study.state import State, problem, state
from rkblocks.study.task import Task, perform
from rkblocks.tableau import Tableau

Say = Callable[[str], None]
MOST_WORKERS = 8  # unless more are asked for
#: Arguments of `run`: what may not be left out, what is a path, and the least of what is a number.
REQUIRED: Final = ("source", "dry_run", "report_only", "say")
PATHS: Final = ("source", "out", "data_root")
LEAST: Final = {"workers": 0, "threads": 1}


def run(
    source: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    workers: int | None = None,
    only: str | None = None,
    dry_run: bool = False,
    report_only: bool = False,
    ray: str | None = None,
    data_root: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    say: Say = print,
    progress: Progress | None = None,
) -> StudyResults:
    """Return the content of results.json, with "failed": {run: message} and "folder": the path of the study.

    Args:
        source: a study file, or the folder of a study.
        out: the folder; None: the source where that is one, else runs/studies/NAME.
        workers: processes side by side; None: one a GPU, else the cores, eight at most; 0: none, work in this process.
        only: a pattern of run names (ssp3*); others are left as they are, and are in the table as far as they are done.
        dry_run: say what there is to do, and do nothing.
        report_only: write the table of what is done.
        ray: the address of a Ray cluster: "auto", "HOST:PORT", or "local" for one of this machine alone.
        data_root: as for `train`.
        device: as for `train`.
        threads: of a task; None: those of the study file.
        say: is given each line for the reader.

    A network that is finished is not trained again, one that is interrupted goes on, one that fails is reported and
    tried again by the next call. Ctrl-C raises KeyboardInterrupt, after the workers have saved their state.

    Raises:
        RkblocksError: RK850 to RK852, RK854 (nothing fits `only`), RK856 (no cluster), RK857 (the folder is another
            study's), RK822 (arguments), RK716 (cannot be written), and what reading the file raises; nothing is started
            then.
    """
    again = {"out": out, "workers": workers, "threads": threads, "only": only, "ray": ray}
    again |= {"data_root": data_root, "device": device}
    _check(
        {"source": source, **again, "dry_run": dry_run, "report_only": report_only, "say": say, "progress": progress}
    )
    study = load(source)
    folder = Path(out) if out is not None else _folder(Path(source), study)
    own(study, folder)
    with opened(folder) as (root, packed):
        tasks = tasks_of(study, root, threads or study.resources.threads, data_root, device)
        schemes = {} if report_only else _buildable(study)
        states = _states(tasks, schemes)
        for note in dict.fromkeys(note for now in states.values() for note in now.notes):
            say(note)
        chosen = [key for key, task in tasks.items() if only is None or fnmatchcase(task.name, only)]
        if not chosen:
            fail(
                "RK854",
                f"no network of {study.name} is called {only}",
                help=f"one is {next(iter(tasks.values())).name}",
            )
        left = [key for key in chosen if states[key].unfinished(tasks[key].plan)]
        if not report_only:
            warnings = (str(one) for key in left for one in combinations.without_effect(tasks[key].config))
            for warning in dict.fromkeys(warnings):
                say(warning)
        if dry_run:
            say(log.overview(study, {key: tasks[key] for key in chosen}, states, log.estimate(study, states, folder)))
            return StudyResults({**collect(study, states), "failed": {}, "folder": str(folder)})
        if left and packed and not report_only:
            had = f"{len(chosen) - len(left)} of {len(chosen)} networks"
            help = (
                f"{shlex.join(['unzip', '-q', str(folder / KEPT), '-d', str(folder / RUNS)])}; or choose another --out"
            )
            fail("RK748", f"{folder / KEPT} holds {had}, and no weights", help=help)
        prepare(study, folder)
        failed = {tasks[key].name: f"RK855 {now.damage}" for key in chosen if (now := states[key]).damage}
        if report_only:
            for name, message in failed.items():
                say(f"{name}: FAILED: {message}")
        elif left:
            say(f"{folder}: {len(chosen) - len(left)} of {len(chosen)} networks are finished, {len(left)} to do")
            todo = {key: tasks[key] for key in left}
            side, done = (
                (None, _on_ray(list(todo.values()), study, ray, progress))
                if ray is not None
                else _here(list(todo.values()), workers, threads, study, progress)
            )
            try:
                failed = _follow(done, left, log.Outlook(study, states, todo, folder, side), folder, say)
            except KeyboardInterrupt:
                say(f"Stopped; all is saved. Continue with: {invocation.line('study', source, **again)}")
                raise
            states = _states(tasks, schemes)
        from rkblocks.study import output

        content = collect(study, states)
        written = output.write(content, curves(study, states), folder / RESULTS)
        say("")
        say(tables.plain(content))
        if failed:
            where = "above" if report_only else f"above and {folder / log.FILE}"
            say(f"Failed: {', '.join(failed)}; see {where}. The same command tries again.")
        say(f"Written: {written[0].parent}/: {', '.join(path.name for path in written)}")
        return StudyResults({**content, "failed": failed, "folder": str(folder)})


def _check(given: Mapping[str, Any]) -> None:
    """Raise RkblocksError RK822 for the first argument that is none. All but source may be None, or left out."""
    for name, value in given.items():
        if value is None and name not in REQUIRED:
            continue
        expected = _expected(name, value)
        if expected:
            unfit_argument(name, value, expected, "see docs/studies.md, section Running it")


def _expected(name: str, value: Any) -> str:
    """What the argument should be; "" where it is."""
    if name in PATHS:
        return "" if isinstance(value, str | os.PathLike) and os.fspath(value) else "a path"
    if name in LEAST:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return "" if whole and value >= LEAST[name] else f"a whole number, at least {LEAST[name]}"
    if name in ("dry_run", "report_only"):
        return "" if isinstance(value, bool) else "true or false"
    if name in ("say", "progress"):
        return "" if isinstance(value, Callable) else "a function"  # type: ignore[arg-type]
    return "" if isinstance(value, str) and value else "a text"


def _folder(source: Path, study: Study) -> Path:
    return source if source.is_dir() else Path("runs") / "studies" / study.name


Schemes = tuple[Tableau, ...]
"""The schemes of a cell, one a group."""


def tasks_of(study: Study, root: Path, threads: int, data_root: str | None, device: str | None) -> dict[Key, Task]:
    """All networks, seed by seed, so that a study that was interrupted has all cells for the seeds that it has."""
    return {
        (cell.name, seed): Task(
            run_name(cell.name, seed),
            root / run_name(cell.name, seed),
            study.config(cell, seed, data_root=data_root, training_device=device),
            study.plan(cell),
            study.evaluation,
            threads,
        )
        for seed in study.seeds
        for cell in study.cells
    }


def _buildable(study: Study) -> dict[str, Schemes]:
    """The schemes of every cell, as their files are now; raises what is wrong with them before anything is trained."""
    problems: list[Diagnostic] = []
    found: dict[str, Schemes] = {}
    for cell in study.cells:
        config = study.config(cell, study.seeds[0])
        with placed(f"{cell.place}.blocks", problems):
            found[cell.name] = schemes_of(config.net.blocks, config.net.groups)
            for scheme in dict.fromkeys(found[cell.name]):
                admit(scheme, inconsistent=config.net.inconsistent)
    if problems:
        raise RkblocksError(toml.with_lines(problems, study.path), str(study.path))
    return found


def _states(tasks: dict[Key, Task], schemes: Mapping[str, Schemes]) -> dict[Key, State]:
    """The state of every network; raises all RK852 at once. schemes: of the cells, where training asks for them."""
    found: dict[Key, State] = {}
    wrong: list[Diagnostic] = []
    for key, task in tasks.items():
        try:
            found[key] = state(task.folder, task.config, task.plan, task.evaluation)
            had, wanted = found[key].schemes, schemes.get(key[0], ())
            if had and wanted and [one.digest for one in had] != [one.digest for one in wanted]:
                fail(
                    "RK852",
                    f"{task.folder} was trained with another {','.join(task.config.net.blocks)} than the file has now",
                    help="restore the file, or move the folder away to train anew",
                )
        except RkblocksError as error:
            wrong += error.diagnostics
    if wrong:
        raise RkblocksError(wrong)
    return found


def _here(
    todo: Sequence[Task], workers: int | None, threads: int | None, study: Study, progress: Progress | None
) -> tuple[int, Iterator[Outcome[Task]]]:
    """Return how many processes work side by side, and what becomes of the tasks."""
    places = {task.config.training.device for task in todo}
    named = [place for place in places if place.startswith("cuda:")]  # as every worker sees them: none is hidden
    gpus = visible_gpus() if places & {"auto", "cuda"} and not named else []
    most = len(gpus) or len(named) or min(os.cpu_count() or 1, MOST_WORKERS)
    count = min(most if workers is None else workers, len(todo))
    return count, outcomes(
        todo,
        perform,
        workers=count,
        progress=progress,
        threads=threads or study.resources.threads,
        devices=gpus if len(gpus) > 1 else (),
    )


def _on_ray(todo: Sequence[Task], study: Study, address: str, progress: Progress | None) -> Iterator[Outcome[Task]]:
    from rkblocks.study.cluster import outcomes_on_ray

    return outcomes_on_ray([task.absolute() for task in todo], study.resources, address, progress)


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    count = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return named.split(",")[:count] if named else [str(number) for number in range(count)]


def _follow(
    done: Iterable[Outcome[Task]], todo: Sequence[Key], outlook: log.Outlook, folder: Path, say: Say
) -> dict[str, str]:
    """Log each network as it ends; returns the messages of those that failed, by run."""
    failed = {}
    keys, total = {run_name(*key): key for key in todo}, len(todo)
    for number, outcome in enumerate(done, 1):
        name = outcome.task.name
        if outcome.error is None:
            seconds = {key: round(value, 1) for key, value in outcome.result.items()}
            log.note(folder, name, "done", **seconds)
            say(log.ended(name, sum(seconds.values()), (number, total), outlook.after(keys[name])))
        else:
            outlook.after(keys[name])
            failed[name] = problem(outcome.error)
            traceback = {"traceback": "".join(notes)} if (notes := getattr(outcome.error, "__notes__", ())) else {}
            log.note(folder, name, "failed", message=str(outcome.error), **traceback)
            say(f"{name}: FAILED ({number} of {total}): {failed[name]}")
            if os.environ.get("RKBLOCKS_DEBUG", "") not in ("", "0"):
                for text in traceback.values():
                    say(text)
    return failed
