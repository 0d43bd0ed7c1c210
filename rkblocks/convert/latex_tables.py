r"""LaTeX: an array or tabular to its cells, and a cell such as ``-\tfrac{1}{2} + \frac{\sqrt 2}{2}`` to a number."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rkblocks.convert.found import ConversionError, Scalar, joined, negative, root
from rkblocks.escape import shown

_BEGIN = re.compile(r"\\begin\{(?:array|tabularx?)\*?\}")
_END = re.compile(r"\\end\{(?:array|tabularx?)\*?\}")
_RULES = re.compile(r"\\(?:hline|midrule|cmidrule|cline)(?:\([^()]*\))?(?:\{[^{}]*\})?")
_NOTHING = re.compile(
    r"\\(?:toprule|bottomrule|hspace\*?\{[^{}]*\}|displaystyle|textstyle|quad|qquad|phantom\{[^{}]*\})"
)
_TOKEN = re.compile(
    r"(?P<blank>(?:\s|\\[,;:! ]|~|\$|%[^\n]*)+)|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<command>\\[A-Za-z]+)|(?P<sign>[\s\S])"
)
_SEPARATOR = re.compile(r"\\\\(?:\[[^\[\]]*\])?|\\tabularnewline|(?<!\\)&")
MOST_LEVELS = 40

Cell = tuple[str, int]
Row = tuple[list[Cell], int, bool]
"""Cells with their offsets, the offset of the row, and whether it stands below a line."""


def latex_cells(text: str) -> Iterator[tuple[list[Row], int]]:
    """The rows of every array and tabular of a text, with its offset."""
    after = 0
    while (begin := _BEGIN.search(text, after)) and (end := _END.search(text, begin.end())):
        at, body, after = begin.end(), text[begin.end() : end.start()], end.end()
        columns = re.match(r"\s*(?:\[[^\[\]]*\])?\s*\{(?:[^{}]|\{[^{}]*\})*\}", body)
        yield _rows(body, columns.end() if columns else 0, at), begin.start()


def _rows(body: str, start: int, at: int) -> list[Row]:
    rows: list[Row] = []
    cells: list[Cell] = []
    ruled = False
    ends = [(m.start(), m.end(), m[0] != "&") for m in _SEPARATOR.finditer(body, start)]
    for end, following, closes in [*ends, (len(body), len(body), True)]:
        piece = body[start:end]
        ruled = ruled or (not cells and bool(rows) and bool(_RULES.search(piece)))
        for pattern in (_RULES, _NOTHING):
            piece = pattern.sub(lambda m: " " * len(m[0]), piece)
        cells.append((piece, at + start))
        start = following
        if closes:
            if any(cell.strip() for cell, _ in cells) or len(cells) > 1:
                rows.append((cells, cells[0][1], ruled))
            cells = []
    return rows


def latex_number(text: str, at: int) -> Scalar:
    """The number of a cell. Raises ConversionError where it is none."""
    reader = _Reader(text, at)
    value = reader.sum("")
    if reader.token[0] != "end":
        raise reader.unexpected()
    return value


class _Reader:
    def __init__(self, text: str, at: int) -> None:
        found = [(m.lastgroup or "", m[0], at + m.start()) for m in _TOKEN.finditer(text)]
        self._tokens = [t for t in found if t[0] != "blank" and t[1] not in (r"\left", r"\right")]
        self._end = ("end", "the end", at + len(text))
        self._levels = 0

    @property
    def token(self) -> tuple[str, str, int]:
        return self._tokens[0] if self._tokens else self._end

    def take(self, *texts: str) -> bool:
        if self._tokens and self._tokens[0][1] in texts:
            del self._tokens[0]
            return True
        return False

    def unexpected(self) -> ConversionError:
        _, text, at = self.token
        help = r"a cell is a number: 1/2, 0.5, \frac{1}{2}, \frac{\sqrt{2}}{2}"
        return ConversionError("RK383", f"unexpected {shown(text, width=20)}", at, help)

    def sum(self, closing: str) -> Scalar:
        self._levels += 1
        if self._levels > MOST_LEVELS:
            raise ConversionError(
                "RK391", f"nested more than {MOST_LEVELS} levels deep", self.token[2], "multiply it out"
            )
        at = self.token[2]
        sign = self._sign()
        value = self._product()
        value = negative(value, at) if sign < 0 else value
        while self.token[1] in ("+", "-", "−"):
            sign = self._sign()
            value = joined(value, "-" if sign < 0 else "+", self._product())
        if closing and not self.take(closing):
            raise self.unexpected()
        self._levels -= 1
        return value

    def _sign(self) -> int:
        sign = 1
        while self.token[1] in ("+", "-", "−"):
            sign = sign if self.token[1] == "+" else -sign
            del self._tokens[0]
        return sign

    def _product(self) -> Scalar:
        value = self._power()
        while True:
            if self.take("/"):
                value = joined(value, "/", self._power())
            elif (
                self.take("*", r"\cdot", r"\times")
                or self.token[0] == "number"
                or self.token[1] in ("{", "(", "\\sqrt")
                or _is_fraction(self.token[1])
            ):
                value = joined(value, "*", self._power())
            else:
                return value

    def _power(self) -> Scalar:
        value = self._atom()
        if self.take("^"):
            value = joined(value, "**", self._group())
        return value

    def _group(self) -> Scalar:
        r"""A group in braces, or as in \frac12 one digit."""
        if self.take("{"):
            return self.sum("}")
        kind, text, at = self.token
        if kind != "number":
            return self._atom()
        del self._tokens[0]
        if len(text) > 1:
            self._tokens.insert(0, ("number", text[1:], at + 1))
        return Scalar(text[0], at)

    def _atom(self) -> Scalar:
        kind, text, at = self.token
        if kind == "number":
            del self._tokens[0]
            return Scalar(text, at)
        if self.take("{"):
            return self.sum("}")
        if self.take("("):
            return self.sum(")")
        if _is_fraction(text):
            del self._tokens[0]
            above = self._group()
            return joined(above, "/", self._group())
        if self.take(r"\sqrt"):
            return root(self._group(), at)
        raise self.unexpected()


def _is_fraction(text: str) -> bool:
    return text in (r"\frac", r"\tfrac", r"\dfrac", r"\nicefrac", r"\sfrac", r"\cfrac")
