"""The lock of a run folder: one holder, named; nothing is left of it; a killed process holds it no longer."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rkblocks import training
from rkblocks.diagnostics import RkblocksError
from rkblocks.runs import folder as runs
from rkblocks.runs import lock
from rkblocks.study.task import _clear

HOLDER = """
import sys, time
from pathlib import Path
from rkblocks.runs.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_one_holder_and_nothing_left(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with lock.held(folder):
        assert f"process {os.getpid()} on" in (folder / lock.IN_USE).read_text()
        with pytest.raises(RkblocksError) as caught, lock.held(folder):
            pytest.fail("held twice")
        assert [one.code for one in caught.value.diagnostics] == ["RK858"]
        assert f"in use by process {os.getpid()} on" in str(caught.value)
        assert not runs.occupied(folder), "the lock alone is no run"
    assert list(folder.iterdir()) == []
    with lock.held(folder):
        pass


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(RkblocksError, match=f"process {process.pid} on"), lock.held(tmp_path):
            pytest.fail("held twice")
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert (tmp_path / lock.IN_USE).is_file()
    with lock.held(tmp_path):
        assert f"process {os.getpid()} on" in (tmp_path / lock.IN_USE).read_text()


def test_a_file_removed_by_its_holder_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between opening the file and locking it, its holder may have removed it: the lock is then taken on a new one."""
    import fcntl

    real, calls = fcntl.flock, []

    def late(handle: int, how: int) -> None:
        calls.append(handle)
        if len(calls) == 1:
            (tmp_path / lock.IN_USE).unlink()
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with lock.held(tmp_path):
        assert len(calls) == 2
        with pytest.raises(RkblocksError, match="RK858"), lock.held(tmp_path):
            pytest.fail("held twice")


def test_without_locks_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def no_locks(handle: int, how: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with lock.held(tmp_path), lock.held(tmp_path):
        pass
    blocked = tmp_path / "file"
    blocked.write_text("")
    with lock.held(blocked / "run"):
        pass


def test_training_takes_it_and_a_study_clears_no_folder_in_use(tmp_path: Path) -> None:
    config = training.load(
        "digits", {"training.epochs": 1, "training.device": "cpu", "net.widths": [4], "attack.steps": 1}
    )
    folder = tmp_path / "run"
    seen: list[bool] = []
    training.train(config, folder, progress=lambda metrics: seen.append((folder / lock.IN_USE).is_file()))
    assert seen == [True]
    assert not (folder / lock.IN_USE).exists()
    with lock.held(folder), pytest.raises(RkblocksError, match="RK858"):
        training.resume(folder, progress=False)
    training.resume(folder, progress=False)
    begun = tmp_path / "begun"
    begun.mkdir()
    shutil.copytree(folder / "tableaus", begun / "tableaus")
    with lock.held(begun), pytest.raises(RkblocksError, match="RK858"):
        _clear(begun)
    assert (begun / "tableaus").is_dir()
    _clear(begun)
    assert list(begun.iterdir()) == []
