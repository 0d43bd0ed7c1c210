"""Tables drawn as such: c | A above a line, b below. What differs is how a row is cut into cells."""

from __future__ import annotations

import csv as _csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rkblocks.convert.arithmetic import Arithmetic
from rkblocks.convert.expressions import Parser
from rkblocks.convert.found import Array, ConversionError, Scalar, Table, Value, is_zero, zero
from rkblocks.convert.languages import PYTHON, tokens
from rkblocks.convert.latex_tables import latex_cells, latex_number
from rkblocks.convert.named import by_name, table_of
from rkblocks.escape import count, shown
from rkblocks.files.shapes import MOST_STAGES

MOST_ROWS = 4 * MOST_STAGES + 8

_RULE = re.compile(r"[ \t]*[-_=+|─━┼]{3,}[ \t]*$")


@dataclass(frozen=True)
class Line:
    """One row: `cells` are numbers, None for an empty place; `head` whether the first stands before a bar."""

    cells: tuple[Scalar | None, ...]
    at: int
    head: bool = False


def number(text: str, at: int) -> Scalar | None:
    """A number as people type it, None for nothing: 1/2, -0.25, sqrt(2)/2."""
    stripped = (
        text.strip().removeprefix("'").replace("−", "-").replace("^", "**")
    )  # an apostrophe marks text in a spreadsheet
    if not stripped or stripped in ("-", "·", "."):
        return None
    start = at + text.find(stripped[0]) if stripped[0] in text else at
    words = tokens(stripped, PYTHON, start)
    parser = Parser(words, PYTHON, lambda name: None, lambda name: False, Arithmetic())
    value = parser.number(parser.value())
    parser.finish()
    if not isinstance(value, Scalar):
        raise getattr(value, "error", None) or ConversionError(
            "RK383", "expected one number", start, "an entry is 1/2, 0.5 or sqrt(2)/2"
        )
    return value


def butcher(name: str, above: Sequence[Line], below: Sequence[Line], at: int) -> Table:
    """The table of rows c | A and of the rows beneath the line: b, and b_hat."""
    m = len(above)
    if not m or not below or len(below) > 2:
        message = f"{count(m, 'row')} above the line and {len(below)} below"
        raise ConversionError(
            "RK384", message, at, "a table has a row c | A for each stage, a line, and one or two rows of weights"
        )
    A, c = [], []
    for i, line in enumerate(above):
        entries = _trimmed(line.cells[1:], m)
        filled = _trimmed(entries, 0)
        if len(entries) not in (i, m) and not (len(filled) < len(entries) and len(filled) <= i):
            message = f"the row of stage {i} has {count(len(entries), 'entry')} beside its c, expected {i} or {m}"
            raise ConversionError("RK384", message, line.at, "a row is c, then its entries of A")
        c.append(line.cells[0] or zero(line.at))
        A.append(Array(tuple(e or zero(line.at) for e in (*entries, *[None] * (m - len(entries)))), line.at))
    weights = []
    for line in below:
        entries = (
            line.cells[1:] if len(line.cells) > m and (line.cells[0] is None or is_zero(line.cells[0])) else line.cells
        )
        entries = _trimmed(entries, m)
        if len(entries) != m:
            message = f"{count(len(entries), 'weight')}, but {count(m, 'stage')}"
            raise ConversionError("RK384", message, line.at, "a row below the line has one weight a stage")
        weights.append(Array(tuple(e or zero(line.at) for e in entries), line.at))
    values: dict[str, Value] = {"A": Array(tuple(A), at), "b": weights[0], "c": Array(tuple(c), at)}
    if len(weights) > 1:
        values["b_hat"] = weights[1]
    return table_of(name, at, values)


def _trimmed(cells: Sequence[Scalar | None], most: int) -> tuple[Scalar | None, ...]:
    """Cells without the empty ones beyond `most`."""
    found = tuple(cells)
    while len(found) > most and found[-1] is None:
        found = found[:-1]
    return found


def unruled(lines: Sequence[Line], at: int) -> Table:
    """The table of rows without a line: the numbers of their entries say where A ends."""
    widths = [len(line.cells) for line in lines]
    widest, n = max(widths), len(lines)
    if n == widest + 1 and len(set(widths)) == 1 and not any(line.head for line in lines):  # A over b
        m = widest
        values: dict[str, Value] = {
            "A": Array(tuple(Array(tuple(e or zero(line.at) for e in line.cells), line.at) for line in lines[:m]), at),
            "b": Array(tuple(e or zero(lines[m].at) for e in lines[m].cells), lines[m].at),
        }
        return table_of("", at, values)
    full = len(set(widths)) == 1
    m = widest - 1 if full else next((i for i, w in enumerate(widths) if w != i + 1), n)
    return butcher("", lines[:m], lines[m:], at)


def plain(text: str) -> list[Table]:
    """Rows of numbers with blanks, and perhaps bars, between: c | A, a line of dashes, b."""
    above: list[Line] = []
    below: list[Line] = []
    ruled = False
    for line, at in _lines(text):
        if _RULE.match(line) and not re.search(r"[0-9]", line):
            ruled = bool(above)
            continue
        (below if ruled else above).append(_plain_line(line, at))
    if not above:
        return []
    return [butcher("", above, below, above[0].at) if ruled else unruled(above, above[0].at)]


def _plain_line(line: str, at: int) -> Line:
    head, bar, rest = line.partition("|")
    if not bar:
        head, rest = "", line
    cells: list[Scalar | None] = [number(head, at)] if bar else []
    offset = at + len(head) + len(bar)
    cells += [number(match[0], offset + match.start()) for match in re.finditer(r"[^\s|,;]+", rest)]
    return Line(tuple(cells), at, bool(bar))


def nodepy(text: str) -> list[Table]:
    """What nodepy prints of a method: the columns are as wide as the line of underscores says, and zeros are blanks."""
    found = list(_lines(text))
    at = next((i for i, (line, _) in enumerate(found) if re.fullmatch(r"_+\|_+", line.strip())), None)
    if at is None:
        return []
    left, _, right = found[at][0].strip().partition("|")
    width = len(left)
    m = len(right) // width
    if len(right) % width or not 0 < m <= MOST_STAGES:
        expected = f"{width} a stage, as many as before it, of at most {MOST_STAGES} stages"
        message = f"the line has {count(len(right), 'sign')} after its bar, expected {expected}"
        help = "give the text as nodepy prints it, blanks included; rows with blanks between are read with --from table"
        raise ConversionError("RK384", message, found[at][1], help)
    first = at
    while first and len(found[first - 1][0]) > width and found[first - 1][0][width : width + 1] == "|":
        first -= 1
    above = [_columns(line, place, width, m) for line, place in found[first:at]]
    below = [_columns(line, place, width, m) for line, place in found[at + 1 :] if line[width : width + 1] == "|"]
    table = butcher("", above, below, found[first][1])
    title = " ".join(line for line, _ in found[:first]).strip()
    return [Table("", table.arrays, table.at, title[:200], notes=table.notes)]


def _columns(line: str, at: int, width: int, m: int) -> Line:
    rest = line[width + 1 :]
    parts = [rest[j * width : (j + 1) * width] for j in range(m)]
    words = list(re.finditer(r"\S+", rest))
    whole = all(not part or part[-1].isspace() or len(part) < width for part in parts) and len(rest) <= m * width
    if len(words) == m:  # whatever their columns: those of b_hat may be wider than the line says
        cells = [number(word[0], at + width + 1 + word.start()) for word in words]
    elif whole or not words:
        cells = [number(part, at + width + 1 + j * width) for j, part in enumerate(parts)]
    else:
        help = "give the arrays themselves: print(repr(method.A))"
        raise ConversionError("RK384", "this row does not keep to the columns of the line", at, help)
    return Line((number(line[:width], at), *cells), at, True)


def latex(text: str) -> list[Table]:
    """The arrays and tabulars of a LaTeX file: c & A, a line, b."""
    tables = []
    for rows, at in latex_cells(text):
        above: list[Line] = []
        below: list[Line] = []
        for row, place, ruled in rows:
            cells = tuple(None if not cell.strip() else latex_number(cell, offset) for cell, offset in row)
            (below if ruled else above).append(Line(cells, place, True))
        if above:
            tables.append(butcher("", above, below, at))
    return tables


def csv(text: str) -> list[Table]:
    """Values with commas, semicolons or tabs between: rows c, A and b, or rows that begin with a name."""
    lines = list(_lines(text))
    if not lines:
        return []
    sample = "".join(line for line, _ in lines[:MOST_ROWS])
    delimiter = max("\t;,", key=sample.count)
    rows: list[tuple[list[str], int]] = []
    for line, at in lines:
        try:
            rows.append((next(_csv.reader(io.StringIO(line), delimiter=delimiter)), at))
        except _csv.Error as error:
            raise ConversionError(
                "RK383", f"this is no row of a CSV file: {error}", at, 'quote cells with " alone'
            ) from None
    keys = [by_name(row[0].strip()) if row else None for row, _ in rows]
    if any(keys):
        return [_labelled(rows, keys, lines[0][1])]
    above = [Line(tuple(number(cell, at) for cell in row), at) for row, at in rows]
    ruled = next((i for i, line in enumerate(above) if i and line.cells[0] is None), None)
    if ruled is not None:
        return [butcher("", above[:ruled], above[ruled:], above[0].at)]
    return [unruled(above, above[0].at)]


def _labelled(rows: Sequence[tuple[list[str], int]], keys: Sequence[str | None], at: int) -> Table:
    found: dict[str, list[Array]] = {}
    for (row, place), key in zip(rows, keys, strict=True):
        if key is None:
            message = f"{shown(row[0], width=20)} is no array of a table"
            raise ConversionError("RK383", message, place, "a row begins with A, b, c, b_hat, alpha or beta")
        cells = [number(cell, place) or zero(place) for cell in row[1:]]
        found.setdefault(key, []).append(Array(tuple(cells), place))
    values: dict[str, Value] = {
        key: lines[0] if len(lines) == 1 else Array(tuple(lines), at) for key, lines in found.items()
    }
    return table_of("", at, values)


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Lines that are not blank and no comment, with their offsets."""
    at = rows = 0
    for line in text.split("\n"):
        if line.strip() and not line.lstrip().startswith(("#", "%")):
            rows += 1
            if rows > MOST_ROWS:
                raise ConversionError(
                    "RK391", f"more than {MOST_ROWS} rows", at, "give the part of the file with the table"
                )
            yield line.rstrip("\r"), at
        at += len(line) + 1
