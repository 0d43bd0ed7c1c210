"""The limits of a process that runs code of others; read by `probe`, a script that imports no package of ours."""

import os
import sys
from contextlib import suppress
from typing import Any

REFUSED = (
    *(
        "socket.",
        "subprocess.",
        "os.system",
        "os.exec",
        "os.fork",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "pty.",
    ),
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.ch", "os.kill"),
    *(
        "shutil.",
        "ctypes.",
        "signal.",
        "os.putenv",
        "os.setxattr",
        "os.removexattr",
        "webbrowser.",
        "urllib.",
        "ftplib.",
    ),
    *("smtplib.", "http.", "telnetlib.", "poplib.", "imaplib.", "nntplib."),
)
"""Beginnings of the names of events (Python's audit events) that a block has no use for."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC


def confined(seconds: float, memory: int, written: int) -> None:
    """From here on: at most so many seconds of CPU, so many bytes of memory more, no file longer than `written`.

    Where Python announces a socket, another process or a change of a file, it is refused with PermissionError.
    """
    with suppress(ImportError, OSError, ValueError):  # Windows has no limits; some systems not all of them
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (written, written))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
        with open("/proc/self/statm", encoding="ascii") as file:
            size = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + memory, size + memory))

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(REFUSED) or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING):
            raise PermissionError(f"a block has no use for {event}{arguments[:1]!r:.80}")

    sys.addaudithook(watch)
