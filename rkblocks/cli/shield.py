"""Exit statuses, and nothing but one line for what goes wrong: the only place where a command's exceptions end.

Statuses of `check` and friends are 0 sound, 1 read but unfit, 2 could not be read or could not run (ruff and grep
use the same three). Two more come from the shell's convention of 128 + signal: 130 for Ctrl-C and 141 for a reader
that closed the pipe; both say that no verdict was delivered, which 0 and 1 would.
SIGTERM ends a command as Ctrl-C does.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Callable
from typing import TextIO

import click

from rkblocks.cli import console
from rkblocks.diagnostics import RkblocksError, diagnostic, named
from rkblocks.runs.interrupt import terminating

USAGE = 2
INTERRUPTED = 128 + 2
BROKEN_PIPE = 128 + 13


def guarded(command: Callable[[], object]) -> int:
    """Return the exit status of `command()`, having printed one message for whatever it raised.

    `command` returns its status, or None for 0. RKBLOCKS_DEBUG=1 in the environment lets an unforeseen exception
    through with its traceback.
    """
    console.prepare()
    log = logging.getLogger("rkblocks")
    log.setLevel(logging.INFO)
    log.addHandler(handler := Notes())
    try:
        with terminating():
            return _reported(command)
    except Exception as error:  # the report itself failed, or RKBLOCKS_DEBUG asks for the traceback
        if _debugging():
            raise
        _abandon(sys.stdout)
        _complain(f"internal error: {named(error)}")
        return USAGE
    finally:
        log.removeHandler(handler)


class Notes(logging.Handler):
    """What the library logs, as notes on standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        console.note(record.getMessage())


def _reported(command: Callable[[], object]) -> int:
    try:
        try:
            result = command()
        except click.exceptions.Exit as error:  # --help and the like
            result = error.exit_code
        status = result if isinstance(result, int) else 0
        console.finish()
        return status
    except BrokenPipeError:
        _abandon(sys.stdout)
        return BROKEN_PIPE
    except click.ClickException as error:
        return _usage(error)
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted")
        return INTERRUPTED
    except RkblocksError as error:
        console.diagnose(error.diagnostics, error.source)
        if _debugging():  # the traceback of an internal error in another process
            for note in getattr(error, "__notes__", ()):
                console.note(note)
        return error.status
    except OSError as error:
        _abandon(sys.stdout)
        name = f" {error.filename!r}" if error.filename else ""
        message, help = f"cannot read or write{name}", ""
        if error.filename == console.STDOUT:
            message, help = f"cannot write to {console.STDOUT}", "send it to a file or a program that takes it"
        console.diagnose([diagnostic("RK903", f"{message}: {error.strerror or error}", help=help)])
        return USAGE
    except Exception as error:
        if _debugging():
            raise
        help = "please report it with the command, the file and the output under RKBLOCKS_DEBUG=1"
        console.diagnose([diagnostic("RK999", f"internal error: {named(error)}", help=help)])
        return USAGE


def _debugging() -> bool:
    return os.environ.get("RKBLOCKS_DEBUG", "") not in ("", "0")


def _usage(error: click.ClickException) -> int:
    message = io.StringIO()
    error.show(message)
    console.put(message.getvalue())
    return USAGE  # click gives 1 to some of these; here 1 means that a tableau is unfit


def _complain(text: str) -> None:
    console.note(f"rkblocks: {text}")


def _abandon(stream: TextIO | None) -> None:
    """Point the broken stream at nothing, so that the interpreter's own flush at exit stays silent."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())  # type: ignore[union-attr]
        os.close(nowhere)
