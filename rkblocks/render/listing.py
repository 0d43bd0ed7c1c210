"""The library as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rkblocks import escape
from rkblocks.escape import PLAIN, Style

if TYPE_CHECKING:
    from rkblocks.files.ranking import Ranked

_HEAD = ("name", "stages", "order", "C", "C/stages", "rho", "growth", "title")
_SPARE = ("C/stages", "rho", "growth")
_TITLE = 20
"""What a narrow terminal does without, and the characters that titles are to have there."""
SHORT = 7
"""Exact numbers up to this length are shown as they are."""


def listing(rows: Sequence[Ranked], *, colour: bool = False, width: int | None = None) -> str:
    """Return a line for each scheme: name, stages, claimed order, C, C by stages, rho, growth ("-": none), title.

    width: of a terminal, in whose lines the titles are cut; where less than a few words would be left of them, C by
    stages is left out first, then rho, then growth. None: any.
    """
    lines: list[tuple[str, ...]] = [
        (
            row.entry.name,
            str(row.entry.stages),
            "-" if row.order is None else str(row.order),
            _number(row.C, row.entry.claims.get("ssp")),
            _number(row.per_stage),
            _number(row.rho, row.entry.claims.get("rho")),
            _number(row.growth, row.entry.claims.get("variance")),
            row.entry.title,
        )
        for row in rows
    ]
    kept = list(range(len(_HEAD)))
    for name in _SPARE if width is not None else ():
        taken = sum(max(len(line[i]) for line in [_HEAD, *lines]) + 2 for i in kept[:-1])
        if width is not None and width - taken < _TITLE:
            kept.remove(_HEAD.index(name))
    head, *lines = [tuple(line[i] for i in kept) for line in [_HEAD, *lines]]
    return columns(head, lines, right=(1, 2), style=Style(colour), width=width)


def record(row: Ranked) -> dict[str, Any]:
    """Return the scheme as an object of `list --format json`: claims as written, and as numbers."""
    entry = row.entry
    return {
        "name": entry.name,
        "title": entry.title,
        "aliases": entry.aliases,
        "stages": entry.stages,
        "claims": entry.claims,
        "parameters": entry.parameters,
        "order": row.order,
        "C": row.C,
        "C/stages": row.per_stage,
        "rho": row.rho,
        "growth": row.growth,
    }


def columns(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    style: Style = PLAIN,
    width: int | None = None,
) -> str:
    """Return a plain table: a head line, then the rows, columns two spaces apart; `right` are aligned right.

    width: characters of a line, from which on the last column is cut; None: any.
    """
    rows = [[escape.line(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]

    if width is not None:  # a word of it is always left
        widths[-1] = min(widths[-1], max(width - sum(widths[:-1]) - 2 * (len(head) - 1), 8))
        rows = [[*row[:-1], row[-1] if len(row[-1]) <= widths[-1] else f"{row[-1][: widths[-1] - 1]}…"] for row in rows]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([style(line(head), "bold"), *map(line, rows)]) + "\n"


def _number(value: float | None, written: str | int | None = None) -> str:
    """Return a number by its exact text where that is short and no expression, else by five digits."""
    if value is None:
        return "-"
    text = "" if written is None else str(written)
    return text if 0 < len(text) <= SHORT and set(text) <= set("0123456789/") else f"{value:.5g}"
