"""Tables as single constants, `a21`, `b1`, `α20`: the way of OrdinaryDiffEq.jl and of many programs.

Two digits, or half of four, are row and column. Rows count from 1; where a column 0 occurs they count from 0. What
these files leave to convention is said in a note: b is the last row of A, a stage without α continues the one before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rkblocks.convert.found import Array, ConversionError, Note, Scalar, Table, Unknown, zero
from rkblocks.convert.named import table_of
from rkblocks.files.shapes import MOST_STAGES

CONSTANT = re.compile(r"(a|b|c|bhat|btilde|α|β|alpha|beta)_?([0-9]{1,4})(?:_([0-9]{1,2}))?")
_KEYS = {"α": "alpha", "β": "beta", "a": "A"}

Indexed = dict[tuple[int, int], Scalar]


def from_constants(name: str, at: int, constants: Mapping[str, Scalar | Unknown]) -> Table | None:
    """The table of the constants of one part of a file; None where they make none."""
    matrices: dict[str, Indexed] = {"A": {}, "alpha": {}, "beta": {}}
    vectors: dict[str, dict[int, Scalar]] = {"b": {}, "c": {}, "bhat": {}, "btilde": {}}
    for word, value in constants.items():
        match = CONSTANT.fullmatch(word)
        assert match is not None
        if isinstance(value, Unknown):
            raise value.error
        kind = _KEYS.get(match[1], match[1])
        if kind in matrices:
            if (place := _place(match[2], match[3])) is not None:
                matrices[kind][place] = value
        elif match[3] is None:
            vectors[kind][int(match[2])] = value
    if matrices["beta"]:
        return _shu_osher(name, at, matrices)
    return _butcher(name, at, matrices["A"], vectors) if matrices["A"] else None


def _place(digits: str, second: str | None) -> tuple[int, int] | None:
    if second is not None:
        return int(digits), int(second)
    if len(digits) == 1:
        return None
    half = (len(digits) + 1) // 2
    return int(digits[:half]), int(digits[half:])


def _butcher(name: str, at: int, entries: Indexed, vectors: Mapping[str, Mapping[int, Scalar]]) -> Table:
    base = 0 if any(j == 0 for _, j in entries) else 1
    A = {(i - base, j - base): value for (i, j), value in entries.items()}
    last = max(i for i, _ in A)
    b = {i - 1: value for i, value in vectors["b"].items()}
    m = max(last, *b) + 1 if b else last + 1
    _bounded(m, at)
    lines = [[A.get((i, j), zero(at)) for j in range(m)] for i in range(m)]
    notes = []
    if not b:
        weights = lines[last]
        help = "a file without b1, b2, … means a method whose last stage is the result; add them if it is none"
        notes.append(
            Note("RK389", f"b is not given: the last row of A, a{last + base}…, is taken for it", weights[0].at, help)
        )
    else:
        weights = [b.get(i, zero(at)) for i in range(m)]
    values: dict[str, Array] = {"A": _array(lines, at), "b": Array(tuple(weights), at)}
    if hat := vectors["bhat"]:
        values["b_hat"] = Array(tuple(hat.get(i + 1, zero(at)) for i in range(m)), at)
    if tilde := vectors["btilde"]:
        help = "add b_hat to the written file; some authors mean b - b_hat, others b_hat - b"
        first = next(iter(tilde.values()))
        notes.append(Note("RK388", "btilde, a difference of weights, is left out", first.at, help))
    table = table_of(name, at, values, notes=tuple(notes))
    return Table(table.name, table.arrays, at, table.title, dict(vectors["c"]), table.notes)


def _shu_osher(name: str, at: int, matrices: Mapping[str, Indexed]) -> Table:
    m = max(i for i, _ in (*matrices["alpha"], *matrices["beta"]))
    _bounded(m, at)
    continued = []
    lines: dict[str, list[list[Scalar]]] = {"alpha": [], "beta": []}
    for i in range(1, m + 1):
        for key, entries in matrices.items():
            if key in lines:
                lines[key].append([entries.get((i, j), zero(at)) for j in range(i)])
        if not any(row == i for row, _ in matrices["alpha"]):
            lines["alpha"][-1][-1] = Scalar("1", at)
            continued.append(f"α{i}{i - 1}")
    notes = []
    if continued:
        help = "a stage without α continues the one before it; add the others if that is not meant"
        notes.append(Note("RK389", f"{', '.join(continued)} not given: taken for 1", at, help))
    values = {key: _array(found, at) for key, found in lines.items()}
    return table_of(name, at, values, notes=tuple(notes))


def _array(lines: list[list[Scalar]], at: int) -> Array:
    return Array(tuple(Array(tuple(line), next((e.at for e in line if e.text != "0"), at)) for line in lines), at)


def _bounded(m: int, at: int) -> None:
    if m > MOST_STAGES:
        message = f"the constants speak of {m} stages; at most {MOST_STAGES} are accepted"
        raise ConversionError("RK384", message, at, "rows and columns are half of the digits each: a21, a0201, a12_1")
