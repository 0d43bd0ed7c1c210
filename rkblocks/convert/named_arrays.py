"""Arrays below or beside their names: files of RK-Opt and Octave, what SUNDIALS and MATLAB print.

A =                        A                          # name: A
  0   0                    0.0  0.0                   # type: matrix
  1   0                    1.0  0.0                    0 0
b = 0.5 0.5                                            1 0
"""

from __future__ import annotations

import re

from rkblocks.convert.found import Array, ConversionError, Scalar, Table, Value
from rkblocks.convert.layout import number
from rkblocks.convert.named import by_name, table_of
from rkblocks.files.shapes import MOST_STAGES

_HEAD = re.compile(r"[ \t]*(?:# name: *)?([A-Za-z]\w*)[ \t]*(?:=[ \t]*(.*))?$")
_END = re.compile(r"[ \t]*={5,}[ \t]*\r?$")
MOST_LINES = 20_000


def named_arrays(text: str) -> list[Table]:
    """The tables of a file of named arrays; a name that comes again, or a line of ====, begins the next one."""
    tables: list[Table] = []
    arrays: dict[str, list[Array]] = {}
    current: list[Array] | None = None
    start = at = 0

    def close() -> None:
        nonlocal arrays, start
        if {"A", "b"} <= set(arrays):
            values: dict[str, Value] = {
                k: v[0] if len(v) == 1 else Array(tuple(v), v[0].at) for k, v in arrays.items() if v
            }
            tables.append(table_of("", start, values))
        arrays, start = {}, at

    for count, raw in enumerate(text.split("\n")):
        if count > MOST_LINES:
            raise ConversionError(
                "RK391", f"more than {MOST_LINES} lines", at, "give the part of the file with the table"
            )
        line = raw.rstrip("\r")
        offset = at
        at += len(raw) + 1
        if not line.strip():
            continue
        if _END.match(line):
            close()
            current = None
        elif (head := _HEAD.match(line)) and not _is_numeric(head[1]):
            key = by_name(head[1])
            if key in arrays:
                close()
            current = arrays.setdefault(key, []) if key is not None else None
            if head[2] and current is not None:
                current.append(_row(head[2], offset + head.start(2)))
        elif line.lstrip().startswith("#"):
            continue
        elif current is not None:
            if re.match(r"\s*Columns? ", line) or line.rstrip().endswith("*"):
                help = "write it with mat2str(A, 17) or save -ascii, without a common factor and without parts"
                raise ConversionError("RK387", "this is not the whole array as it is", offset, help)
            current.append(_row(line, offset))
            if len(current) > MOST_STAGES + 1:
                raise ConversionError(
                    "RK384", f"an array of more than {MOST_STAGES + 1} rows", offset, "no table is so large"
                )
    close()
    return tables


def _is_numeric(word: str) -> bool:
    return word.lower() in ("nan", "inf")


def _row(line: str, at: int) -> Array:
    entries: list[Scalar] = []
    for match in re.finditer(r"[^\s,;]+", line):
        if (entry := number(match[0], at + match.start())) is not None:
            entries.append(entry)
    return Array(tuple(entries), at)
