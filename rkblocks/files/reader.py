"""Files to tableaus: the one way in. Everything wrong with a file is found in one reading."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import NoReturn

from rkblocks.diagnostics import Diagnostic, RkblocksError, Severity, TableauError, fail
from rkblocks.escape import shown
from rkblocks.files.assemble import Draft, assemble
from rkblocks.files.claims import read_claims, read_tolerance
from rkblocks.files.node_values import KEYS, check_keys, read_name, read_texts
from rkblocks.files.node_values import read_text as text_of
from rkblocks.files.nodes import Array, Node, Object, Problems, describe
from rkblocks.files.parameters import declared_names, read_parameters
from rkblocks.files.shapes import read_arrays
from rkblocks.files.sources import decode, fetch
from rkblocks.files.text import child, parse
from rkblocks.tableau import Origin, Tableau


@dataclass(frozen=True)
class Reading:
    """What became of one argument. `tableau` is None exactly where `diagnostics` hold an error.

    `source` is the path as given, the library file for a name, "-" for standard input; `name` and `origin` are there as
    far as the file could be read.
    """

    source: str
    tableau: Tableau | None
    diagnostics: tuple[Diagnostic, ...]
    name: str | None = None
    origin: Origin | None = None


def read(argument: str | os.PathLike[str]) -> Reading:
    """The reading of a path, a library name, an alias, or "-" for standard input. Raises nothing for user input."""
    try:
        if not isinstance(argument, str | os.PathLike):
            _refuse(argument)
        argument = str(argument)
        source, data = fetch(argument)
    except RkblocksError as error:
        return Reading(error.source or str(argument), None, error.diagnostics)
    return read_bytes(data, source)


def _refuse(argument: object) -> NoReturn:
    fail(
        "RK002",
        f"{shown(repr(argument))} is of type {type(argument).__name__}, which names no scheme",
        help="expected a name of the library, a path, or a Tableau",
        source=type(argument).__name__,
    )


def load(argument: str | os.PathLike[str]) -> Tableau:
    """The tableau of a path, a library name or an alias.

    Raises TableauError with all problems of the file.
    """
    reading = read(argument)
    if reading.tableau is None:
        raise TableauError((d for d in reading.diagnostics if d.severity is Severity.ERROR), reading.source)
    return reading.tableau


def read_bytes(data: bytes, source: str = "") -> Reading:
    """The reading of the content of a file."""
    problems = Problems()
    text = decode(data, problems)
    if text is None:
        return Reading(source, None, problems.diagnostics())
    return _read(text, source, problems)


def read_text(text: str, source: str = "") -> Reading:
    """The reading of a text that was decoded already, as in an editor."""
    return read_bytes(text.encode("utf-8", "surrogatepass"), source)


def _read(text: str, source: str, problems: Problems) -> Reading:
    root = parse(text, problems)
    origin = Origin(source, text, dict(_positions(root, "")) if root is not None else {})
    if root is None:
        return Reading(source, None, problems.diagnostics(), None, origin)
    if not isinstance(root, Object):
        message = f"a tableau file is one JSON object, found {describe(root)}"
        help = 'write one scheme a file: {"A": [[]], "b": ["1"]}'
        problems.add("RK130", message, line=root.line, column=root.column, help=help)
        return Reading(source, None, problems.diagnostics(), None, origin)
    draft = _draft(root, origin, problems)
    tableau = assemble(draft, problems)
    return Reading(source, tableau, problems.diagnostics(), draft.name or None, origin)


def _draft(root: Object, origin: Origin, problems: Problems) -> Draft:
    check_keys(root, KEYS, "", problems, "a tableau file")
    declared = declared_names(root)
    order, claims = read_claims(root, declared, problems)
    text_of(root.get("$schema"), "/$schema", problems)
    return Draft(
        name=read_name(root.get("name"), problems) or stem(origin.source),
        title=text_of(root.get("title"), "/title", problems),
        aliases=read_texts(root.get("aliases"), "/aliases", problems),
        references=read_texts(root.get("references"), "/references", problems),
        parameters=read_parameters(root, problems),
        arrays=read_arrays(root, declared, problems),
        tolerance=read_tolerance(root, problems),
        order=order,
        claims=claims,
        origin=origin,
    )


def stem(source: str) -> str:
    """The name of a scheme whose file gives none: that of the file, made fit."""
    fit = re.sub(r"[^A-Za-z0-9_-]", "_", PurePath(source).stem)[:64]
    return fit if re.match(r"[A-Za-z]", fit) else "unnamed"


def _positions(node: Node, path: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Line and column of every value by its JSON pointer."""
    yield path, (node.line, node.column)
    if isinstance(node, Array):
        for i, item in enumerate(node.items):
            yield from _positions(item, child(path, i))
    elif isinstance(node, Object):
        for member in node.members:
            yield from _positions(member.value, child(path, member.key.value))
