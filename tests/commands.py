"""Commands of rkblocks in processes of their own, which get a signal at any moment or die in the middle of a write."""

from __future__ import annotations

import builtins
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from processes import SERVER
from torch.optim.optimizer import register_optimizer_step_post_hook

from rkblocks.cli import main
from rkblocks.runs import storage


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(when: int, how: str) -> None:
    """Have this process die in the `when`-th file that it writes: after half of it, or before or after it is moved."""
    files: list[str] = []
    replace = os.replace

    def half(path: Any, mode: str = "r", **rest: Any) -> Any:
        file = builtins.open(path, mode, **rest)  # noqa: SIM115
        if mode == "wb":
            files.append(str(path))
            if len(files) == when and how == "half":
                write = file.write
                file = _Half(file, write)
        return file

    def moving(source: Any, target: Any) -> None:
        if len(files) == when and how == "before":
            die()
        replace(source, target)
        if len(files) == when and how == "after":
            die()

    storage.open = half  # type: ignore[attr-defined]
    os.replace = moving


class _Half:
    """A file of which half a write arrives, and then nothing."""

    def __init__(self, file: Any, write: Callable[[bytes], int]) -> None:
        self.file, self.half = file, write

    def __enter__(self) -> _Half:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def write(self, content: bytes) -> None:
        self.half(content[: len(content) // 2])
        self.file.flush()
        die()


def signalled(number: int, steps: int, calls: int = 1) -> None:
    """Have this process get a signal after some steps of its optimizer and some calls of Python functions more.

    A moment of this kind is the same on a fast and on a slow machine.
    """
    left = [steps, calls]

    def count(frame: Any, event: str, argument: Any) -> None:
        left[1] -= event == "call"
        if left[1] == 0:
            sys.setprofile(None)
            os.kill(os.getpid(), number)

    def stepped(*unused: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            sys.setprofile(count)

    register_optimizer_step_post_hook(stepped)
    if not steps:
        sys.setprofile(count)


def limited(size: int) -> None:
    """Let no file of this process grow beyond `size` bytes, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _command(arguments: list[str], errors: str, prepare: Callable[..., None] | None, *rest: Any) -> None:
    torch.set_num_threads(1)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    if prepare is not None:
        prepare(*rest)
    os._exit(main(arguments))


def start(arguments: list[str], errors: Path, prepare: Callable[..., None] | None = None, *rest: Any) -> Any:
    """A process that runs `rkblocks ARGUMENTS`, with its standard error appended to a file."""
    process = SERVER.Process(target=_command, args=(arguments, str(errors), prepare, *rest))
    process.start()
    return process


def ended(process: Any) -> int:
    """Its exit status, -N after signal N."""
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode
