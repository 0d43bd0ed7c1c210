"""Entries of a file: a JSON value to a syntax tree, with complaints at the column within the string within the file."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rkblocks.files import grammar
from rkblocks.files.collected import Problems
from rkblocks.files.expression import EntryError, Expression, names
from rkblocks.files.nodes import Node, Number, Text, describe
from rkblocks.files.wording import shown


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
