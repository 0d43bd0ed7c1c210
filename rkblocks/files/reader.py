"""Files to tableaus: the one way in. Everything wrong with a file is found in one reading.

What was read becomes a `Draft`, whose entries are syntax trees; then one field is found for all of them, their exact
values, parameters, poles.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import PurePath
from typing import NoReturn

from rkblocks.diagnostics import Diagnostic, RkblocksError, Severity, TableauError, fail
from rkblocks.escape import shown
from rkblocks.exact.field import ROOTS_LIMIT, SQRT_LIMIT, Element, Field, independent_roots, span, squarefree_part
from rkblocks.files.claims import Written, read_claims, read_tolerance
from rkblocks.files.expression import EntryError, evaluate, names, radicands, terms
from rkblocks.files.nodes import (
    KEYS,
    Array,
    Node,
    Object,
    ParsedEntry,
    Problems,
    check_keys,
    child,
    complain,
    describe,
    read_name,
    read_texts,
)
from rkblocks.files.nodes import read_text as text_of
from rkblocks.files.parameters import DeclaredParameter, declared_names, read_parameters, settle
from rkblocks.files.poles import doubt, pole
from rkblocks.files.shapes import Arrays, Entries, read_arrays
from rkblocks.files.sources import decode, fetch
from rkblocks.files.text import parse
from rkblocks.forms import Butcher, Row, ShuOsher
from rkblocks.tableau import Claimed, Claims, Origin, Parameter, Tableau

MOST_WORK = 60_000
"""Most monomials in all entries of a file, each counted fourfold for every square root: some seconds of exact work."""


@dataclass(frozen=True)
class Draft:
    """A file whose structure was read and whose entries are syntax trees."""

    name: str
    title: str
    aliases: tuple[str, ...]
    references: tuple[str, ...]
    parameters: tuple[DeclaredParameter, ...]
    arrays: Arrays
    tolerance: Fraction
    order: int | None
    claims: dict[str, Written]
    origin: Origin

    def cells(self) -> list[ParsedEntry]:
        """Every entry: of the arrays, the domains and the claims."""
        domains = [cell for declared in self.parameters for cell in declared.cells()]
        return [*self.arrays.cells(), *domains, *(w.cell for w in self.claims.values() if w.cell is not None)]


def assemble(draft: Draft, problems: Problems) -> Tableau | None:
    """The tableau; None, and problems, where the numbers do not exist or the structure was unfit."""
    field = _field(draft, problems)
    if field is None:
        return None
    constants = {cell.path for declared in draft.parameters for cell in declared.cells()}
    values: dict[str, Element] = {}
    if _too_much(draft, field, problems):
        return None
    for cell in draft.cells():
        try:
            values[cell.path] = evaluate(cell.expression, field.constants if cell.path in constants else field)
        except EntryError as error:
            complain(error, cell.node, cell.path, problems)
    parameters = settle(draft.parameters, values, field, problems)
    _check_poles(draft.arrays.cells(), values, field, parameters, problems)
    if problems.fatal:
        return None
    return _tableau(draft, field, values, parameters)


def _too_much(draft: Draft, field: Field, problems: Problems) -> bool:
    """Whether the file is refused for the sum of its expressions, each of which might pass."""
    work = 0
    for cell in draft.cells():
        if names(cell.expression):
            with suppress(EntryError):  # evaluating it says so
                work += terms(cell.expression) * 4 ** len(field.roots)
        if work > MOST_WORK:
            message = "the expressions of this file are together too large from here on"
            error = EntryError("RK219", message, 0, "use fewer parameters, or write the expressions shorter")
            complain(error, cell.node, cell.path, problems)
            return True
    return False


def _field(draft: Draft, problems: Problems) -> Field | None:
    """The least field that holds every entry."""
    parts: set[int] = set()
    fit = True
    for cell in draft.cells():
        for root in radicands(cell.expression):
            size = root.radicand.numerator * root.radicand.denominator
            part = squarefree_part(size)[1] if size <= SQRT_LIMIT else size
            if part in parts:
                continue
            error = None
            # Products of the roots are numbers of the field as well, and are written and read as roots.
            if size > SQRT_LIMIT or max(span(independent_roots(parts | {part}))) > SQRT_LIMIT:
                help = f"p*q of every sqrt(p/q), and of products of them, is {SQRT_LIMIT} at most"
                error = EntryError("RK213", "the number under the root is too long", root.at, help)
            elif len(independent_roots(parts | {part})) > ROOTS_LIMIT:
                message = f"more than {ROOTS_LIMIT} independent square roots in one file"
                help = "sqrt(6) comes for free beside sqrt(2) and sqrt(3); give others as decimals, with a tolerance"
                error = EntryError("RK214", message, root.at, help)
            if error is None:
                parts.add(part)
            else:
                complain(error, cell.node, cell.path, problems)
                fit = False
    return Field(independent_roots(parts), tuple(p.name for p in draft.parameters)) if fit else None


def _check_poles(
    cells: Iterable[ParsedEntry],
    values: dict[str, Element],
    field: Field,
    parameters: tuple[Parameter, ...],
    problems: Problems,
) -> None:
    doubtful: dict[str, bool] = {}
    for cell in cells:
        if cell.path not in values:
            continue
        if factor := pole(values[cell.path], field, parameters):
            message = f"the denominator {shown(factor, quotes=False)} becomes zero within the domain of its parameters"
            help = "narrow the domain; a pole may lie at an end point, which training never reaches"
            complain(EntryError("RK218", message, 0, help), cell.node, cell.path, problems)
        elif factor := doubt(values[cell.path], field, parameters, doubtful):
            denominator = shown(factor, quotes=False)
            message = f"it was not decided whether the denominator {denominator} becomes zero within the domain"
            help = "write it so that each factor has one parameter, or narrow the domain"
            complain(EntryError("RK345", message, 0, help), cell.node, cell.path, problems)


def _tableau(draft: Draft, field: Field, values: dict[str, Element], parameters: tuple[Parameter, ...]) -> Tableau:
    def row(cells: Entries) -> Row:
        return tuple(values[cell.path] for cell in cells if cell is not None)

    def vector(key: str) -> Row | None:
        return row(draft.arrays.vectors[key]) if key in draft.arrays.vectors else None

    def claimed(key: str) -> Claimed | None:
        written = draft.claims.get(key)
        if written is None:
            return None
        return Claimed(written.text, None if written.cell is None else values[written.cell.path], written.digits)

    matrices = {key: tuple(map(row, rows)) for key, rows in draft.arrays.matrices.items()}
    embedded = None if "A" in matrices else vector("b_hat")
    shu_osher = ShuOsher(matrices["alpha"], matrices["beta"], embedded) if "alpha" in matrices else None
    butcher = None
    if "A" in matrices:
        m = len(matrices["A"])
        square = tuple(r + (field.zero,) * (m - len(r)) for r in matrices["A"])
        weights = vector("b")
        assert weights is not None
        butcher = Butcher(square, weights, vector("c"), vector("b_hat"))
    return Tableau(
        name=draft.name,
        title=draft.title,
        aliases=draft.aliases,
        references=draft.references,
        field=field,
        parameters=parameters,
        shu_osher=shu_osher,
        butcher=butcher,
        tolerance=draft.tolerance,
        claims=Claims(draft.order, claimed("ssp"), claimed("declared_ssp"), claimed("variance"), claimed("rho")),
        origin=draft.origin,
    )


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
        help="make it a tableau: rkblocks.tableau(**it)"
        if isinstance(argument, Mapping)
        else "expected a name of the library, a path, or a Tableau",
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
