"""The arrays of a file: which are there, how many rows and entries they have, and the entries themselves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from rkblocks.escape import count
from rkblocks.files.nodes import Array, Node, Object, ParsedEntry, Problems, child, describe, read_entry

MOST_STAGES = 64

Entries = tuple[ParsedEntry | None, ...]


@dataclass
class Arrays:
    """What was read: `alpha`, `beta` rows of i entries, `A` rows of m or i entries, `b`, `c`, `b_hat` vectors."""

    matrices: dict[str, tuple[Entries, ...]] = field(default_factory=dict)
    vectors: dict[str, Entries] = field(default_factory=dict)

    def cells(self) -> list[ParsedEntry]:
        """Every entry that could be parsed."""
        rows = [row for matrix in self.matrices.values() for row in matrix] + list(self.vectors.values())
        return [cell for row in rows for cell in row if cell is not None]


def read_arrays(root: Object, declared: Collection[str], problems: Problems) -> Arrays:
    """All coefficient arrays of the file; what has the wrong shape is reported and left out."""
    _check_forms(root, problems)
    arrays = Arrays()
    for key in ("alpha", "beta", "A"):
        if (node := root.get(key)) is not None and (rows := _rows(node, key, problems)) is not None:
            _check_rows(rows, key, problems)
            arrays.matrices[key] = tuple(
                _entries(row.items, child(f"/{key}", i), declared, problems) if isinstance(row, Array) else ()
                for i, row in enumerate(rows)
            )
    for key in ("b", "c", "b_hat"):
        if (node := root.get(key)) is not None and (items := _items(node, f"/{key}", problems)) is not None:
            arrays.vectors[key] = _entries(items, f"/{key}", declared, problems)
    _check_sizes(root, arrays, problems)
    return arrays


def _check_forms(root: Object, problems: Problems) -> None:
    """At least one form, and each form complete."""
    present = {m.key.value for m in root.members}
    needs = {"alpha": "beta", "beta": "alpha", "A": "b", "b": "A", "c": "A", "b_hat": "A"}
    if not present & set(needs):
        help = 'give "alpha" and "beta" (Shu-Osher form) or "A" and "b" (Butcher form)'
        problems.add("RK133", "no form of a scheme is given", line=root.line, column=root.column, help=help)
        return
    missing: dict[str, str] = {}
    for key, other in needs.items():
        if key == "b_hat" and "alpha" in present:  # the stages are those of the Shu-Osher form
            continue
        if key in present and other not in present:
            missing.setdefault(other, key)
    for other, key in missing.items():
        member = next(m for m in root.members if m.key.value == key)
        message = f'"{key}" is given without "{other}"'
        problems.add(
            "RK134", message, path=f"/{key}", line=member.key.line, column=member.key.column, help=f'add "{other}"'
        )


def _rows(node: Node, key: str, problems: Problems) -> tuple[Node, ...] | None:
    """The rows of a matrix, each a list."""
    items = _items(node, f"/{key}", problems)
    if items is None:
        return None
    for i, row in enumerate(items):
        if not isinstance(row, Array) and type(row) is not Node:
            message = f"expected the row {key}[{i}] to be a list of entries, found {describe(row)}"
            help = 'the rows of a matrix stand in brackets of their own: [["1"], ["1/2", "1/2"]]'
            problems.add("RK132", message, path=f"/{key}/{i}", line=row.line, column=row.column, help=help)
    return items


def _items(node: Node, path: str, problems: Problems) -> tuple[Node, ...] | None:
    """The items of a list that has one for each stage."""
    if type(node) is Node:
        return None
    if isinstance(node, Array) and 0 < len(node.items) <= MOST_STAGES:
        return node.items
    if not isinstance(node, Array):
        code, message, help = "RK132", f"expected a list, found {describe(node)}", "put it into brackets [ ]"
    elif not node.items:
        code, message = "RK135", "a scheme has at least one stage, this list is empty"
        help = "the method with one stage is A = [[]], b = [1]"
    else:
        code, message = "RK138", f"{len(node.items)} stages; at most {MOST_STAGES} are accepted"
        help = "no method in use needs more; is a row given twice?"
    problems.add(code, message, path=path, line=node.line, column=node.column, help=help)
    return None


def _check_rows(rows: tuple[Node, ...], key: str, problems: Problems) -> None:
    """Row i of alpha and beta has i entries; those of A have m each, or 0, 1, ..., m-1."""
    lengths = [len(row.items) if isinstance(row, Array) else None for row in rows]
    m = len(rows)
    ragged = list(range(m))
    if key != "A":
        expected, help = list(range(1, m + 1)), f"{key}[i] has i + 1 entries: the weights of u0 = x to ui"
    else:
        # Which of the two shapes was meant: the one that more rows have, the triangle where the first row is empty.
        fits = [sum(n == e for n, e in zip(lengths, shape, strict=True)) for shape in (ragged, [m] * m)]
        triangle = lengths[0] == 0 or fits[0] > fits[1]
        expected = ragged if triangle else [m] * m
        help = (
            "the rows of A have 0, 1, 2, ... entries"
            if triangle
            else f"A is {m} x {m}, or has rows of 0, 1, 2, ... entries"
        )
    for i, (row, found, wanted) in enumerate(zip(rows, lengths, expected, strict=True)):
        if found is not None and found != wanted:
            message = f"the row {key}[{i}] has {count(found, 'entry')}, expected {wanted}"
            problems.add("RK136", message, path=f"/{key}/{i}", line=row.line, column=row.column, help=help)


def _entries(items: tuple[Node, ...], path: str, declared: Collection[str], problems: Problems) -> Entries:
    return tuple(
        read_entry(item, child(path, i), declared, problems) for i, item in enumerate(items[: MOST_STAGES + 1])
    )


def _check_sizes(root: Object, arrays: Arrays, problems: Problems) -> None:
    """All arrays speak of the same number of stages."""
    sizes = {key: len(rows) for key, rows in (arrays.matrices | arrays.vectors).items()}
    for first in ("alpha", "A"):
        for key in ("beta", "A", "b_hat") if first == "alpha" else ("b", "c", "b_hat"):
            if first in sizes and key in sizes and sizes[key] != sizes[first]:
                node = root.get(key) or root
                message = f'"{key}" speaks of {count(sizes[key], "stage")}, "{first}" of {sizes[first]}'
                help = f'"{key}" has one {"row" if key in arrays.matrices else "entry"} a stage, as "{first}" has rows'
                problems.add("RK137", message, path=f"/{key}", line=node.line, column=node.column, help=help)
