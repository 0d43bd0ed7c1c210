"""The line of a file that a diagnostic speaks of, with a caret below the column."""

from __future__ import annotations

import unicodedata

from rkblocks.render.ansi import PLAIN, Style

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
