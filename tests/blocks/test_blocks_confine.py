"""The limits on code of others: each way to do harm ends in seconds, with a word on it, and leaves nothing behind."""

import os
import sys
import time
from pathlib import Path

import pytest

from rkblocks.blocks.emitted import confine, limits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
WRITTEN = 1 << 20


def run(code: str, folder: Path, seconds: float = 30) -> confine.Outcome:
    """Run code under the limits, as `probe` does, without torch."""
    script = folder / "script.py"
    script.write_text(
        f"import runpy\nrunpy.run_path({limits.__file__!r})['confined']({seconds}, {1 << 28}, {WRITTEN})\n{code}\n"
    )
    work = folder / "work"
    work.mkdir(exist_ok=True)
    return confine.run(script, "{}", work, seconds=seconds, written=WRITTEN)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("keep = bytearray(10**10)", "MemoryError"),
        ("import os\nwhile True: os.fork()", "no use for os.fork"),
        ("import subprocess; subprocess.run(['true'])", "no use for subprocess.Popen"),
        ("import os; os.system('true')", "no use for os.system"),
        ("import socket; socket.create_connection(('127.0.0.1', 9), 1)", "no use for socket"),
        ("import os; os.remove('request')", "no use for os.remove"),
        ("import shutil; shutil.rmtree('.')", "no use for shutil"),
        ("open('mine', 'w')", "no use for open"),
        ("import os; os.open('mine', os.O_CREAT | os.O_WRONLY)", "no use for open"),
        ("import os; os.kill(os.getppid(), 9)", "no use for os.kill"),
    ],
)
def test_what_is_refused(code: str, said: str, tmp_path: Path) -> None:
    found = run(code, tmp_path)
    assert found.status == 1
    assert said in found.said.splitlines()[-1]
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["request", "said"]


@pytest.mark.parametrize("code", ["while True: pass", "import time; time.sleep(1000)"])
def test_time_is_up(code: str, tmp_path: Path) -> None:
    start = time.monotonic()
    assert run(code, tmp_path, seconds=1).status is None
    assert time.monotonic() - start < 30


def test_too_much_is_printed(tmp_path: Path) -> None:
    found = run("while True: print('x' * 2**16)", tmp_path)
    assert found.too_much
    assert (tmp_path / "work" / "said").stat().st_size == WRITTEN


def test_a_crash_is_named_by_its_signal(tmp_path: Path) -> None:
    status = run("import os; os.abort()", tmp_path).status
    assert status is not None
    assert status < 0


def test_code_without_harm_runs(tmp_path: Path) -> None:
    found = run("import math, os; print(math.pi, open('request').read(), 'TOKEN' in os.environ)", tmp_path)
    assert (found.status, found.said, found.too_much) == (0, "3.141592653589793 {} False\n", False)


def test_what_was_started_ends_with_it(tmp_path: Path) -> None:
    """A child that Python did not announce (the limits are set after it was started), in its process group."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os, time\nif os.fork() == 0:\n    time.sleep(3)\n    open('alive', 'w').close()\n    os._exit(0)\n"
    )
    assert confine.run(script, "", tmp_path, seconds=30, written=WRITTEN).status == 0
    time.sleep(4)
    assert not (tmp_path / "alive").exists()


@pytest.mark.skipif(not confine._prefix(), reason="the system takes no network away")
def test_there_is_no_network_even_without_python(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("print(sorted(line.split(':')[0].strip() for line in open('/proc/net/dev') if ':' in line))")
    found = confine.run(script, "", tmp_path, seconds=30, written=WRITTEN)
    assert found.said.strip() == "['lo']"


def test_the_environment_keeps_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "x")
    found = run("import os; print(*os.environ)", tmp_path)
    assert "PATH" in found.said
    assert "SECRET_TOKEN" not in found.said
    assert "SECRET_TOKEN" in os.environ
