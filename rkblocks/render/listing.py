"""The library as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rkblocks.render.style import PLAIN, Style

if TYPE_CHECKING:
    from rkblocks.files.library import Entry

_HEAD = ("name", "stages", "order", "ssp", "title")


def listing(entries: Sequence[Entry], *, colour: bool = False) -> str:
    """Return one line an entry: name, stages, claimed order and SSP coefficient ("-": nothing claimed), title."""
    style = Style(colour)
    rows = [(e.name, str(e.stages), _claim(e, "order"), _claim(e, "ssp"), e.title) for e in entries]
    return columns(_HEAD, rows, right=(1, 2), style=style)


def columns(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), style: Style = PLAIN
) -> str:
    """Return a plain table: a head line, then the rows, columns two spaces apart; `right` are aligned right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([style(line(head), "bold"), *map(line, rows)]) + "\n"


def _claim(entry: Entry, claim: str) -> str:
    value = entry.claims.get(claim)
    return "-" if value is None else str(value)
