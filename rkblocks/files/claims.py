"""Claims and tolerance: what the author promises, and how exact the table is said to be."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from rkblocks.diagnostics import fail
from rkblocks.escape import shown
from rkblocks.exact.decimals import places
from rkblocks.files import grammar
from rkblocks.files.expression import MOST_DIGITS, EntryError, Literal, too_large
from rkblocks.files.nodes import (
    Node,
    Number,
    Object,
    ParsedEntry,
    Problems,
    Text,
    check_keys,
    child,
    complain,
    describe,
    expect_object,
    read_entry,
)

KEYS = ("order", "ssp", "declared_ssp", "rho", "variance")
_DIGITS = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(?:…|\.\.\.)\s*")
_DECIMAL = re.compile(r"\s*[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?\s*|\s*\.[0-9]+(?:[eE][+-]?[0-9]+)?\s*")


@dataclass(frozen=True)
class Written:
    """A claim as written: an entry, or only the leading digits of a number."""

    text: str
    cell: ParsedEntry | None = None
    digits: str | None = None


def read_claims(root: Object, declared: Collection[str], problems: Problems) -> tuple[int | None, dict[str, Written]]:
    """The claimed order and the other claims by key."""
    node = root.get("claims")
    block = None if node is None else expect_object(node, "/claims", problems, '"claims"')
    if block is None:
        return None, {}
    check_keys(block, KEYS, "/claims", problems, '"claims"')
    claims: dict[str, Written] = {}
    for key in KEYS[1:]:
        if (value := block.get(key)) is not None and (written := _written(value, key, declared, problems)) is not None:
            claims[key] = written
    return _order(block.get("order"), problems), claims


def _order(node: Node | None, problems: Problems) -> int | None:
    if node is None or type(node) is Node:
        return None
    if isinstance(node, Number) and re.fullmatch(r"[0-9]{1,2}", node.text):
        return int(node.text)
    message = f"an order is an integer from 0 to 99, found {describe(node)}"
    help = 'write it without quotation marks: "order": 3'
    problems.add("RK144", message, path="/claims/order", line=node.line, column=node.column, help=help)
    return None


def _written(node: Node, key: str, declared: Collection[str], problems: Problems) -> Written | None:
    path = child("/claims", key)
    if isinstance(node, Text) and (match := _DIGITS.fullmatch(node.value)):
        if len(match[1]) > MOST_DIGITS:
            complain(too_large(0), node, path, problems)
            return None
        return Written(node.value.strip(), digits=match[1])
    cell = read_entry(node, path, declared, problems)
    return None if cell is None else Written(cell.text, cell)


def tolerance_of(text: str | Fraction) -> Fraction:
    """A tolerance from a command or from Python.  RK145 for what is no decimal from 0 to below 1."""
    try:
        value = text if isinstance(text, Fraction) else _decimal(str(text))
    except EntryError:  # too many digits
        value = None
    if value is None or not 0 <= value < 1 or places(value) is None:
        message = f"a tolerance is a nonnegative decimal below 1, found {shown(str(text))}"
        fail("RK145", message, help='for example "1e-15"')
    return value


def _decimal(text: str) -> Fraction | None:
    """The value of a plain decimal; EntryError where it is too long."""
    parsed = grammar.parse(text) if _DECIMAL.fullmatch(text) else None
    return parsed.value if isinstance(parsed, Literal) else None


def read_tolerance(root: Object, problems: Problems) -> Fraction:
    """The tolerance, exactly; 0 where none is given or it is unfit."""
    node = root.get("tolerance")
    if node is None or type(node) is Node:
        return Fraction(0)
    if isinstance(node, (Text, Number)):
        text = node.value if isinstance(node, Text) else node.text
        try:
            value = _decimal(text)
        except EntryError as error:
            complain(error, node, "/tolerance", problems)
            return Fraction(0)
        if value is not None and value < 1:
            return value
    message = f"a tolerance is a nonnegative decimal below 1, found {describe(node)}"
    problems.add("RK145", message, path="/tolerance", line=node.line, column=node.column, help='for example "1e-15"')
    return Fraction(0)
