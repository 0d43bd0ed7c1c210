"""Diagnostics for people: what, where, the line with a caret, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable

from rkblocks.diagnostics import Diagnostic
from rkblocks.escape import line
from rkblocks.render.ansi import PLAIN, Style
from rkblocks.render.excerpt import excerpt


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
