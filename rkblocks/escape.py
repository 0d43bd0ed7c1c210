r"""Text that others wrote (in files, names, paths, arguments), made fit for each place where it is shown.

What a file says is data: it moves no cursor, sets no title of a window, turns no line around, gives no command to the
log of a build, closes no tag.  A character that is not printable is shown by its number, ``\u001b``; what a format
would read is escaped as that format has it.  The only colours that a terminal gets are those of a `Style`.
"""

from __future__ import annotations

import html as _html
import re
from dataclasses import dataclass

_SIGNALS = re.compile(r"^([^\S\n]*):(?=:)|#(?=#[a-z]*\[)", re.MULTILINE)
"""What the log of a build takes for a command: ``::error::`` at the start of a line, ``##[error]`` anywhere in it."""
_COLOUR = re.compile("(\x1b\\[[0-9;]{0,8}m)")
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
_MARKDOWN = re.compile(r"[\\`*_\[\]<>|$~]|&(?=#?\w+;)")
_LATEX = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


def line(text: str) -> str:
    r"""Text as one line: line breaks, control characters, marks of writing direction, half surrogates as ``\u000a``."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _number(c) for c in text)


@dataclass(frozen=True)
class Style:
    """How to mark words: with terminal colours, or (the default) not at all."""

    colour: bool = False

    def __call__(self, text: str, *marks: str) -> str:
        """Return `text` with the given marks ("bold", "dim", "red", …), unchanged without colour."""
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_CODES[mark] for mark in marks)}m{text}\x1b[0m"

    def severity(self, text: str, severity: str) -> str:
        """Return `text` in the colour of a diagnostic's severity."""
        return self(text, "bold", {"error": "red", "warning": "yellow"}.get(severity, "blue"))


PLAIN = Style()


def shown(text: str, *, quotes: bool = True, width: int = 60) -> str:
    """Text of a user within a message: cut to `width`, nothing unprintable let through to a terminal."""
    cut = text if len(text) <= width else text[: width - 1] + "…"
    return f'"{line(cut)}"' if quotes else line(cut)


def lines(text: str) -> str:
    r"""Text of several lines: `line` for each; none is a command to the log of a build (``\u003a:error::``)."""
    fit = text if text.isprintable() else "\n".join(map(line, text.split("\n")))
    return _SIGNALS.sub(lambda found: f"{found[1] or ''}\\u{ord(found[0][-1]):04x}", fit)


def coloured(text: str) -> str:
    """`lines` for a terminal in colour: sequences that set a colour stay, all others are shown."""
    return "".join(part if i % 2 else lines(part) for i, part in enumerate(_COLOUR.split(text)))


def workflow(text: str) -> str:
    """The data of a workflow command of GitHub: every line fit, line breaks and percent signs in its own escapes."""
    return "\n".join(map(line, text.split("\n"))).replace("%", "%25").replace("\n", "%0A")


def html(text: str) -> str:
    """Text or the value of an attribute in HTML."""
    return _html.escape(line(text))


def markdown(text: str) -> str:
    """Text in a paragraph, a heading or the cell of a table in Markdown."""
    return _MARKDOWN.sub(r"\\\g<0>", line(text))


def latex(text: str) -> str:
    """Text in a paragraph or the cell of a table in LaTeX."""
    return "".join(_LATEX.get(c, c) for c in line(text))


def cell(value: object) -> object:
    """A cell of a CSV file; text that a spreadsheet would compute is marked as text by an apostrophe before it."""
    if not isinstance(value, str):
        return value
    fit = line(value)
    return f"'{fit}" if fit[:1] in tuple("=+@") or (fit[:1] == "-" and not re.match(r"-[\d.]|-$", fit)) else fit


def filename(text: str) -> str:
    """The part of a file's name: letters, digits and ``_ . + -``, with a letter, digit or _ first."""
    return re.sub(r"^[.+-]|[^\w.+-]", "_", text)


def _number(character: str) -> str:
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def count(n: int, noun: str) -> str:
    """'1 row', '2 rows', '2 entries', '2 keys'."""
    if n == 1:
        return f"1 {noun}"
    return f"{n} {noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{n} {noun}s"
