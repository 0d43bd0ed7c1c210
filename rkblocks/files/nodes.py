"""The values of a JSON text with their places: what the scanner makes and the reader takes."""

from __future__ import annotations

from dataclasses import dataclass

from rkblocks.files.wording import count, shown


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
