"""Diagnostics for people: what, where, the line of the file with a caret, and how to mend it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from rkblocks.diagnostics import Diagnostic
from rkblocks.escape import PLAIN, Style, line

#: Longest part of a line that is shown; a minified file is one line of any length.
WIDTH = 100


def excerpt(text: str, line: int, column: int | None, style: Style = PLAIN) -> list[str]:
    """Return the lines of an excerpt, or [] where `text` has no such line.

    Args:
        text: the whole file.
        line, column: position counted from 1, in characters (as `Diagnostic` counts).
        style: colours of the gutter and the caret.

    Example:
        >>> print("\\n".join(excerpt('{"b": 1,\\n "b": 2}', 2, 2)))
          |
        2 |  "b": 2}
          |  ^
    """
    # Split at newlines alone: str.splitlines also splits at U+2028 and form feeds, which a JSON reader does not count.
    lines = text.replace("\r\n", "\n").split("\n")
    if not 1 <= line <= len(lines):
        return []
    shown, caret = _window(lines[line - 1], column)
    number = str(line)
    blank, bar = " " * len(number), style("|", "blue")
    result = [f"{blank} {bar}", f"{style(number, 'blue')} {bar} {shown}".rstrip()]
    if caret is not None:
        result.append(f"{blank} {bar} {' ' * caret}{style('^', 'bold', 'red')}")
    return result


def _window(line: str, column: int | None) -> tuple[str, int | None]:
    """Return at most WIDTH characters of `line` around `column`, printable, and the caret's offset in display cells."""
    if column is None:
        return _printable(line[:WIDTH]) + ("…" if len(line) > WIDTH else ""), None
    at = min(max(column - 1, 0), len(line))
    start = max(0, at - WIDTH // 2) if len(line) > WIDTH else 0
    head = "…" if start else ""
    tail = "…" if start + WIDTH < len(line) else ""
    before = head + _printable(line[start:at])
    return before + _printable(line[at : start + WIDTH]) + tail, sum(map(_cells, before))


def _printable(text: str) -> str:
    """Tabs become one space and control characters a visible mark: the caret stays in place, no escape gets through."""
    return "".join(" " if c == "\t" else c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def problem(found: Diagnostic, *, source: str = "", text: str = "", style: Style = PLAIN) -> str:
    r"""Return one diagnostic as lines that end with a newline.

    Args:
        found: the diagnostic.
        source: the file it speaks of, "-" for standard input, "" for none.
        text: the whole text of that file; without it there is no excerpt.
        style: colours.

    Example:
        error[RK105]: duplicate key "b"
          --> bad.json:2:2 (/b)
          |
        2 |  "b": 2}
          |  ^
          = help: remove one of the two
    """
    title = style.severity(f"{found.severity}[{found.code}]", str(found.severity))
    first, *more = map(line, found.message.split("\n"))
    lines = [f"{title}: {style(first, 'bold')}", *(f"  {text}" for text in more)]
    place = _place(found, source)
    if place:
        lines.append(f"  {style('-->', 'blue')} {place}")
    if found.line is not None and text:
        lines += excerpt(text, found.line, found.column, style)
    if found.help:
        first, *more = map(line, found.help.split("\n"))
        lines += [f"  {style('=', 'blue')} help: {first}", *(f"          {text}" for text in more)]
    return "\n".join(lines) + "\n"


def problems(found: Iterable[Diagnostic], *, source: str = "", text: str = "", colour: bool = False) -> str:
    """Return all diagnostics, one after the other, as `problem` writes them."""
    style = Style(colour)
    return "".join(problem(one, source=source, text=text, style=style) for one in found)


def _place(found: Diagnostic, source: str) -> str:
    """Return "bad.json:2:2 (/b)"; a finding about the file as a whole needs none, its message names the file."""
    name, path = "<stdin>" if source == "-" else line(source), line(found.path)
    if found.line is not None:
        column = "" if found.column is None else f":{found.column}"
        name = f"{name or 'line'}:{found.line}{column}"
    elif not path:
        return ""
    return f"{name} ({path})" if path and name else name or path
