"""What the stages of reading share: the values of a JSON text with their places, and the list of problems."""

from __future__ import annotations

from dataclasses import dataclass

from rkblocks.diagnostics import Diagnostic, Severity, diagnostic
from rkblocks.escape import count, shown


@dataclass(frozen=True, slots=True)
class Node:
    """Any JSON value; `line` and `column` count from 1, in characters. A bare Node was diagnosed already."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A string. `columns` holds the column of each character and of the end, None where consecutive."""

    value: str
    columns: tuple[int, ...] | None = None
    inset: int = 1

    def column_at(self, offset: int) -> int:
        """The column in the file of the character at `offset` of the value."""
        if self.columns is not None:
            return self.columns[min(offset, len(self.columns) - 1)]
        return self.column + self.inset + offset


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number as it is written: an exact decimal, never a float."""

    text: str


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """true, false or null."""

    value: bool | None


@dataclass(frozen=True, slots=True)
class Array(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Member:
    key: Text
    value: Node


@dataclass(frozen=True, slots=True)
class Object(Node):
    """Members in the order of the file; a key that was repeated is here once, with its first value."""

    members: tuple[Member, ...]

    def get(self, key: str) -> Node | None:
        """The value of a key, None where it is absent."""
        return next((m.value for m in self.members if m.key.value == key), None)


def describe(node: Node) -> str:
    """What a value is, in words for a message: 'the text "abc"', 'true', 'a list of 3 values', ..."""
    match node:
        case Text():
            return f"the text {shown(node.value)}"
        case Number():
            return f"the number {shown(node.text, quotes=False)}"
        case Constant():
            return {True: "true", False: "false", None: "null"}[node.value]
        case Array():
            return f"a list of {count(len(node.items), 'value')}"
        case Object():
            return f"an object with {count(len(node.members), 'key')}"
    return "a broken value"


MOST_OF_A_CODE = 20
"""So many diagnostics of one code are shown; one systematic mistake must not bury the others."""


class Problems:
    """Collects diagnostics; `pointer`s are JSON pointers, places count from 1."""

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []
        self._seen: dict[str, int] = {}

    def add(
        self,
        code: str,
        message: str,
        *,
        path: str = "",
        line: int | None = None,
        column: int | None = None,
        help: str,
    ) -> None:
        """Put one diagnostic on the list."""
        self._seen[code] = self._seen.get(code, 0) + 1
        if self._seen[code] <= MOST_OF_A_CODE:
            self._found.append(diagnostic(code, message, path=path, line=line, column=column, help=help))

    @property
    def fatal(self) -> bool:
        """Whether an error is among the diagnostics."""
        return any(d.severity is Severity.ERROR for d in self._found)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All diagnostics in the order of the file; where one code occurs too often, a last line says how often."""
        ordered = sorted(self._found, key=lambda d: (d.line or 0, d.column or 0))
        hidden = [(code, n - MOST_OF_A_CODE) for code, n in sorted(self._seen.items()) if n > MOST_OF_A_CODE]
        help = "mend those that are shown, and check again"
        return (*ordered, *(diagnostic("RK199", f"{n} more of {code} are not shown", help=help) for code, n in hidden))
