"""Tables in the source text of a language: its assignments in their order, and nothing else of it.

A statement that is no assignment is passed over. One that assigns to a name of a table must be understood; another
value that is not understood is an error for the table that needs it. Loops and conditions are not followed: what is
assigned twice with different numbers is an error, since nobody says which counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

from rkblocks.convert.arithmetic import Arithmetic
from rkblocks.convert.constants import CONSTANT, from_constants
from rkblocks.convert.expressions import Call, Parser
from rkblocks.convert.found import Array, ConversionError, Scalar, Table, Text, Unknown, Value, place_of, rows, zero
from rkblocks.convert.languages import PYTHON, Dialect, Token, tokens
from rkblocks.convert.named import by_name, table_of
from rkblocks.escape import shown
from rkblocks.files.shapes import MOST_STAGES

_BUILDER = re.compile(r"\w*RungeKutta\w*(?:Method|Pair)|tableau")
_PASSED = ("function", "def", "case", "struct", "class", "import", "from", "using", "return", "export", "typedef")
_PAIRS = ({"A", "b"}, {"A", "α"}, {"alpha", "beta"}, {"α", "beta"})
_POSITIONS = ("A", "b", "alpha", "beta")
_PAIR_POSITIONS = ("A", "b", "b_hat", "alpha", "beta")

Index = tuple[int, ...]


@dataclass
class Grid:
    """An array that is assigned element by element: `size` as far as it was declared."""

    at: int
    entries: dict[Index, Scalar] = field(default_factory=dict)
    assigned: set[Index] = field(default_factory=set)
    size: Index = ()

    def value(self) -> Array:
        """The array, zeros where nothing was assigned."""
        depth = max((len(index) for index in self.entries), default=len(self.size))
        size = [
            max([i[k] + 1 for i in self.entries if len(i) > k] + [self.size[k] if k < len(self.size) else 0])
            for k in range(depth)
        ]
        if depth == 2:
            lines = (tuple(self._entry((i, j)) for j in range(size[1])) for i in range(size[0]))
            return Array(tuple(Array(line, self.at) for line in lines), self.at)
        return Array(tuple(self._entry((i,)) for i in range(size[0] if size else 0)), self.at)

    def _entry(self, index: Index) -> Scalar:
        return self.entries.get(index, zero(self.at))


class Script:
    """The statements of one text. `tables` runs through them."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self.text, self.dialect = text, dialect
        self.words = tokens(text, dialect)
        self._blocks = re.compile(dialect.blocks, re.MULTILINE)
        self.known: dict[str, Value | Grid] = {}
        self.unnamed: list[Value] = []
        self.twice: dict[str, ConversionError] = {}
        self.found: list[Table] = []
        self.parser = Parser(
            self.words, dialect, self._lookup, lambda name: bool(_BUILDER.fullmatch(name)), Arithmetic()
        )

    def tables(self) -> list[Table]:
        """Every table of the text. Raises ConversionError where one is not understood."""
        starts = [(m.start(), next(filter(None, m.groups()), "")) for m in self._blocks.finditer(self.text)]
        at, before = 0, dict(self.known)
        for (_, name), (end, _) in pairwise([(0, ""), *starts, (len(self.text) + 1, "")]):
            self.known, self.unnamed, self.twice = dict(before), [], {}
            built, first = len(self.found), self.words[at].at
            while self.words[at].at < end and self.words[at].kind != "end":
                at = self._statement(at)
            if built == len(self.found):
                self._attempt(partial(self._table, name, first), name)
            if not name and built == len(self.found):
                before = self.known
        return [table for table in self.found if table.name or table.error is None] or self.found

    def _attempt(self, make: Callable[[], Table | None], name: str) -> None:
        """Add a table, or one with an error: others of the file may still be wanted."""
        try:
            table = make()
        except ConversionError as error:
            table = Table(name, {}, error.at, error=error)
        if table is not None:
            self.found.append(table)

    def _statement(self, start: int) -> int:
        """Take the statement that begins with the token `start`; returns where the next one does."""
        equals, end, depth = None, start, 0
        at = start
        while True:
            token = self.words[at]
            text = token.text if token.kind in ("operator", "newline") else ""
            if token.kind == "end" or self._ends(token, equals, depth, at):
                end = at
                break
            depth += (text in tuple("([{")) - (text in tuple(")]}"))
            if depth == 0 and equals is None and len(text) == 2 and text[1] == "=" and text[0] in "+-*/^.":
                self._poison(self.words[start:at], self._refused(token, "a change in place is not followed"))
            elif depth == 0 and equals is None and text == "=":
                equals, depth = at, 0
            at += 1
        after = end + (self.words[end].kind != "end")
        if self.words[start].text in _PASSED:
            return after
        if equals is not None:
            self._assignment(self.words[start:equals], equals + 1, end)
        elif start < end and (self.words[start].kind == "name" or self.words[start].text == "["):
            self._expression(start, end)
        return after

    def _ends(self, token: Token, equals: int | None, depth: int, at: int) -> bool:
        if self.dialect.braces and equals is None:  # C: the head of a block, or a statement
            return token.text in (";", "{", "}")
        if depth > 0:
            return False
        if token.kind == "newline":
            return self.dialect.lines and not (at and self.words[at - 1].text in ("//", "+", "*", "="))
        return token.text == ";"

    def _assignment(self, left: list[Token], first: int, end: int) -> None:
        target, index = self._target(left)
        declared = bool(index) and self.dialect.braces and self.words[first].text == "{"
        try:
            value = self._evaluated(first, end)
            if target is None:
                raise self._refused(self.words[first - 1], "this assignment is not followed")
            if index and not declared:
                self._set(target, index, value)
            else:
                self._define(target, value, first, end)
        except ConversionError as error:
            self._poison(left if target is None else [target], error)

    def _expression(self, start: int, end: int) -> None:
        """A value by itself, as the repr of an array is."""
        word = self.words[start].text.rpartition(".")[2]
        if word not in ("array", "matrix", "Matrix", "[", "print") and not _BUILDER.fullmatch(word):
            return
        try:
            value = self._evaluated(start, end)
        except ConversionError as error:
            value = Unknown(error)
        if isinstance(value, Array | Unknown) and word != "print" and not _BUILDER.fullmatch(word):
            self.unnamed.append(value)

    def _evaluated(self, first: int, end: int) -> Value:
        parser = self.parser
        parser.restart(first)
        value = parser.number(parser.value()) if self.words[first].kind != "string" else parser.value()
        if parser.at < end and parser.token.kind != "newline":
            raise self._refused(parser.token, f"unexpected {shown(parser.token.text)}")
        for call in parser.calls:
            self._attempt(partial(self._built, call), _called(call))
        return value

    def _target(self, left: list[Token]) -> tuple[Token | None, list[Token]]:
        """The name that is assigned to, and the tokens of its indices; None for anything else."""
        words = [t for t in left if t.kind != "newline"]
        for i, token in enumerate(words):
            if token.text == "::":  # Julia: a21::T
                words = words[:i]
                break
        names = [i for i, token in enumerate(words) if token.kind == "name"]
        opens = [i for i, token in enumerate(words) if token.text in ("[", "(")]
        name = max((i for i in names if not opens or i < opens[0]), default=None)
        if name is None or (name and words[name - 1].kind == "operator" and words[name - 1].text in (".", ",")):
            return None, []
        rest = words[name + 1 :]
        if rest and rest[0].text == ",":
            return None, []
        return words[name], rest

    def _set(self, target: Token, index: list[Token], value: Value) -> None:
        key = by_name(target.text)
        numbers = [token for token in index if token.text not in tuple("[](),")]
        if not numbers or any(token.kind == "string" for token in numbers):
            return
        if any(not (token.kind == "number" and token.text.isdigit()) for token in numbers) or len(numbers) > 2:
            raise self._refused(numbers[0], "an index that is no number")
        if key is None and not isinstance(self.known.get(_last(target.text)), Array | Grid):
            return
        places = tuple(int(token.text[:6]) - self.dialect.base for token in numbers)
        if not all(0 <= place <= MOST_STAGES for place in places):
            help = f"indices begin at {self.dialect.base}, and at most {MOST_STAGES} stages are accepted"
            raise ConversionError("RK384", "an index outside of any table", numbers[0].at, help)
        if not isinstance(value, Scalar):
            raise value.error if isinstance(value, Unknown) else self._refused(target, "an element that is no number")
        grid = self._grid(target)
        if places in grid.assigned and grid.entries[places].text != value.text:
            self.twice[_last(target.text)] = _twice(target)
        grid.entries[places] = value
        grid.assigned.add(places)

    def _grid(self, target: Token) -> Grid:
        name = _last(target.text)
        value = self.known.get(name)
        if isinstance(value, Grid):
            return value
        grid = Grid(target.at)
        if isinstance(value, Unknown):
            raise value.error
        if isinstance(value, Array):
            for i, item in enumerate(value.items):
                if isinstance(item, Array):
                    grid.entries |= {(i, j): entry for j, entry in enumerate(item.items) if isinstance(entry, Scalar)}
                elif isinstance(item, Scalar):
                    grid.entries[(i,)] = item
        self.known[name] = grid
        return grid

    def _define(self, target: Token, value: Value, first: int, end: int) -> None:
        name = _last(target.text)
        if any(token.text == "ARKodeButcherTable_Alloc" for token in self.words[first:end]):
            self._allocate(first, end)
        old = self.known.get(name)
        table = by_name(name) is not None or CONSTANT.fullmatch(name)
        own = any(t.kind == "name" and _last(t.text) == name for t in self.words[first:end])
        if table and not own and not self.dialect.sequential and isinstance(old, Scalar | Array | Grid):
            before = [n.text for line in rows(old.value() if isinstance(old, Grid) else old) for n in line]
            if isinstance(value, Unknown) or before != [n.text for line in rows(value) for n in line]:
                self.twice[name] = _twice(target)
        self.known[name] = value

    def _allocate(self, first: int, end: int) -> None:
        """ARKodeButcherTable_Alloc(stages, embedded): zeros of a table."""
        numbers = [t.text for t in self.words[first:end] if t.kind == "number"]
        m = min(int(numbers[0][:4]), MOST_STAGES) if numbers and numbers[0].isdigit() else 0
        embedded = any(t.text in ("SUNTRUE", "1", "true", "TRUE") for t in self.words[first + 3 : end])
        at = self.words[first].at
        for name in ("A", "b", "c", *(("d",) if embedded else ())):
            self.known[name] = Grid(at, size=(m, m) if name == "A" else (m,))

    def _lookup(self, name: str) -> Value | None:
        value = self.known.get(name)
        return value.value() if isinstance(value, Grid) else value

    def _table(self, name: str, at: int) -> Table | None:
        """What the names stand for at the end of a part."""
        arrays: dict[str, Value] = {}
        for known in self.known:
            key, value = by_name(known), self._lookup(known)
            if key is not None and value is not None and not isinstance(value, Text):
                arrays.setdefault(key, self._once(known, value))
        if "A" not in arrays and self.unnamed:
            arrays = dict(zip(("A", "b"), self.unnamed, strict=False))
            if len(self.unnamed) > 2:
                raise ConversionError(
                    "RK386", "a third array without a name", place_of(self.unnamed[2]), "name them: A = …, b = …"
                )
        if not any(pair <= set(arrays) for pair in _PAIRS):
            if isinstance(broken := arrays.get("A", arrays.get("alpha")), Unknown):
                raise broken.error
            constants = {k: self._once(k, v) for k in self.known if CONSTANT.fullmatch(k) and (v := self._lookup(k))}
            return from_constants(name, at, {k: v for k, v in constants.items() if isinstance(v, Scalar | Unknown)})
        return table_of(name, at, arrays)

    def _once(self, name: str, value: Value) -> Value:
        return Unknown(self.twice[name]) if name in self.twice else value

    def _built(self, call: Call) -> Table:
        positions = _PAIR_POSITIONS if call.name.endswith("Pair") else _POSITIONS
        given: dict[str, Value] = dict(zip(positions, call.arguments, strict=False))
        given |= {key: value for word, value in call.keywords.items() if (key := by_name(word)) is not None}
        given = {key: value for key, value in given.items() if not isinstance(value, Text)}
        titles = [call.keywords.get(word) for word in ("title", "name")]
        title = next((value.text for value in titles if isinstance(value, Text)), "")
        return table_of(_called(call), call.at, given, title=title)

    def _poison(self, left: list[Token], error: ConversionError) -> None:
        """Nothing that was assigned here can be used."""
        for token in left:
            if token.kind == "name":
                self.known[_last(token.text)] = Unknown(error)

    def _refused(self, token: Token, message: str) -> ConversionError:
        help = (
            "no code is executed: write the numbers themselves, or take the line out where the table does not need it"
        )
        return ConversionError("RK383", message, token.at, help)


def _last(name: str) -> str:
    return name.replace("->", ".").rpartition(".")[2]


def _called(call: Call) -> str:
    """The name that a call gives its method."""
    texts = [call.keywords.get(word) for word in ("shortname", "name")]
    return next((value.text for value in texts if isinstance(value, Text)), "")


def _twice(target: Token) -> ConversionError:
    message = f"{shown(target.text, quotes=False)} is given again here, with another number"
    help = "nothing is executed, so conditions are not followed: give the part of the file that counts"
    return ConversionError("RK386", message, target.at, help)


def statements(text: str, dialect: Dialect) -> list[Table]:
    """Every table in a text of a language: of arrays with the names of a table, constants a21, b1, elements A[2][1].

    Each function, case or macro is a table of its own.
    """
    return list(Script(text, dialect).tables())


def python(text: str) -> list[Table]:
    """Those of Python: arrays A and b, the reprs of numpy's arrays, calls of nodepy's classes or `rkblocks.tableau`."""
    if (at := text.find("<nodepy.")) >= 0 and "array" not in text:
        help = "print the method itself, or its arrays: print(repr(method.A), repr(method.b))"
        raise ConversionError("RK387", "this is the name of an object in memory, which holds no numbers", at, help)
    return statements(text, PYTHON)
