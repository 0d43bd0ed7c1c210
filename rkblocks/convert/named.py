"""The names that people give to the arrays of a table, and the shapes in which these come."""

from __future__ import annotations

from collections.abc import Mapping

from rkblocks.convert.found import (
    Array,
    ConversionError,
    Note,
    Scalar,
    Table,
    Unknown,
    Value,
    is_zero,
    joined,
    numbers,
    place_of,
    rows,
)

KEYS = {
    **dict.fromkeys(("A", "a", "A_table", "Amat", "rk_A", "butcher_A"), "A"),
    **dict.fromkeys(("b", "w", "rk_b", "butcher_b"), "b"),
    **dict.fromkeys(("c", "rk_c", "butcher_c"), "c"),
    **dict.fromkeys(("b_hat", "bhat", "bh", "bstar", "b_star", "bs", "d", "αEEst", "b̂"), "b_hat"),
    **dict.fromkeys(("alpha", "Alpha"), "alpha"),
    **dict.fromkeys(("beta", "Beta", "β"), "beta"),
    "α": "α",
    "v": "v",
}
"""The key of a tableau file by the name of a variable; the α of Julia is b where it is a vector."""


def by_name(name: str) -> str | None:
    """The key that a name stands for."""
    return KEYS.get(name.replace("->", ".").rpartition(".")[2])


def table_of(name: str, at: int, values: Mapping[str, Value], title: str = "", notes: tuple[Note, ...] = ()) -> Table:
    """A table with its arrays in the shapes of a tableau file.

    Matrices lose the row of zeros that stands for u0 in nodepy and RK-Opt, and `v`, the part of the starting value in
    their modified Shu-Osher form, goes into the first column of alpha.
    """
    given = {key: value for key, value in values.items() if not _is_nothing(key, value, values)}
    if (greek := given.pop("α", None)) is not None:
        given.setdefault("b" if len(rows(greek)) == 1 or len(rows(greek)[0]) == 1 else "alpha", greek)
    start = given.pop("v", None)
    arrays: dict[str, Array] = {}
    for key in ("A", "alpha", "beta"):
        if key in given:
            arrays[key] = _matrix(key, given[key])
    for key in ("b", "c", "b_hat"):
        if key in given:
            arrays[key] = Array(tuple(numbers(given[key])), place_of(given[key]))
    if "alpha" in arrays and "beta" in arrays and "A" not in given:
        arrays |= _shu_osher(arrays["alpha"], arrays["beta"], start)
    elif "alpha" in arrays or "beta" in arrays:
        try:
            arrays |= _shu_osher(arrays["alpha"], arrays["beta"], start)
        except (ConversionError, KeyError):  # A and b say it all
            arrays.pop("alpha", None)
            arrays.pop("beta", None)
    return Table(name, arrays, at, title, notes=notes)


def _is_nothing(key: str, value: Value, values: Mapping[str, Value]) -> bool:
    """Whether a name means no array: None, or a single number called alpha beside A."""
    empty = isinstance(value, Array) and not value.items
    return empty or (isinstance(value, Scalar) and "A" in values and key not in ("A", "b", "c"))


def _matrix(key: str, value: Value) -> Array:
    if isinstance(value, Unknown):
        raise value.error
    lines = rows(value)
    if key == "A" and len(lines) == 1 and len(lines[0]) > 1:
        help = "rows stand in brackets of their own, or end with ;"
        raise ConversionError("RK384", "A has one row, of several entries", place_of(value), help)
    places = [place_of(item) for item in value.items] if isinstance(value, Array) else []
    if len(places) != len(lines):
        places = [place_of(value)] * len(lines)
    return Array(tuple(Array(tuple(line), place) for line, place in zip(lines, places, strict=True)), place_of(value))


def _shu_osher(alpha: Array, beta: Array, start: Value | None) -> dict[str, Array]:
    """Rows of 1, 2, … entries."""
    first = [list(numbers(start))] if start is not None else []
    a, b = rows(alpha), rows(beta)
    if len(a) == len(b) and a and all(map(is_zero, a[0])) and all(map(is_zero, b[0])):
        added = first[0] if first else []
        a = [
            [joined(v, "+", line[0]), *line[1:]] if not is_zero(v) else line for v, line in zip(added, a, strict=False)
        ] or a
        a, b = a[1:], b[1:]
    return {"alpha": _triangle("alpha", a, alpha.at), "beta": _triangle("beta", b, beta.at)}


def _triangle(key: str, lines: list[list[Scalar]], at: int) -> Array:
    found = []
    for i, line in enumerate(lines):
        over = [entry for entry in line[i + 1 :] if not is_zero(entry)]
        if over:
            help = "an explicit form has zeros there; give A and b of another method"
            raise ConversionError("RK384", f"row {i} of {key} goes beyond its stage", over[0].at, help)
        found.append(Array(tuple(line[: i + 1]), line[0].at if line else at))
    return Array(tuple(found), at)
