"""JSON strings: quotes, escapes, surrogates, control characters, each with its own complaint."""

from __future__ import annotations

import re

from rkblocks.files.nodes import Node, Text
from rkblocks.files.text.cursor import Cursor
from rkblocks.files.wording import shown

QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u201d": "\u201d", "\u2018": "\u2019", "\u201e": "\u201c", "`": "`"}
"""Opening quotation marks with their closing ones; only the first pair is JSON's."""

_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNICODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_PLAIN = {quote: re.compile(rf"[^\\{quote}\x00-\x1f\ud800-\udfff]+") for quote in set(QUOTES.values())}


def scan_string(cursor: Cursor, path: str) -> Node:
    """The string that begins at the cursor's place; a bare Node where it is not closed in its line."""
    text, start = cursor.text, cursor.at
    closing = QUOTES[text[start]]
    line, column = cursor.place(start)
    if text[start] != '"':
        found = shown(text[start], quotes=False)
        cursor.report(
            "RK111", f"a string in {found} quotation marks", start, path, 'JSON strings stand in plain " marks'
        )
    pieces: list[str] = []
    columns: list[int] = []
    cursor.at += 1
    while not text.startswith(closing, cursor.at):
        if text[cursor.at : cursor.at + 1] in ("", "\n"):
            cursor.report("RK119", "this string is not closed in its line", start, path, f"add the closing {closing}")
            cursor.stop()
            return Node(line, column)
        at = cursor.at
        piece = _plain(cursor, closing) or _special(cursor, path)
        pieces.append(piece)
        first = cursor.place(at)[1]
        columns += range(first, first + len(piece)) if cursor.at - at == len(piece) else [first] * len(piece)
    columns.append(cursor.place(cursor.at)[1])
    cursor.at += 1
    consecutive = columns[-1] - column == len(columns)
    return Text(line, column, "".join(pieces), None if consecutive else tuple(columns))


def _plain(cursor: Cursor, closing: str) -> str:
    match = _PLAIN[closing].match(cursor.text, cursor.at)
    if match is None:
        return ""
    cursor.at = match.end()
    return match[0]


def _special(cursor: Cursor, path: str) -> str:
    """One escape, control character or stray surrogate: what it stands for."""
    text, at = cursor.text, cursor.at
    character = text[at]
    if character != "\\":
        cursor.at += 1
        if "\ud800" <= character <= "\udfff":
            return _lone(cursor, at, path, f"U+{ord(character):04X}")
        message = f"the control character U+{ord(character):04X} within a string"
        cursor.report("RK116", message, at, path, 'write a tab as "\\t"' if character == "\t" else "remove it")
        return character
    if match := _UNICODE.match(text, at):
        cursor.at = match.end()
        unit = int(match[1], 16)
        if 0xD800 <= unit <= 0xDBFF and (low := _UNICODE.match(text, cursor.at)):
            second = int(low[1], 16)
            if 0xDC00 <= second <= 0xDFFF:
                cursor.at = low.end()
                return chr(0x10000 + ((unit - 0xD800) << 10) + second - 0xDC00)
        return _lone(cursor, at, path, match[0]) if 0xD800 <= unit <= 0xDFFF else chr(unit)
    follower = text[at + 1 : at + 2]
    if follower in _ESCAPES:
        cursor.at += 2
        return _ESCAPES[follower]
    found = shown(text[at : at + 2].rstrip("\n"), quotes=False)
    cursor.report("RK117", f"JSON knows no escape {found}", at, path, r'a backslash itself is written as "\\"')
    cursor.at += 1
    return "\\"


def _lone(cursor: Cursor, at: int, path: str, found: str) -> str:
    message = f"{found} is half of a surrogate pair and stands for no character"
    cursor.report("RK118", message, at, path, "write the character itself, in UTF-8")
    return "\N{REPLACEMENT CHARACTER}"
