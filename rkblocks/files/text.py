"""JSON text to nodes with places (RFC 8259), strictly, but reporting every departure from JSON instead of the first.

Why no `json`: it keeps the last of duplicate keys, takes NaN, rounds 0.1 to a double, lets deep nesting overflow the
stack, stops at the first mistake, and forgets where values stood. Here each mistake has its own code, the scan goes on
as if the obvious repair had been made, and a value that could not be repaired is a bare `Node`, which nobody
reports again.
"""

from __future__ import annotations

import re
from bisect import bisect_right

from rkblocks.escape import shown
from rkblocks.files.nodes import Array, Constant, Member, Node, Number, Object, Problems, Text, child

MOST_LEVELS = 32
"""Deepest nesting; a tableau needs three levels."""

_BLANK = re.compile(r"[ \t\r\n]+")
_COMMENT = re.compile(r"(?://|#)[^\n]*|/\*.*?\*/|/\*", re.DOTALL)
_CLOSER = {"[": "]", "{": "}"}

QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u201d": "\u201d", "\u2018": "\u2019", "\u201e": "\u201c", "`": "`"}
"""Opening quotation marks with their closing ones; only the first pair is JSON's."""

_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_PLAIN = {quote: re.compile(rf"[^\\{quote}\x00-\x1f\ud800-\udfff]+") for quote in set(QUOTES.values())}

_WORD = re.compile(r"""(?:(?!//|/\*)[^\s,\[\]{}:;"'#=])+""")
_REST = re.compile(r"""(?:(?!//|/\*)[^\n,\[\]{}:;"'#=])+""")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMBERLIKE = re.compile(r"[+-]?(?:0[xXbBoO][0-9a-fA-F_]+|[0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)(?:[eE][+-]?[0-9]*)?")
_NO_NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_EXPRESSION = re.compile(r"[A-Za-z0-9_.+\-*/()^√ \t]*[A-Za-z0-9_).]")
_CONSTANTS = {"true": True, "false": False, "null": None}
_FOREIGN = {"True": True, "False": False, "None": None, "TRUE": True, "FALSE": False, "NULL": None, "undefined": None}


def parse(text: str, problems: Problems) -> Node | None:
    """The root value of a JSON text; None where the scan could not reach the end of it (problems say why)."""
    return Scanner(text, problems).document()


class Scanner:
    """One pass over a text. `at` is the next character, `stopped` is set where nothing sensible can follow, and `_open`
    holds the brackets that are open.
    """

    def __init__(self, text: str, problems: Problems) -> None:
        self.text = text
        self.problems = problems
        self.at = 0
        self.stopped = False
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._open: list[str] = []

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of a character."""
        line = bisect_right(self._lines, at)
        return line, at - self._lines[line - 1] + 1

    def report(self, code: str, message: str, at: int, path: str, help: str) -> None:
        line, column = self.place(at)
        self.problems.add(code, message, path=path, line=line, column=column, help=help)

    def stop(self) -> None:
        """Give up on the rest of the text."""
        self.stopped, self.at = True, len(self.text)

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
            return _string(self, path)
        return _unquoted(self, path)

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
            key = _string(self, path)
        elif self.text[start] in _CLOSER:
            self.report("RK112", "expected a key in double quotes", start, path, 'write "key": value')
            key = self._value(path)
        else:
            key = _unquoted_key(self, path)
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


def _string(scanner: Scanner, path: str) -> Node:
    """The string that begins at the scanner's place; a bare Node where it is not closed in its line."""
    text, start = scanner.text, scanner.at
    closing = QUOTES[text[start]]
    line, column = scanner.place(start)
    if text[start] != '"':
        found = shown(text[start], quotes=False)
        scanner.report(
            "RK111", f"a string in {found} quotation marks", start, path, 'JSON strings stand in plain " marks'
        )
    pieces: list[str] = []
    columns: list[int] = []
    scanner.at += 1
    while not text.startswith(closing, scanner.at):
        if text[scanner.at : scanner.at + 1] in ("", "\n"):
            scanner.report("RK119", "this string is not closed in its line", start, path, f"add the closing {closing}")
            scanner.stop()
            return Node(line, column)
        at = scanner.at
        piece = _plain(scanner, closing) or _special(scanner, path)
        pieces.append(piece)
        first = scanner.place(at)[1]
        columns += range(first, first + len(piece)) if scanner.at - at == len(piece) else [first] * len(piece)
    columns.append(scanner.place(scanner.at)[1])
    scanner.at += 1
    consecutive = columns[-1] - column == len(columns)
    return Text(line, column, "".join(pieces), None if consecutive else tuple(columns))


def _plain(scanner: Scanner, closing: str) -> str:
    match = _PLAIN[closing].match(scanner.text, scanner.at)
    if match is None:
        return ""
    scanner.at = match.end()
    return match[0]


def _special(scanner: Scanner, path: str) -> str:
    """One escape, control character or stray surrogate: what it stands for."""
    text, at = scanner.text, scanner.at
    character = text[at]
    if character != "\\":
        scanner.at += 1
        if "\ud800" <= character <= "\udfff":
            return _lone(scanner, at, path, f"U+{ord(character):04X}")
        message = f"the control character U+{ord(character):04X} within a string"
        scanner.report("RK116", message, at, path, 'write a tab as "\\t"' if character == "\t" else "remove it")
        return character
    if match := _UNICODE.match(text, at):
        scanner.at = match.end()
        unit = int(match[1], 16)
        if 0xD800 <= unit <= 0xDBFF and (low := _UNICODE.match(text, scanner.at)):
            second = int(low[1], 16)
            if 0xDC00 <= second <= 0xDFFF:
                scanner.at = low.end()
                return chr(0x10000 + ((unit - 0xD800) << 10) + second - 0xDC00)
        return _lone(scanner, at, path, match[0]) if 0xD800 <= unit <= 0xDFFF else chr(unit)
    follower = text[at + 1 : at + 2]
    if follower in _ESCAPES:
        scanner.at += 2
        return _ESCAPES[follower]
    found = shown(text[at : at + 2].rstrip("\n"), quotes=False)
    scanner.report("RK117", f"JSON knows no escape {found}", at, path, r'a backslash itself is written as "\\"')
    scanner.at += 1
    return "\\"


def _lone(scanner: Scanner, at: int, path: str, found: str) -> str:
    message = f"{found} is half of a surrogate pair and stands for no character"
    scanner.report("RK118", message, at, path, "write the character itself, in UTF-8")
    return "\N{REPLACEMENT CHARACTER}"


def _unquoted(scanner: Scanner, path: str) -> Node:
    """The unquoted value at the scanner's place; what is no JSON is reported, and read as meant where that is plain."""
    start = scanner.at
    line, column = scanner.place(start)
    word = _take(scanner)
    if _NUMBER.fullmatch(word):
        return Number(line, column, word)
    if word in _CONSTANTS:
        return Constant(line, column, _CONSTANTS[word])
    found = shown(word, quotes=False)
    if word in _FOREIGN:
        scanner.report("RK113", f"{found} is not JSON", start, path, "JSON writes true, false and null")
        return Constant(line, column, _FOREIGN[word])
    if _NO_NUMBER.fullmatch(word):
        scanner.report(
            "RK113", f"{found} is neither JSON nor a number", start, path, "a coefficient is a finite number"
        )
    elif _NUMBERLIKE.fullmatch(word):
        message = f"{found} is not a number as JSON writes it"
        scanner.report(
            "RK114", message, start, path, "write 0.5, 5, 1e-3: no leading + or 0, a digit on either side of ."
        )
    elif _EXPRESSION.fullmatch(word):
        if re.fullmatch(r"[A-Za-z_]\w*", word):
            scanner.report("RK112", f"{found} stands without quotation marks", start, path, f'write "{found}"')
        else:
            scanner.report(
                "RK115", f"the expression {found} stands without quotation marks", start, path, f'write "{found}"'
            )
        return Text(line, column, word, inset=0)
    else:
        help = "a value is a number, text in double quotes, a list in [ ] or an object in { }"
        scanner.report("RK107", f"unexpected {shown(word)}, expected a value", start, path, help)
    return Node(line, column)


def _unquoted_key(scanner: Scanner, path: str) -> Node:
    """An unquoted key: reported, and read as meant."""
    start = scanner.at
    line, column = scanner.place(start)
    match = _WORD.match(scanner.text, start)
    word = match[0] if match else scanner.text[start]
    scanner.at = start + len(word)
    message = f"the key {shown(word, quotes=False)} stands without quotation marks"
    scanner.report("RK112", message, start, path, f"write {shown(word)}")
    return Text(line, column, word, inset=0)


def _take(scanner: Scanner) -> str:
    """The word at the scanner's place, at least one character; with the rest of the line where an operator follows."""
    start, text = scanner.at, scanner.text
    match = _WORD.match(text, start)
    if match is None:
        scanner.at = start + 1
        return text[start]
    word = match[0]
    after = re.compile(r"[ \t]*").match(text, match.end())
    following = text[after.end() : after.end() + 2] if after else ""
    if following not in ("//", "/*") and (following[:1] in tuple("+-*/()^") or word[-1] in "+-*/(^"):
        rest = _REST.match(text, start)
        word = rest[0].rstrip() if rest else word
    scanner.at = start + len(word)
    return word
