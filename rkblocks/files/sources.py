"""Arguments to text: paths, folders, library names, standard input; then UTF-8 and nothing else, within a bound."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from rkblocks.diagnostics import fail
from rkblocks.escape import shown
from rkblocks.files import library
from rkblocks.files.nodes import Problems

STDIN = "-"
MOST_BYTES = 1 << 20
"""Longest file: a hundred times the largest tableau of the literature."""
_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


def is_path(argument: str) -> bool:
    """Whether an argument names a file rather than a scheme of the library."""
    separators = tuple(filter(None, (os.sep, os.altsep)))
    return argument.lower().endswith(".json") or any(s in argument for s in separators) or os.path.lexists(argument)


def resolve(argument: str | os.PathLike[str]) -> Path:
    """The file that an argument names: a path as given, or the library file of a name or alias.

    Raises RkblocksError where there is no such scheme (whether the file exists is found on reading it).
    """
    text = os.fspath(argument)
    return Path(text) if isinstance(argument, os.PathLike) or is_path(text) else library.find(text).path


def expand(arguments: Iterable[str]) -> list[str]:
    """The arguments with every folder replaced by the *.json files directly in it, sorted.

    A folder without such files stays, so that reading it says so.
    """
    sources: list[str] = []
    for argument in arguments:
        files = _json_files(argument) if argument != STDIN and os.path.isdir(argument) else []
        sources += files or [argument]
    return sources


def fetch(argument: str) -> tuple[str, bytes]:
    """The source as messages name it, and its bytes (one more than allowed at most).

    Raises RkblocksError where there is no such scheme or file, or it cannot be read.
    """
    if argument == STDIN:
        return STDIN, _standard_input()
    source = str(resolve(argument)) if not is_path(argument) else argument
    try:
        if os.path.isdir(source):
            _refuse_folder(source)
        with open(source, "rb") as file:
            return source, file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        fail("RK001", f"there is no file {shown(source, width=200)}", help=_nearest(source), source=source)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        fail("RK003", f"cannot read {shown(source, width=200)}: {reason}", source=source)


def _standard_input() -> bytes:
    if sys.stdin is None:  # closed by the shell (`<&-`), or under pythonw
        fail("RK003", "cannot read standard input: it is closed", source=STDIN)
    try:
        return sys.stdin.buffer.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        fail("RK003", f"cannot read standard input: {error}", source=STDIN)


def _json_files(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    paths = [os.path.join(folder, name) for name in names if name.lower().endswith(".json")]
    return [path for path in paths if os.path.isfile(path)]


def _refuse_folder(source: str) -> None:
    found = _json_files(source)
    if found:
        message = f"{shown(source, width=200)} is a folder; expected one file"
        fail("RK004", message, help=f"name a file in it, such as {found[0]}", source=source)
    os.listdir(source)  # an unreadable folder has a better message of its own
    help = "folders within it are not searched"
    if not any(s in source for s in (os.sep, ".")) and any(e.name == source for e in library.catalog()):
        help = f"for the scheme of the library give its file, {library.find(source).path}"
    fail("RK004", f"the folder {shown(source, width=200)} holds no *.json file", help=help, source=source)


def _nearest(source: str) -> str:
    """A hint: a scheme of the library with the name of the file, or a similar file beside it."""
    from difflib import get_close_matches

    path = Path(source)
    if any(e.name == path.stem for e in library.catalog()):
        return f"the library holds the scheme {path.stem}: give the name alone"
    try:
        if os.path.islink(source):
            return f"it is a link to {shown(os.readlink(source), width=200)}, which does not exist"
        close = get_close_matches(path.name, os.listdir(path.parent), n=1)
    except (OSError, ValueError):
        return ""
    return f"did you mean {path.parent / close[0]}?" if close else ""


def decode(data: bytes, problems: Problems) -> str | None:
    """The text of a file, without a byte order mark; None (and a problem) where it is no UTF-8 text.

    Args:
        data: at most MOST_BYTES + 1 bytes, so that one more than allowed is noticed.
    """
    if len(data) > MOST_BYTES:
        problems.add(
            "RK106", f"the file is larger than {MOST_BYTES} bytes", help="a tableau file needs a few kilobytes"
        )
        return None
    encoding = _wide_encoding(data)
    if encoding:
        problems.add(
            "RK103",
            f"the file is encoded as {encoding}, expected UTF-8",
            line=1,
            column=1,
            help="save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8NoBOM)",
        )
        return None
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        problems.add(
            "RK104", "the file begins with a byte order mark", line=1, column=1, help="save as UTF-8 without BOM"
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        problems.add(
            "RK102",
            f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8 text",
            line=before.count("\n") + 1,
            column=len(before) - before.rfind("\n"),
            help="save the file as UTF-8; a binary file cannot be a tableau",
        )
        return None
    if "\0" in text:
        at = text.index("\0")
        problems.add(
            "RK102",
            f"a NUL byte at offset {at}: this is a binary file, expected JSON text",
            line=text.count("\n", 0, at) + 1,
            column=at - text.rfind("\n", 0, at),
            help="save the file as text in UTF-8",
        )
        return None
    if not text.strip(" \t\r\n"):
        problems.add("RK101", "the file is empty", line=1, column=1, help='write at least {"A": [[]], "b": ["1"]}')
        return None
    return text


def _wide_encoding(data: bytes) -> str:
    """UTF-16 or UTF-32 by its byte order mark, or by the NULs that every ASCII character has there."""
    for mark, name in _MARKS.items():
        if data.startswith(mark):
            return name
    head = data[:64]
    if len(head) >= 8 and (not any(head[::2][:4]) or not any(head[1::2][:4])) and any(head):
        return "UTF-32" if head[:8].count(0) == 6 else "UTF-16"
    return ""
