"""The values of a JSON text with their places, what each says (a text, a name, an entry), and the problems found."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from rkblocks.diagnostics import Diagnostic, Severity, diagnostic
from rkblocks.escape import count, shown
from rkblocks.files import grammar
from rkblocks.files.expression import EntryError, Expression, names

MOST_OF_A_CODE = 20
"""So many diagnostics of one code are shown; one systematic mistake must not bury the others."""
KEYS = (
    *("$schema", "name", "title", "aliases", "parameters", "alpha", "beta", "A", "b", "c", "b_hat"),
    *("tolerance", "claims", "references"),
)
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_PROSE = {
    "description",
    "comment",
    "comments",
    "note",
    "notes",
    "_comment",
    "//",
    "source",
    "author",
    "doi",
    "citation",
}


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


def child(path: str, key: str | int) -> str:
    """The JSON pointer of a member or item of the value at `path` (RFC 6901)."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


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


def check_keys(node: Object, known: Collection[str], path: str, problems: Problems, where: str) -> None:
    """Report every key that is not known, with the nearest one that is."""
    unknown = [member for member in node.members if member.key.value not in known]
    for member in unknown[:MOST_OF_A_CODE]:
        key = member.key.value
        folded = {k.lower().replace("_", ""): k for k in known}
        close = get_close_matches(key.lower().replace("_", "").replace("-", ""), folded, n=1)
        if close:
            help = f'did you mean "{folded[close[0]]}"?'
        elif key.lower() in _PROSE and not path:
            help = 'prose goes into "title" or "references"'
        else:
            help = f"{where} knows the keys {', '.join(known)}"
        problems.add(
            "RK131",
            f"{where} knows no key {shown(key)}",
            path=child(path, key),
            line=member.key.line,
            column=member.key.column,
            help=help,
        )
    for member in unknown[MOST_OF_A_CODE:]:  # these are only counted
        problems.add("RK131", "unknown key", line=member.key.line, column=member.key.column, help="remove it")


def expect_object(node: Node, path: str, problems: Problems, what: str) -> Object | None:
    """The node, if it is an object."""
    if isinstance(node, Object):
        return node
    wrong_type(node, path, problems, f"{what} to be an object", "an object stands in braces: { }")
    return None


def wrong_type(node: Node, path: str, problems: Problems, expected: str, help: str) -> None:
    """Report a value of the wrong type (a bare node was reported before)."""
    if type(node) is not Node:
        message = f"expected {expected}, found {describe(node)}"
        problems.add("RK132", message, path=path, line=node.line, column=node.column, help=help)


def read_text(node: Node | None, path: str, problems: Problems) -> str:
    """A text of one line; "" where it is absent or unfit."""
    if node is None:
        return ""
    if not isinstance(node, Text):
        wrong_type(node, path, problems, "text", "text stands in double quotes")
        return ""
    if not node.value.strip():
        problems.add("RK140", "this text is empty", path=path, line=node.line, column=node.column, help="remove it")
        return ""
    for i, character in enumerate(node.value):
        if not character.isprintable():
            message = f"the character U+{ord(character):04X} cannot be printed"
            problems.add("RK140", message, path=path, line=node.line, column=node.column_at(i), help="remove it")
            return ""
    return node.value


def read_texts(node: Node | None, path: str, problems: Problems) -> tuple[str, ...]:
    """A list of texts, for aliases and references."""
    if node is None:
        return ()
    if not isinstance(node, Array):
        wrong_type(node, path, problems, "a list of texts", 'a list stands in brackets: ["..."]')
        return ()
    return tuple(read_text(item, child(path, i), problems) for i, item in enumerate(node.items))


def read_name(node: Node | None, problems: Problems) -> str:
    """The name of the scheme; "" where it is absent or unfit."""
    name = read_text(node, "/name", problems)
    if name and node is not None and not NAME.fullmatch(name):
        problems.add(
            "RK139",
            f"{shown(name)} is no name for a scheme: a letter, then up to 63 letters, digits, _ or -",
            path="/name",
            line=node.line,
            column=node.column,
            help='other spellings can be listed as "aliases"',
        )
        return ""
    return name


def member_place(member: Member) -> dict[str, int]:
    """Line and column of a key."""
    return {"line": member.key.line, "column": member.key.column}


@dataclass(frozen=True)
class ParsedEntry:
    """An entry that was parsed: where it stands and what it says."""

    path: str
    node: Text | Number
    expression: Expression

    @property
    def text(self) -> str:
        return self.node.value if isinstance(self.node, Text) else self.node.text


def read_entry(node: Node, path: str, declared: Collection[str], problems: Problems) -> ParsedEntry | None:
    """The entry at `path`; None, and a problem, where it is none.

    Args:
        declared: parameters that the entry may contain.
    """
    if not isinstance(node, (Text, Number)):
        if type(node) is not Node:
            message = f"expected a number or an expression in quotation marks, found {describe(node)}"
            help = 'write a coefficient as 1, 0.5 or "1/2"'
            problems.add("RK221", message, path=path, line=node.line, column=node.column, help=help)
        return None
    text = node.value if isinstance(node, Text) else node.text
    try:
        return ParsedEntry(path, node, grammar.parse(text, declared))
    except EntryError as error:
        complain(error, node, path, problems)
        return None


def read_constant(node: Node, path: str, declared: Collection[str], problems: Problems) -> ParsedEntry | None:
    """The same for a place where no parameter may occur, as in a domain."""
    cell = read_entry(node, path, declared, problems)
    if cell is None or not (found := names(cell.expression)):
        return cell
    message = f"expected a constant, found the parameter {shown(found[0].name, quotes=False)}"
    help = "a domain and an initial value are numbers; what depends on a parameter is written as an entry"
    complain(EntryError("RK215", message, found[0].at, help), cell.node, path, problems)
    return None


def complain(error: EntryError, node: Text | Number, path: str, problems: Problems) -> None:
    """Report what is wrong with an entry, at its place in the file."""
    column = node.column_at(error.offset) if isinstance(node, Text) else node.column + error.offset
    problems.add(error.code, error.message, path=path, line=node.line, column=column, help=error.help)
