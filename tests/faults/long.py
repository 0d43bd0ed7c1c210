"""The long form of the trials: `nice python tests/faults/long.py files|writes|kills [--share 1] [--count 100]`.

Prints what was tried, one line a file or command, and every fault; exit status 1 where there is one.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "faults"), str(TESTS)]

import torch  # noqa: E402
from commands import start  # noqa: E402
from trials import READERS, STUDY, WRITERS, Found, memory, of_files, of_writes, same, trained  # noqa: E402

from rkblocks.diagnostics import RkblocksError  # noqa: E402
from rkblocks.runs import evaluations  # noqa: E402


def kills(folder: Path, name: str, count: int, chance: random.Random) -> Iterator[Found]:
    """Kill a command at random moments until `count` kills are done; after each series it ends, and nothing is lost."""
    run = trained(folder / "run")
    preset = shutil.copy(run / "config.toml", folder / "preset.toml")
    (folder / "faults.toml").write_text(STUDY)
    done = series = 0
    while done < count:
        series += 1
        new, used = folder / f"new{series}", folder / f"used{series}"
        shutil.copytree(run, used)
        words = {"PRESET": str(preset), "NEW": str(new), "RUN": str(used), "FILE": str(folder / "faults.toml")}
        arguments = [words.get(word, word) for word in WRITERS[name].split()]
        arguments += ["--resume"] if name == "evaluate" else []
        errors = folder / "errors"
        for attempt in range(6):
            again = name == "train" and (new / "config.toml").exists()
            process = start(["train", "--resume", str(new)] if again else arguments, errors)
            if attempt < 5 and done < count:
                process.join(chance.uniform(0, LONGEST[name]))
            else:
                process.join(300)
            if process.exitcode is None:
                os.kill(process.pid, signal.SIGKILL)
                process.join()
                done += 1
                continue
            break
        said = errors.read_text() if errors.exists() else ""
        bad = "Traceback" in said or "RK999" in said
        fault = f"status {process.exitcode}: {said[-300:]}" if process.exitcode != 0 or bad else ""
        yield Found(f"{name}: series {series}, {done} kills", process.exitcode, fault)
        errors.unlink(missing_ok=True)
        if name == "train":
            yield same(f"train: weights of series {series}", new, run)
        if name == "evaluate":
            found, wrong = evaluations.read(used)
            yield Found(
                f"evaluate: series {series}", 0, "" if len(found) == 1 and not wrong else f"{len(found)}, {wrong}"
            )
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(used, ignore_errors=True)


LONGEST = {"train": 4.0, "evaluate": 4.0, "study": 8.0, "analyze": 4.0}
"""Seconds within which a command is killed; about as long as it takes."""


def tally(title: str, found: Iterable[Found]) -> int:
    """Print what came of the cases; returns the number of faults."""
    statuses: collections.Counter[str] = collections.Counter()
    faults = 0
    began = time.monotonic()
    for one in found:
        statuses["fault" if one.fault else f"status {one.status}"] += 1
        if one.fault:
            faults += 1
            print(f"  FAULT {one.case}: {one.fault}", flush=True)
    text = ", ".join(f"{count} {name}" for name, count in sorted(statuses.items()))
    seconds = time.monotonic() - began
    print(f"{title}: {sum(statuses.values())} cases: {text}; {seconds:.0f} s, {memory():.0f} MB at most", flush=True)
    return faults


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("files", "writes", "kills"))
    parser.add_argument("--share", type=float, default=1.0, help="of the damages of a file, drawn by chance")
    parser.add_argument("--count", type=int, default=100, help="kills of each command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="names of files or commands, joined by commas")
    options = parser.parse_args()
    torch.set_num_threads(1)
    faults = 0
    names = READERS if options.what == "files" else WRITERS
    for name in (name for name in names if not options.only or name in options.only.split(",")):
        chance = random.Random(f"{options.seed} {name}")
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            if options.what == "files":
                faults += tally(name, of_files(folder, chance, options.share, (name,)))
            elif options.what == "writes":
                faults += tally(name, of_writes(folder, name))
            else:
                faults += tally(name, kills(folder, name, options.count, chance))
    return 1 if faults else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RkblocksError as error:
        sys.exit(str(error))
