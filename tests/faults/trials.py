"""What is tried on a damaged file or a failing disk; what may come of it is a result or a diagnostic, nothing else."""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import os
import random
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from damage import damages

from rkblocks import study, training
from rkblocks.cli import main

LONGEST = 60  # seconds; a case that takes as long is taken for endless

STUDY = """\
name = "faults"
preset = "digits"
[set]
training.epochs = 2
training.device = "cpu"
training.method = "standard"
training.batch_size = 400
net.widths = [4]
net.depth = 1
data.validation = 0.1
[grid]
blocks = ["euler", "ssp2"]
[evaluation]
limit = 10
probe = 0
[[evaluation.attacks]]
attack = "fgsm"
eps = "1/10"
"""
TINY = {"net.blocks": "euler", "net.widths": [4], "net.depth": 1, "training.method": "standard", "training.epochs": 2}
TINY |= {"training.device": "cpu", "training.batch_size": 400, "data.validation": 0.1}


@dataclass(frozen=True)
class Found:
    """What came of a case: its status, or what it should not have been."""

    case: str
    status: int | None
    fault: str = ""


def made(folder: Path) -> Path:
    """A study of two networks in `folder`, finished; its runs are what is damaged."""
    (folder / "faults.toml").write_text(STUDY)
    study.run(folder / "faults.toml", folder / "study", workers=0, say=lambda line: None)
    return folder / "study"


def trained(folder: Path) -> Path:
    return training.train(training.load("digits", TINY), folder, progress=False)


#: What reads each file, as command lines with RUN for the run folder and STUDY for that of the study.
READERS: dict[str, tuple[str, ...]] = {
    "run.json": ("runs RUN", "train --resume RUN", "study STUDY --report-only"),
    "config.toml": ("runs RUN", "train --resume RUN", "study STUDY --report-only"),
    "metrics.jsonl": ("runs RUN", "train --resume RUN", "study STUDY --report-only"),
    "resume.pt": ("train --resume RUN",),
    "weights.safetensors": ("evaluate RUN --attack fgsm --limit 5 --no-save", "train --resume RUN"),
    "tableaus/euler.json": ("train --resume RUN", "study STUDY --report-only"),
    "evaluations/study-test-seed0.json": ("study STUDY --report-only",),
    "evaluations/study-test-seed0.safetensors": ("evaluate RUN --attack fgsm --limit 10 --resume --seed 0",),
    "../../study.toml": ("study STUDY --dry-run",),
    "../../log.jsonl": ("study STUDY --dry-run",),
}


def of_files(folder: Path, chance: random.Random, share: float, names: tuple[str, ...] = ()) -> Iterator[Found]:
    """Damage each file of a run in every way (or a share of the ways, drawn by chance), and read it by all that do."""
    whole = made(folder)
    work = folder / "work"
    for name, lines in READERS.items():
        if names and name not in names:
            continue
        cases = [case for case in damages(whole / "runs" / "euler-seed0" / name, chance) if chance.random() < share]
        for number, (case, content) in enumerate(cases):
            for line in lines:
                shutil.rmtree(work, ignore_errors=True)
                shutil.copytree(whole, work)
                run = work / "runs" / "euler-seed0"
                (run / name).write_bytes(content)
                if name == "resume.pt":
                    (run / "resume.previous.pt").unlink(missing_ok=True)
                arguments = [{"RUN": str(run), "STUDY": str(work)}.get(word, word) for word in line.split()]
                yield attempt(f"{name} {number}: {case}: {line}", arguments)


def attempt(case: str, arguments: list[str]) -> Found:
    """Run a command line in this process. A fault is: RK999, a traceback, a signal, more than a minute."""
    out = io.StringIO()

    def late(number: int, frame: Any) -> None:
        raise TimeoutError(f"more than {LONGEST} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = main(arguments)
    except BaseException as error:
        return Found(case, None, f"{type(error).__name__}: {error}")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    said = out.getvalue()
    bad = [mark for mark in ("RK999", "Traceback", "\x1b[31m", "\n::error::\n") if mark in said]
    return Found(case, status, f"{bad[0]!r} in {said[-300:]!r}" if bad or status not in (0, 1, 2) else "")


class FullError(OSError):
    """No space left on device."""


@contextlib.contextmanager
def failing(when: int, below: Path) -> Iterator[Callable[[], int]]:
    """Have the `when`-th write below a folder fail, and all after it, as on a full disk; gives the number of writes.

    Counted are files opened for writing, the first write of each, and names moved, linked or made.
    """
    count = 0
    real = {name: getattr(os, name) for name in ("replace", "link", "mkdir")}
    plain = io.open

    def step(path: Any) -> None:
        nonlocal count
        if isinstance(path, int) or below not in Path(os.fspath(path)).absolute().parents:
            return
        count += 1
        if 0 < when <= count:
            raise FullError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    def opened(path: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if not set(mode) & set("wax+"):
            return plain(path, mode, *rest, **more)
        step(path)
        file = plain(path, mode, *rest, **more)
        write = file.write

        def checked(content: Any) -> Any:  # the first of a file: figures are written in thousands of pieces
            step(path)
            file.write = write
            return write(content)

        with contextlib.suppress(AttributeError):
            file.write = checked
        return file

    def named(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            step(arguments[-1] if name != "mkdir" else arguments[0])
            return real[name](*arguments, **more)

        return call

    builtins.open = io.open = opened  # type: ignore[assignment]
    for name in real:
        setattr(os, name, named(name))
    try:
        yield lambda: count
    finally:
        builtins.open = io.open = plain
        for name, function in real.items():
            setattr(os, name, function)


WRITERS = {
    "train": "train --preset PRESET --out NEW",
    "evaluate": "evaluate RUN --attack fgsm --limit 10",
    "study": "study FILE --out NEW --workers 0",
    "analyze": "analyze RUN --only growth --limit 4",
}


def of_writes(folder: Path, name: str, step: int = 1) -> Iterator[Found]:
    """The k-th write fails, k = 1, 2, ... until there are no more; then the same command does it without fault."""
    preset, run = folder / "preset.toml", trained(folder / "run")
    shutil.copy(run / "config.toml", preset)
    (folder / "faults.toml").write_text(STUDY)
    when = 1
    while True:
        new, used = folder / "new", folder / "used"
        for path in (new, used):
            shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(run, used)
        words = {"PRESET": str(preset), "NEW": str(new), "RUN": str(used), "FILE": str(folder / "faults.toml")}
        arguments = [words.get(word, word) for word in WRITERS[name].split()]
        with failing(when, new if "NEW" in WRITERS[name] else used) as writes:
            found = attempt(f"{name}: write {when} fails", arguments)
        if writes() < when:
            return
        yield found
        again = ["train", "--resume", str(new)] if name == "train" and (new / "config.toml").exists() else arguments
        after = attempt(f"{name}: again after write {when}", again)
        yield (
            after if after.status == 0 or after.fault else Found(after.case, after.status, "it cannot be done any more")
        )
        if name == "train":
            yield same(f"train: the weights after write {when}", new, run)
        when += step


def same(case: str, folder: Path, expected: Path) -> Found:
    """Whether two runs have the same weights, bit for bit."""
    names = ("weights.safetensors", "last.safetensors")
    from safetensors.torch import load_file

    try:
        pairs = [(load_file(folder / name), load_file(expected / name)) for name in names]
    except Exception as error:
        return Found(case, None, f"{type(error).__name__}: {error}")
    equal = all(one.keys() == two.keys() and all(one[k].equal(two[k]) for k in one) for one, two in pairs)
    return Found(case, 0, "" if equal else "the weights are others")


def memory() -> float:
    """Megabytes that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
