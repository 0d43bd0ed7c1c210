"""JSON strings: quotes, escapes, surrogates, control characters, each with its own complaint."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rkblocks.files.nodes import Node, Text
from rkblocks.files.wording import shown

if TYPE_CHECKING:
    from rkblocks.files.json_text import Scanner

QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u201d": "\u201d", "\u2018": "\u2019", "\u201e": "\u201c", "`": "`"}
"""Opening quotation marks with their closing ones; only the first pair is JSON's."""

_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_PLAIN = {quote: re.compile(rf"[^\\{quote}\x00-\x1f\ud800-\udfff]+") for quote in set(QUOTES.values())}


def scan_string(scanner: Scanner, path: str) -> Node:
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
