"""JSON text to nodes with places (RFC 8259), strictly, but reporting every departure from JSON instead of the first.

Why no `json`: it keeps the last of duplicate keys, takes NaN, rounds 0.1 to a double, lets deep nesting overflow the
stack, stops at the first mistake, and forgets where values stood. Here each mistake has its own code, the scan goes on
as if the obvious repair had been made, and a value that could not be repaired is a bare `Node`, which nobody
reports again.
"""

from __future__ import annotations

import re

from rkblocks.files.collected import Problems
from rkblocks.files.nodes import Array, Member, Node, Object, Text
from rkblocks.files.text import unquoted
from rkblocks.files.text.cursor import Cursor
from rkblocks.files.text.strings import QUOTES, scan_string
from rkblocks.files.wording import shown

MOST_LEVELS = 32
"""Deepest nesting; a tableau needs three levels."""

_BLANK = re.compile(r"[ \t\r\n]+")
_COMMENT = re.compile(r"(?://|#)[^\n]*|/\*.*?\*/|/\*", re.DOTALL)
_CLOSER = {"[": "]", "{": "}"}


def parse(text: str, problems: Problems) -> Node | None:
    """The root value of a JSON text; None where the scan could not reach the end of it (problems say why)."""
    return Scanner(text, problems).document()


def child(path: str, key: str | int) -> str:
    """The JSON pointer of a member or item of the value at `path` (RFC 6901)."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


class Scanner(Cursor):
    """Arrays, objects and what stands between values; `_open` holds the brackets that are open."""

    def __init__(self, text: str, problems: Problems) -> None:
        super().__init__(text, problems)
        self._open: list[str] = []

    def document(self) -> Node | None:
        self._blank("")
        root = self._value("")
        self._blank("")
        if not self.stopped and type(root) is not Node and self.at < len(self.text):
            found = shown(self.text[self.at : self.at + 20].split("\n")[0])
            self.report(
                "RK121", f"more text after the end of the value: {found}", self.at, "", "one file is one object"
            )
        return None if self.stopped or type(root) is Node else root

    def _value(self, path: str) -> Node:
        start = self.at
        character = self.text[start : start + 1]
        if not character:
            self._unclosed(path)
            return Node(*self.place(start))
        if character in _CLOSER:
            return self._container(character, path)
        if character in QUOTES:
            return scan_string(self, path)
        return unquoted.scan(self, path)

    def _container(self, opener: str, path: str) -> Node:
        start = self.at
        if len(self._open) == MOST_LEVELS:
            help = "a tableau file needs three levels: the object, an array, a row"
            self.report("RK122", f"nested more than {MOST_LEVELS} levels deep", start, path, help)
            self.stop()
            return Node(*self.place(start))
        self._open.append(opener)
        self.at += 1
        if opener == "[":
            items: list[Node] = []
            while self._more("]", start, path, bool(items)):
                items.append(self._value(child(path, len(items))))
            result: Node = Array(*self.place(start), tuple(items))
        else:
            members: list[Member] = []
            lines: dict[str, int] = {}
            while self._more("}", start, path, bool(lines)):
                self._member(members, lines, path)
            result = Object(*self.place(start), tuple(members))
        self._open.pop()
        return result

    def _more(self, closer: str, start: int, path: str, separated: bool) -> bool:
        """Whether another item follows. Takes the comma before it, or the closing bracket.

        `separated`: an item came before, so that a comma is due.
        """
        self._blank(path)
        comma: int | None = None
        while self.text.startswith((",", ":", ";"), self.at):
            if self.text[self.at] != ",":
                message = f'unexpected "{self.text[self.at]}", expected "," or "{closer}"'
                self.report("RK107", message, self.at, path, "separate values by a comma, and no more")
            elif comma is not None or not separated:
                self.report("RK109", "a comma without a value before it", self.at, path, "remove the comma")
            comma = self.at
            self.at += 1
            self._blank(path)
        if self.at >= len(self.text):
            self._unclosed(path, start)
            return False
        found = self.text[self.at]
        if found in "]}":
            if comma is not None and separated and self.text[comma] == ",":
                self.report(
                    "RK109", f'a comma before "{found}"', comma, path, "remove the comma: JSON has no trailing commas"
                )
            self._close(found, closer, start, path)
            return False
        if separated and comma is None:
            self.report(
                "RK108", f'expected "," or "{closer}" before this value', self.at, path, "separate values by a comma"
            )
        return True

    def _close(self, found: str, closer: str, start: int, path: str) -> None:
        outer = any(_CLOSER[opener] == found for opener in self._open[:-1])
        if found != closer:
            line, column = self.place(start)
            message = (
                f'expected "{closer}" for the "{self.text[start]}" of line {line}, column {column}, found "{found}"'
            )
            self.report("RK120", message, self.at, path, f'is a "{closer}" missing before it?')
        if found == closer or not outer:
            self.at += 1

    def _member(self, members: list[Member], lines: dict[str, int], path: str) -> None:
        start = self.at
        if self.text[start] in QUOTES:
            key = scan_string(self, path)
        elif self.text[start] in _CLOSER:
            self.report("RK112", "expected a key in double quotes", start, path, 'write "key": value')
            key = self._value(path)
        else:
            key = unquoted.scan_key(self, path)
        name = key.value if isinstance(key, Text) else ""
        inner = child(path, name)
        self._blank(inner)
        colon = self.text.startswith((":", "="), self.at)
        if colon:
            if self.text[self.at] == "=":
                message = 'expected ":" between key and value, found "="'
                self.report("RK123", message, self.at, inner, 'write ":" for "="')
            self.at += 1
            self._blank(inner)
        elif not self.stopped:
            message = f'expected ":" and a value after the key {shown(name)}'
            self.report("RK123", message, self.at, inner, f"write {shown(name)}: value, or remove the key")
        if self.stopped or self.text.startswith((",", "}", "]"), self.at):
            if not self.stopped and colon:
                message = f"the key {shown(name)} has no value"
                self.report("RK123", message, self.at, inner, "give one, or remove the key")
            lines.setdefault(name, self.place(start)[0])
            return
        value = self._value(inner)
        if not isinstance(key, Text):
            lines.setdefault(name, self.place(start)[0])
        elif name in lines:
            message = f"the key {shown(name)} is given again; it is already in line {lines[name]}"
            self.report("RK105", message, start, inner, "keep one of the two")
        else:
            lines[name] = self.place(start)[0]
            members.append(Member(key, value))

    def _unclosed(self, path: str, start: int | None = None) -> None:
        """The text ends too early: report it once, at the innermost open bracket."""
        if not self.stopped:
            if start is None:
                message = "the text ends where a value is expected"
                self.report("RK120", message, len(self.text), path, "is the file cut off?")
            else:
                self.report("RK120", f'this "{self.text[start]}" is never closed', start, path, "is the file cut off?")
            self.stop()

    def _blank(self, path: str) -> None:
        """Skip white space, and with a complaint what JSON does not count as such."""
        while self.at < len(self.text):
            if match := _BLANK.match(self.text, self.at):
                self.at = match.end()
            elif match := _COMMENT.match(self.text, self.at):
                self.report("RK110", "JSON has no comments", self.at, path, 'move it into "title" or "references"')
                if match[0] == "/*":
                    self.stop()
                else:
                    self.at = match.end()
            elif (character := self.text[self.at]).isspace() or character in "\ufeff\u200b\u2060":
                self.report(
                    "RK124", f"U+{ord(character):04X} is no white space in JSON", self.at, path, "use a plain space"
                )
                self.at += 1
            else:
                return
