"""The short form of the trials: a share of the damages, drawn with a seed; each write of a training; signals; pipes."""

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
import torch
from commands import ended, start
from trials import Found, attempt, made, of_files, of_writes, same, trained

from rkblocks import training

torch.set_num_threads(1)


def faults(found: list[Found]) -> list[str]:
    return [f"{one.case}: {one.fault}" for one in found if one.fault]


@pytest.mark.parametrize("name", ["run.json", "metrics.jsonl", "config.toml", "evaluations/study-test-seed0.json"])
def test_damaged_files_are_results_or_diagnostics(name: str, tmp_path: Path) -> None:
    found = list(of_files(tmp_path, random.Random(1), 0.02, (name,)))
    assert len(found) > 5
    assert faults(found) == []
    seen = {0} if name.startswith("evaluations") else {1, 2}  # a table passes over what is no evaluation, and says so
    assert {one.status for one in found} & seen


def test_damaged_states_are_results_or_diagnostics(tmp_path: Path) -> None:
    found = list(of_files(tmp_path, random.Random(2), 0.01, ("resume.pt",)))
    assert faults(found) == []
    assert 2 in {one.status for one in found}


def test_every_fifth_write_of_a_training_fails_and_nothing_is_lost(tmp_path: Path) -> None:
    found = list(of_writes(tmp_path, "train", step=5))
    assert len(found) > 10
    assert faults(found) == []


def test_a_harness_that_cannot_fail_proves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*arguments: object) -> int:
        raise LookupError("from the inside")

    monkeypatch.setattr("trials.main", broken)
    assert "LookupError" in attempt("case", []).fault
    monkeypatch.setattr("trials.main", lambda arguments: print("error RK999: x") or 2)
    assert "RK999" in attempt("case", []).fault
    run = trained(tmp_path / "run")
    other = shutil.copytree(run, tmp_path / "other")
    assert same("case", run, other).fault == ""
    (other / "last.safetensors").write_bytes((run / "last.safetensors").read_bytes()[:-4] + b"\1\2\3\4")
    assert same("case", run, other).fault == "the weights are others"


def hung_up() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def closed() -> None:
    """As Python has it after `>&- 2>&-`."""
    sys.stdout = sys.stderr = None  # type: ignore[assignment]


def backwards() -> None:
    now = time.time()
    ticks = iter(range(10**9))
    time.time = lambda: now - 3600 * next(ticks)


@pytest.mark.parametrize("prepare", [closed, backwards])
def test_no_output_and_no_clock_are_needed(prepare: object, tmp_path: Path) -> None:
    run = trained(tmp_path / "run")
    arguments = ["train", "--preset", str(run / "config.toml"), "--out", str(tmp_path / "other")]
    ended(start(arguments, tmp_path / "errors", prepare))
    assert same("case", tmp_path / "other", run).fault == ""


def test_a_hangup_ends_it_and_it_goes_on(tmp_path: Path) -> None:
    run, other = trained(tmp_path / "run"), tmp_path / "other"
    process = start(["train", "--preset", str(run / "config.toml"), "--out", str(other)], tmp_path / "errors", hung_up)
    while not (other / "resume.pt").exists() and process.is_alive():
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGHUP)
    ended(process)
    training.resume(other, progress=False)
    assert same("case", other, run).fault == ""


def test_two_writers_do_not_mix(tmp_path: Path) -> None:
    run, other = trained(tmp_path / "run"), tmp_path / "other"
    arguments = ["train", "--preset", str(run / "config.toml"), "--out", str(other)]
    statuses = sorted(ended(one) for one in [start(arguments, tmp_path / "errors") for _ in range(2)])
    assert statuses == [0, 2]
    said = (tmp_path / "errors").read_text()
    assert "RK711" in said or "RK858" in said
    assert "Traceback" not in said
    assert same("case", other, run).fault == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes into read-only folders")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    study = made(tmp_path)
    run = study / "runs" / "euler-seed0"
    for folder in (run, run / "evaluations"):
        folder.chmod(0o555)
    try:
        for line in (["evaluate", str(run), "--attack", "fgsm", "--limit", "5"], ["runs", str(run)]):
            assert attempt("read-only", line).fault == ""
    finally:
        for folder in (run, run / "evaluations"):
            folder.chmod(0o755)


@pytest.mark.parametrize("what", ["moved", "removed"])
def test_a_folder_that_goes_away_meanwhile(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset, new = tmp_path / "preset.toml", tmp_path / "new"
    shutil.copy(trained(tmp_path / "run") / "config.toml", preset)

    def gone(*arguments: object) -> dict[str, float]:
        shutil.rmtree(new) if what == "removed" else new.rename(tmp_path / "elsewhere")
        return {"validation_clean": 0.5}

    monkeypatch.setattr("rkblocks.training.loop.measure", gone)
    found = attempt(what, ["train", "--preset", str(preset), "--out", str(new)])
    assert (found.status, found.fault) == (2, "")
