"""The words of an entry: numbers, names, operators; and what to write instead of the signs that are none of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from rkblocks.files.expression import MOST_DIGITS, EntryError, too_large
from rkblocks.files.wording import shown

_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+(?:\.(?!\.)[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<operator>\*\*|[-+*/()])"
    r"|(?P<blank>[ \t\r\n]+)"
)
_DECIMAL = re.compile(r"([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]+))?")

_FRACTIONS = "½1/2 ⅓1/3 ⅔2/3 ¼1/4 ¾3/4 ⅕1/5 ⅖2/5 ⅗3/5 ⅘4/5 ⅙1/6 ⅚5/6 ⅛1/8 ⅜3/8 ⅝5/8 ⅞7/8"

_INSTEAD = {
    "^": "**",
    **dict.fromkeys("−–—‐‑‒﹣－", "-"),
    **dict.fromkeys("×·⋅∙•∗＊", "*"),
    **dict.fromkeys("÷∕⁄／", "/"),
    **dict.fromkeys("＋", "+"),
    "√": "sqrt( )",
    ",": ". for a decimal point",
    **dict.fromkeys("[{（", "("),
    **dict.fromkeys("]}）", ")"),
    **{c: f"**{n}" for n, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{word[0]: word[1:] for word in _FRACTIONS.split()},
    "\N{NO-BREAK SPACE}": "a plain space",
}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is "number", "name", "operator" or "end"; `at` the offset in the entry."""

    kind: str
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """The tokens of an entry, the last one of kind "end". Raises EntryError at a character of no token."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _stray(text, at)
        if match.lastgroup == "number" and re.match(r"0[0-9]", match[0]):
            raise EntryError("RK206", f"{shown(match[0], quotes=False)} has a leading zero", at, "remove the zero")
        if match.lastgroup == "number" and text.startswith("_", match.end()):
            raise EntryError("RK206", '"_" within a number', match.end(), "write the digits without separators")
        if match.lastgroup != "blank":
            found.append(Token(str(match.lastgroup), match[0], at))
        at = match.end()
    return [*found, Token("end", "", len(text))]


def number(token: Token) -> Fraction:
    """The exact value of a number token. Its size is bounded before anything is computed."""
    match = _DECIMAL.fullmatch(token.text)
    if match is None:
        raise ValueError(f"{token} is no number")
    whole, decimals, exponent = match[1], match[2], (match[3] or "0")
    digits = len(whole) + len(decimals)
    if digits > MOST_DIGITS or len(exponent.lstrip("+-0")) > 4 or abs(int(exponent)) + digits > MOST_DIGITS:
        raise too_large(token.at)
    scale = int(exponent) - len(decimals)
    value = int(whole + decimals)
    return Fraction(value * 10**scale) if scale >= 0 else Fraction(value, 10**-scale)


def _stray(text: str, at: int) -> EntryError:
    character = text[at]
    if text.startswith(("…", "..."), at):
        return EntryError("RK206", "digits are left out here", at, "only a claim may end in …; give an entry in full")
    if character in _INSTEAD:
        return EntryError("RK206", f"{shown(character)} is no sign of an entry", at, f"write {_INSTEAD[character]}")
    expected = "expected numbers, declared parameters, + - * / ** ( ) and sqrt"
    return EntryError("RK201", f"unexpected {shown(character)}, {expected}", at, "remove it")
