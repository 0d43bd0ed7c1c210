"""Where text meets the terminal: encodings, colour, and the two streams. Nothing gets past `rkblocks.escape` here."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

import click

from rkblocks import escape
from rkblocks.diagnostics import Diagnostic

REWRITE = "\r\x1b[K"
"""What empties the line of a terminal."""


STDOUT = "standard output"
"""The name that an error of it has."""


class Nowhere(io.StringIO):
    """Standard output of a process that was started with none: what it holds at the end has reached nobody."""


def prepare() -> None:
    """Make both streams take any text: what an ASCII terminal cannot show is escaped, never a UnicodeEncodeError."""
    if sys.stdout is None:
        sys.stdout = Nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError, ValueError):
                stream.reconfigure(errors="backslashreplace")


def colour(stream: TextIO | None) -> bool:
    """Return whether to colour what goes to `stream`: a terminal, no NO_COLOR (no-color.org), not TERM=dumb."""
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def width(stream: TextIO | None) -> int | None:
    """Return the characters of a line of the terminal that `stream` is; None where it is no terminal."""
    try:
        return shutil.get_terminal_size().columns if stream is not None and stream.isatty() else None
    except ValueError:  # closed
        return None


def show(text: str) -> None:
    """Write text to standard output, with colours where that is in colour."""
    _put(sys.stdout, _fit(text, sys.stdout))


def annotate(commands: str) -> None:
    """Write the lines of `rkblocks.render.machines.as_commands` to standard output: they are made fit already."""
    _put(sys.stdout, commands)


def named(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """The value of an option that names a place to write to (a callback).

    ``--out "$UNSET"`` is a mistake, not the folder one stands in.
    """
    if value is not None and not value.strip():
        raise click.BadParameter("the name is empty; name a place, or leave the option out", ctx, option)
    return value


def deliver(text: str, output: str | None) -> None:
    """Write `text` to the file named `output` and say so; to standard output for None and "-"."""
    if output is None or output == "-":
        show(text)
        return
    from rkblocks.files.from_python import write

    write(escape.lines(text), output)
    note(f"wrote {output}")


def note(text: str) -> None:
    """Write one line for a human to standard error."""
    with contextlib.suppress(OSError):
        _put(sys.stderr, f"{_fit(text, sys.stderr)}\n")


def diagnose(diagnostics: Iterable[Diagnostic], source: str = "") -> None:
    """Write diagnostics that belong to no report (usage, environment, a run) to standard error.

    With a `source` file the lines in question are shown, as far as it can be read again.
    """
    from rkblocks.render.problems import problems

    found = tuple(diagnostics)
    text = text_of(source) if any(one.line is not None for one in found) else ""
    with contextlib.suppress(OSError):
        shown = problems(found, source=source, text=text, colour=colour(sys.stderr))
        _put(sys.stderr, _fit(shown, sys.stderr))


def finish() -> None:
    """Send off what is written to standard output: a full disk or a closed pipe shows up here, not at the exit.

    Raises OSError of the name STDOUT where it cannot be written, or is closed.
    """
    with _named():
        if isinstance(sys.stdout, Nowhere) and sys.stdout.getvalue():
            raise OSError(errno.EBADF, "it is closed")
        sys.stdout.flush()


@contextlib.contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename = STDOUT
        raise


def put(text: str, *, rewrite: bool = False) -> None:
    """Write to standard error at once, for progress; instead of what stands in the line of the terminal."""
    with contextlib.suppress(OSError):
        _put(sys.stderr, REWRITE * rewrite + escape.lines(text))
        if sys.stderr is not None:
            sys.stderr.flush()


def _fit(text: str, stream: TextIO | None) -> str:
    return escape.coloured(text) if colour(stream) else escape.lines(text)


def _put(stream: TextIO | None, text: str) -> None:
    # Not click.echo: it replaces an ASCII stream by one of UTF-8, whatever the terminal can show.
    if stream is not None:
        with _named():  # errors of the other stream are suppressed
            stream.write(text)


def text_of(source: str) -> str:
    """Return the text of a file whose lines are to be shown, "" where it cannot be read (again)."""
    try:
        with open(source, encoding="utf-8-sig", errors="replace", newline="") as file:
            return file.read(1_000_000)
    except (OSError, ValueError):  # standard input, or gone since
        return ""
