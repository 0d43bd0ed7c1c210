"""The pieces of a page: escaped text, tables, figures. Each function returns HTML as text."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rkblocks.escape import html as escape


@dataclass(frozen=True)
class Section:
    """A part of the page: its id, heading, and HTML."""

    id: str
    title: str
    body: str

    def html(self, level: int = 2) -> str:
        """Return the section under a heading of this level."""
        head = f'<h{level} id="{self.id}">{escape(self.title)}</h{level}>'
        return f'<section aria-labelledby="{self.id}">\n{head}\n{self.body}\n</section>'


@dataclass(frozen=True)
class Mark:
    """A cell that is good or bad, said by a word and by colour."""

    text: str
    good: bool


class Accuracy(float):
    """A share of images, shown with four decimals, so that those of a column are alike."""


def number(value: Any) -> str:
    """Return a figure for people: four digits, a dash for none."""
    if value is None:
        return "–"
    if isinstance(value, Accuracy):
        return f"{value:.4f}"
    if isinstance(value, float):
        return "unbounded" if math.isinf(value) else f"{value:.4g}"
    return "unbounded" if value == "inf" else str(value)


def norm(p: Any) -> str:
    """Return the p of a norm as it is written: "∞" for "inf", a dash for none."""
    return "–" if p is None else "∞" if p == "inf" else str(p)


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of plain text."""
    return f"<p{_class(kind)}>{escape(text)}</p>"


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[Any]], words: Sequence[int] = ()) -> str:
    """Return a table in a box of its own that scrolls where the page is too narrow.

    The first cell of a row is its heading. Floats and ints stand right with four digits; the columns `words` hold
    sentences; a `Mark` is coloured.
    """
    lines = [list(row) for row in rows]
    numeric = [any(_is_number(row[k]) for row in lines) for k in range(len(head))]
    top = "".join(
        f'<th scope="col"{_class("number" if n else "")}>{escape(t)}</th>' for t, n in zip(head, numeric, strict=True)
    )
    body = "\n".join(_row(line, numeric, words) for line in lines)
    return (
        f'<figure class="table">\n<figcaption>{escape(caption)}</figcaption>\n'
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(caption)}">\n<table>\n'
        f"<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>\n</figure>"
    )


def listed(items: Iterable[tuple[str, str]]) -> str:
    """Return a list of terms with what is said about each."""
    lines = "\n".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in items)
    return f"<dl>\n{lines}\n</dl>"


def folded(summary: str, body: str) -> str:
    """Return a body that is shown on demand."""
    return f"<details>\n<summary>{escape(summary)}</summary>\n{body}\n</details>"


def image(svg: str, alt: str, caption: str) -> str:
    """Return a figure with the drawing inside the page, as a data URI: its ids do not clash with those of another."""
    data = base64.b64encode(svg.encode()).decode()
    return (
        f'<figure>\n<img src="data:image/svg+xml;base64,{data}" alt="{escape(alt)}">\n'
        f"<figcaption>{escape(caption)}</figcaption>\n</figure>"
    )


def _row(line: Sequence[Any], numeric: Sequence[bool], words: Sequence[int]) -> str:
    cells = []
    for k, value in enumerate(line):
        kind = "number" if numeric[k] else "word" if k in words else ""
        if isinstance(value, Mark):
            cells.append(f'<td><span class="{"good" if value.good else "bad"}">{escape(value.text)}</span></td>')
        elif k == 0:
            cells.append(f'<th scope="row">{escape(number(value))}</th>')
        else:
            cells.append(f"<td{_class(kind)}>{escape(number(value))}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _class(kind: str) -> str:
    return f' class="{kind}"' if kind else ""
