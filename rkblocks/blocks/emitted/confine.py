"""A script of ours that runs code of others, in a process of its own: no network, a few limits, an end.

No sandbox.  The process has the rights of its user where the system does not take them away (`unshare` of Linux: no
network, no process outlives it), its environment holds no more than it takes to find Python and torch, what it writes
is bounded, and it is ended with all that it started.  `probe.py` sets the limits of memory, time and file size before
it runs the code, and refuses what Python announces of sockets, processes and changes of files.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "SYSTEMROOT", "LANG", "LC_ALL")
"""What the process sees of the environment: no token, no name of a server."""
_APART = ("unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child")
_LAST = 1 << 16
"""Bytes of standard error that are looked at, from its end."""


@dataclass(frozen=True)
class Outcome:
    """How the process ended: `status` as `subprocess` has it, None where its time was over; the last it said; whether
    it said more than it may.
    """

    status: int | None
    said: str
    too_much: bool


def run(script: Path, request: str, folder: Path, *, seconds: float, written: int) -> Outcome:
    """Run a Python script with a request on standard input, in `folder`, which it may write to.

    Args:
        script: of ours; its results are files in the folder.
        request: text for its standard input.
        folder: current folder and home of the process.
        seconds: after which it is ended.
        written: bytes that a file may have, standard error among them.
    """
    given, out = folder / "request", folder / "said"
    given.write_text(request, encoding="utf-8")
    command = [*_prefix(), sys.executable, "-B", "-P", str(script)]
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"HOME": str(folder), "TMPDIR": str(folder), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    # Files, not pipes: a pipe stays open as long as anybody holds it, and fills the memory of who reads it.
    with open(given, "rb") as stdin, open(out, "wb") as said:
        process = subprocess.Popen(
            command, stdin=stdin, stdout=said, stderr=said, cwd=folder, env=environment, start_new_session=True
        )
        try:
            status: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _end(process)
    size = out.stat().st_size
    with open(out, "rb") as said:
        said.seek(max(0, size - _LAST))
        return Outcome(status, said.read().decode("utf-8", "replace"), size >= written)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started, as far as that stayed in its session."""
    with contextlib.suppress(OSError, AttributeError):  # gone; or a system without sessions
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
    process.wait()


@cache
def _prefix() -> tuple[str, ...]:
    """The command that takes network and lasting processes away, where this system has it and allows it."""
    if shutil.which(_APART[0]) is None:
        return ()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    tried = subprocess.run([*_APART, sys.executable, "-c", ""], check=False, timeout=60, **quiet)  # type: ignore[call-overload]
    return _APART if tried.returncode == 0 else ()
