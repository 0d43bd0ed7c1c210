"""Workers side by side: outcomes, failures, a death, one thread each, and stopping with all of them ended."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from rkblocks import study
from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.runs import storage
from rkblocks.study.pool import outcomes


@dataclass(frozen=True)
class Chore:
    """What a worker does: "ok", "fail", "crash", "die", or "sleep"."""

    label: str
    does: str = "ok"


def work(chore: Chore, report: Any) -> dict[str, Any]:
    report(1, 2)
    if chore.does == "fail":
        fail("RK855", f"{chore.label} cannot")
    if chore.does == "crash":
        raise ZeroDivisionError(chore.label)
    if chore.does == "die":
        os._exit(7)
    while chore.does == "sleep":
        time.sleep(0.01)
    report(2, 2)
    return {"threads": torch.get_num_threads(), "gpu": os.environ.get("CUDA_VISIBLE_DEVICES"), "process": os.getpid()}


@pytest.mark.parametrize("workers", [0, 2])
def test_every_task_has_an_outcome(workers: int) -> None:
    chores = [Chore("a"), Chore("b", "fail"), Chore("c", "crash"), Chore("d")]
    told: list[tuple[str, int, int]] = []
    options: dict[str, Any] = {"devices": ["5", "3"], "threads": 1} if workers else {}
    tell = lambda *at: told.append(at)  # noqa: E731
    found = {one.task.label: one for one in outcomes(chores, work, workers=workers, progress=tell, **options)}
    assert sorted(found) == ["a", "b", "c", "d"]
    assert {("a", 1, 2), ("a", 2, 2), ("b", 1, 2), ("d", 2, 2)} <= set(told)
    assert isinstance(found["b"].error, RkblocksError)
    assert [one.code for one in found["b"].error.diagnostics] == ["RK855"]
    crash = found["c"].error
    assert isinstance(crash, RkblocksError)
    assert [one.code for one in crash.diagnostics] == ["RK999"]
    assert "ZeroDivisionError: c" in str(crash)
    assert "Traceback" in crash.__notes__[0]
    assert found["a"].error is None
    assert found["a"].result["threads"] == 1
    if workers:
        assert {found[label].result["gpu"] for label in "ad"} <= {"5", "3"}
        assert found["a"].result["process"] != os.getpid()
    else:
        assert found["a"].result["process"] == os.getpid()


def test_a_worker_that_dies_is_one_failure_and_is_replaced() -> None:
    chores = [Chore("a", "die"), Chore("b")]
    found = {one.task.label: one for one in outcomes(chores, work, workers=1)}
    error = found["a"].error
    assert isinstance(error, RkblocksError)
    assert [one.code for one in error.diagnostics] == ["RK842"]
    assert "status 7" in str(error)
    assert found["b"].error is None


def test_who_stops_listening_leaves_no_worker_behind() -> None:
    running = outcomes([Chore("a"), Chore("b", "sleep")], work, workers=2)
    process = next(running).result["process"]
    running.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


DYING = """
import os, signal, sys, time
from torch.optim.optimizer import register_optimizer_step_post_hook
from rkblocks import study
from rkblocks.study import main
from rkblocks.study.task import perform

steps = 0


def stepped(*unused):
    global steps
    steps += 1
    if steps == int(sys.argv[3]):
        os.kill(os.getppid(), signal.SIGKILL)
        until = time.monotonic() + 30
        while signal.getsignal(signal.SIGINT) is not signal.default_int_handler and time.monotonic() < until:
            time.sleep(0.01)  # training has its own handler until it has taken note of a signal


def work(task, report):
    if task.name == "ssp2-seed0":
        register_optimizer_step_post_hook(stepped)
    return perform(task, report)


if __name__ == "__main__":
    main.perform = work
    study.run(sys.argv[1], sys.argv[2], workers=2)
"""


def test_workers_whose_parent_is_killed_save_and_end(tiny: Path, finished: Path, tmp_path: Path) -> None:
    """A worker kills the parent in the midst of an epoch: each stops after its step, and the same call continues."""
    step = random.Random(6).randint(2, 18)
    script, out = tmp_path / "script.py", tmp_path / "out"
    script.write_text(DYING)
    command = [sys.executable, str(script), str(tiny), str(out), str(step)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said, _ = process.communicate(timeout=300)  # until the last worker has closed its end as well
    assert process.returncode == -signal.SIGKILL
    assert "Traceback" not in said
    state = storage.load_state(out / "runs" / "ssp2-seed0" / "resume.pt")["progress"]
    assert (state["epoch"], state["step"]) == (0, step)
    content = study.run(tiny, out, workers=0, only="ssp2-seed0", say=lambda line: None)
    assert content["failed"] == {}
    expected = json.loads((finished / "results" / "results.json").read_text())["entries"]
    (accuracy,) = [one["accuracy"] for one in content["entries"] if one["run"] == "runs/ssp2-seed0"]
    assert accuracy in [one["accuracy"] for one in expected if one["run"] == "runs/ssp2-seed0"]
    again, whole = (load_file(folder / "runs" / "ssp2-seed0" / "last.safetensors") for folder in (out, finished))
    assert all(torch.equal(again[name], value) for name, value in whole.items())


SCRIPT = """
import sys
from rkblocks import study

if __name__ == "__main__":
    study.run(sys.argv[1], sys.argv[2], workers=2)
"""


@pytest.mark.slow
def test_a_signal_saves_all_and_the_same_call_continues(tiny: Path, tmp_path: Path) -> None:
    """SIGTERM, as batch systems send it; the test of the demo, on the same pool, has SIGINT."""
    script, out = tmp_path / "script.py", tmp_path / "out"
    script.write_text(SCRIPT)
    text = (
        tiny.read_text().replace("training.epochs = 1", "training.epochs = 12").replace("seeds = [0, 1]", "seeds = [0]")
    )
    tiny.write_text(text)
    command = [sys.executable, str(script), str(tiny), str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while len(list(out.glob("runs/*/metrics.jsonl"))) < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    assert f"Continue with: rkblocks study {tiny} --out {out} --workers 2\n" in said
    assert not list((out / "results").glob("table*"))
    before = {path: path.read_text() for path in out.glob("runs/*/metrics.jsonl")}
    assert any(len(metrics.splitlines()) < 12 for metrics in before.values())
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    assert "2 of 2 networks" in done.stdout
    for path, metrics in before.items():
        after = path.read_text()
        assert after.startswith(metrics), "the epochs before are those from before"
        assert len(after.splitlines()) == 12


COMMAND = """
import sys
from rkblocks.cli import main

if __name__ == "__main__":
    sys.exit(main(["study", sys.argv[1], "--out", sys.argv[2], "--workers", "2"]))
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_workers_that_still_start_end_with_their_parent(number: int, status: int, tiny: Path, tmp_path: Path) -> None:
    script, out = tmp_path / "script.py", tmp_path / "out"
    script.write_text(COMMAND)
    command = [sys.executable, str(script), str(tiny), str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("the system does not tell of children")
    while len(children.read_text().split()) < 2:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(number)
    said, _ = process.communicate(timeout=300)  # until the last of them has closed its end as well
    assert process.returncode == status
    assert ("interrupted" in said) == (number == signal.SIGTERM)
    if number == signal.SIGTERM:  # a parent that is killed leaves a child in the midst of what multiprocessing reads
        assert "Traceback" not in said
    assert not (out / "runs").exists()
