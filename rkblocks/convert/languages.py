"""Python, Julia, MATLAB and C as far as tables of numbers need them: what differs, and the words of a text.

One pass, nothing is executed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rkblocks.convert.found import ConversionError

MOST_TOKENS = 400_000

_WORDS = (
    r"(?P<blank>[ \t\r\f\v]+|\\\r?\n)"
    r"|(?P<newline>\n)"
    r"|(?P<number>(?:[0-9]+(?:\.(?![*/^.])[0-9]*)?|\.[0-9]+)(?:[eEdD][+-]?[0-9]+)?)"
    r'|(?P<string>"""[\s\S]*?"""|' + r"'''[\s\S]*?'''" + r'|"[^"\n]*"|' + r"'[^'\n]*')"
    r"|(?P<name>[^\W\d]\w*(?:(?:\.|->)[^\W\d]\w*)*)"
    r"|(?P<operator>\.\.\.|\*\*|//|\.[*/^']|[-+*/^.]=|[=<>!~]=|::|&&|[\s\S])"
)


@dataclass(frozen=True)
class Dialect:
    """What differs between the languages.

    comment: a pattern; base: the index of the first element; power: the operators; left: whether 2^3^2 is (2^3)^2;
    spaces: whether blanks separate the entries of a row in brackets; braces: whether these hold lists; transpose:
    whether a quote after a name is no string; parentheses: whether A(2,1) is an element; lines: whether a line ends a
    statement; blocks: what begins a part with a table of its own, with its name as the first group that matched.
    """

    comment: str
    base: int
    power: tuple[str, ...]
    blocks: str
    left: bool = False
    spaces: bool = False
    braces: bool = False
    transpose: bool = False
    parentheses: bool = False
    lines: bool = True
    rationals: bool = False
    whole: bool = False
    sequential: bool = False


PYTHON = Dialect(
    comment=r"#[^\n]*|^>>> ",
    base=0,
    power=("**",),
    blocks=r"^[ \t]*def +(\w+)",
    sequential=True,
)
JULIA = Dialect(
    comment=r"#=[\s\S]*?=#|#[^\n]*",
    base=1,
    power=("^",),
    blocks=r"^[ \t]*(?:@\w+ +)*function +(\w+)",
    spaces=True,
    transpose=True,
    rationals=True,
)
MATLAB = Dialect(
    comment=r"%[^\n]*|\.\.\.[^\n]*\n",
    base=1,
    power=("^", ".^"),
    blocks=r"^[ \t]*(?:function\b(?:[^\n=]*=)?[ \t]*(\w+)|case[ \t]+['\"{ ]*([\w-]+))",
    left=True,
    spaces=True,
    transpose=True,
    parentheses=True,
)
C = Dialect(
    comment=r"//[^\n]*|/\*[\s\S]*?\*/|^[ \t]*#[^\n]*",
    base=0,
    power=(),
    blocks=r"\bARK_BUTCHER_TABLE *\( *(\w+)|\bcase *\(? *(\w+) *\)? *:",
    braces=True,
    lines=False,
    whole=True,
)


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is number, string, name, operator, newline or end; `blank`: whether white space stands before it."""

    kind: str
    text: str
    at: int
    blank: bool

    @property
    def end(self) -> int:
        return self.at + len(self.text)


def tokens(text: str, dialect: Dialect, offset: int = 0) -> list[Token]:
    """The tokens of a text, the last one of kind "end"; `offset` is added to their places."""
    pattern = re.compile(f"(?P<comment>{dialect.comment})|{_WORDS}", re.MULTILINE)
    found: list[Token] = []
    at, blank = 0, True
    while at < len(text):
        if (
            dialect.transpose
            and text[at] == "'"
            and not blank
            and found
            and (found[-1].kind in ("name", "number") or found[-1].text in ("]", ")", "'"))
        ):
            found.append(Token("operator", "'", at + offset, False))
            at += 1
            continue
        match = pattern.match(text, at)
        assert match is not None
        kind = str(match.lastgroup)
        if kind in ("comment", "blank"):
            blank = True
        else:
            found.append(Token(kind, match[0], at + offset, blank))
            blank = kind == "newline"
        at = match.end()
        if len(found) > MOST_TOKENS:
            help = "give the part of the file with the table"
            raise ConversionError("RK391", f"more than {MOST_TOKENS} words", at + offset, help)
    return [*found, Token("end", "", len(text) + offset, True)]
