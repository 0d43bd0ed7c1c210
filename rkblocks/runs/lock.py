"""One process at a time works in a run folder: a lock that the system releases when the process ends, in any way."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rkblocks.diagnostics import fail

IN_USE = "in-use"
WAIT = "wait until it is done, or stop it; what it has saved is kept"


@contextmanager
def held(folder: Path, help: str = WAIT) -> Iterator[None]:
    """Hold the lock of a run folder, which is made where it is not there; the file `in-use` names the holder.

    A file that a killed process has left locks nothing. Where the system or the file system knows no such lock, work
    goes on without one; so does a folder that cannot be written, of which the first file to be saved tells more.

    Raises:
        RkblocksError: RK858 where another process holds it, with `help`.
    """
    handle = _taken(folder, help)
    try:
        yield
    finally:
        if handle is not None:
            with suppress(OSError):  # while it is still held, so that the file removed is this one
                (folder / IN_USE).unlink()
            os.close(handle)


def _taken(folder: Path, help: str) -> int | None:
    """The open file that holds the lock; None where there can be none."""
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    path = folder / IN_USE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.read(handle, 200).decode(errors="replace").strip()
                os.close(handle)
                fail("RK858", f"{folder} is in use by {holder or 'another process'}", help=help)
            except OSError:
                os.close(handle)
                return None
            if _is(path, handle):
                break
            os.close(handle)  # its holder has removed the file between the two calls: the lock is on nothing
        os.ftruncate(handle, 0)
        os.write(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    except OSError:
        return None
    return handle


def _is(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except OSError:
        return False
