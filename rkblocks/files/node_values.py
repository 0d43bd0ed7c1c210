"""What one value of a file says: keys, texts, names, and entries as syntax trees, each with its own complaint."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

from rkblocks.escape import shown
from rkblocks.files import grammar
from rkblocks.files.expression import EntryError, Expression, names
from rkblocks.files.nodes import MOST_OF_A_CODE, Array, Member, Node, Number, Object, Problems, Text, describe
from rkblocks.files.text import child

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
