"""What stands in a JSON text without quotes: numbers, true, false, null, and the many things people write instead."""

from __future__ import annotations

import re

from rkblocks.files.nodes import Constant, Node, Number, Text
from rkblocks.files.text.cursor import Cursor
from rkblocks.files.wording import shown

_WORD = re.compile(r"""(?:(?!//|/\*)[^\s,\[\]{}:;"'#=])+""")
_REST = re.compile(r"""(?:(?!//|/\*)[^\n,\[\]{}:;"'#=])+""")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMBERLIKE = re.compile(r"[+-]?(?:0[xXbBoO][0-9a-fA-F_]+|[0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)(?:[eE][+-]?[0-9]*)?")
_NO_NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_EXPRESSION = re.compile(r"[A-Za-z0-9_.+\-*/()^√ \t]*[A-Za-z0-9_).]")
_CONSTANTS = {"true": True, "false": False, "null": None}
_FOREIGN = {"True": True, "False": False, "None": None, "TRUE": True, "FALSE": False, "NULL": None, "undefined": None}


def scan(cursor: Cursor, path: str) -> Node:
    """The unquoted value at the cursor's place; what is no JSON is reported, and read as meant where that is plain."""
    start = cursor.at
    line, column = cursor.place(start)
    word = _take(cursor)
    if _NUMBER.fullmatch(word):
        return Number(line, column, word)
    if word in _CONSTANTS:
        return Constant(line, column, _CONSTANTS[word])
    found = shown(word, quotes=False)
    if word in _FOREIGN:
        cursor.report("RK113", f"{found} is not JSON", start, path, "JSON writes true, false and null")
        return Constant(line, column, _FOREIGN[word])
    if _NO_NUMBER.fullmatch(word):
        cursor.report("RK113", f"{found} is neither JSON nor a number", start, path, "a coefficient is a finite number")
    elif _NUMBERLIKE.fullmatch(word):
        message = f"{found} is not a number as JSON writes it"
        cursor.report(
            "RK114", message, start, path, "write 0.5, 5, 1e-3: no leading + or 0, a digit on either side of ."
        )
    elif _EXPRESSION.fullmatch(word):
        if re.fullmatch(r"[A-Za-z_]\w*", word):
            cursor.report("RK112", f"{found} stands without quotation marks", start, path, f'write "{found}"')
        else:
            cursor.report(
                "RK115", f"the expression {found} stands without quotation marks", start, path, f'write "{found}"'
            )
        return Text(line, column, word, inset=0)
    else:
        help = "a value is a number, text in double quotes, a list in [ ] or an object in { }"
        cursor.report("RK107", f"unexpected {shown(word)}, expected a value", start, path, help)
    return Node(line, column)


def scan_key(cursor: Cursor, path: str) -> Node:
    """An unquoted key: reported, and read as meant."""
    start = cursor.at
    line, column = cursor.place(start)
    match = _WORD.match(cursor.text, start)
    word = match[0] if match else cursor.text[start]
    cursor.at = start + len(word)
    message = f"the key {shown(word, quotes=False)} stands without quotation marks"
    cursor.report("RK112", message, start, path, f"write {shown(word)}")
    return Text(line, column, word, inset=0)


def _take(cursor: Cursor) -> str:
    """The word at the cursor's place, at least one character; with the rest of the line where an operator follows."""
    start, text = cursor.at, cursor.text
    match = _WORD.match(text, start)
    if match is None:
        cursor.at = start + 1
        return text[start]
    word = match[0]
    after = re.compile(r"[ \t]*").match(text, match.end())
    following = text[after.end() : after.end() + 2] if after else ""
    if following not in ("//", "/*") and (following[:1] in tuple("+-*/()^") or word[-1] in "+-*/(^"):
        rest = _REST.match(text, start)
        word = rest[0].rstrip() if rest else word
    cursor.at = start + len(word)
    return word
