"""The grammar of an entry: text to a syntax tree, without evaluating anything as Python.

    sum     = product {("+" | "-") product}
    product = factor {("*" | "/") factor}
    factor  = ("+" | "-") factor | power
    power   = atom ["**" factor]                 the exponent is an integer
    atom    = number | name | "(" sum ")" | "sqrt" "(" sum ")"

Precedence is Python's: -2**2 is -4, 2**-1 is 1/2, 2**3**2 is 2**9.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from rkblocks.escape import shown
from rkblocks.files.expression import (
    MOST_DIGITS,
    EntryError,
    Expression,
    Literal,
    Name,
    Power,
    Product,
    SquareRoot,
    Sum,
    is_rational,
    names,
    rational,
    square_root,
    too_large,
)

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
MOST_CHARACTERS = 4000
MOST_LEVELS = 40
MOST_EXPONENT = 10_000


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


def parse(text: str, declared: Collection[str] = ()) -> Expression:
    """The syntax tree of an entry.

    Args:
        text: the entry, for example "1 - 1/(2*beta10)".
        declared: the names of parameters that may occur.

    Raises EntryError with the offset of the mistake.
    """
    if not text.strip():
        raise EntryError("RK202", "the entry is empty", 0, 'a zero is written "0"')
    if len(text) > MOST_CHARACTERS:
        message = f"the entry is longer than {MOST_CHARACTERS} characters"
        raise EntryError("RK212", message, MOST_CHARACTERS, "multiply it out to one fraction or decimal")
    parser = _Parser(text, declared)
    result = parser.sum()
    parser.end()
    return result


class _Parser:
    def __init__(self, text: str, declared: Collection[str]) -> None:
        self._tokens = tokens(text)
        self._next = 0
        self._declared = declared
        self._levels = 0

    @property
    def token(self) -> Token:
        return self._tokens[self._next]

    def take(self, *texts: str) -> Token | None:
        """The next token, taken, if it is one of the given."""
        token = self.token
        if token.kind == "operator" and token.text in texts:
            self._next += 1
            return token
        return None

    def sum(self) -> Expression:
        first = self.product()
        terms, signs, operators = [first], [1], [first.at]
        while token := self.take("+", "-"):
            terms.append(self.product())
            signs.append(-1 if token.text == "-" else 1)
            operators.append(token.at)
        return Sum(first.at, tuple(terms), tuple(signs), tuple(operators)) if len(terms) > 1 else first

    def product(self) -> Expression:
        first = self.factor()
        factors, divides, operators = [first], [False], [first.at]
        while token := self.take("*", "/"):
            factors.append(self.factor())
            divides.append(token.text == "/")
            operators.append(token.at)
        return Product(first.at, tuple(factors), tuple(divides), tuple(operators)) if len(factors) > 1 else first

    def factor(self) -> Expression:
        sign, first = 1, self.token.at
        while token := self.take("+", "-"):
            sign = -sign if token.text == "-" else sign
        operand = self.power()
        return operand if sign > 0 else Sum(first, (operand,), (-1,), (first,))

    def power(self) -> Expression:
        base = self.atom()
        if not (operator := self.take("**")):
            return base
        self._deeper(operator.at)
        exponent = self.factor()
        self._levels -= 1
        if not is_rational(exponent):
            raise EntryError("RK208", "an exponent must be an integer", exponent.at, "for a square root write sqrt( )")
        value = rational(exponent)
        if value.denominator != 1:
            message = f"an exponent must be an integer, found {shown(str(value), quotes=False)}"
            raise EntryError("RK208", message, exponent.at, "for a square root write sqrt( )")
        if abs(value) > MOST_EXPONENT:
            message = f"an exponent beyond {MOST_EXPONENT}"
            raise EntryError("RK211", message, exponent.at, "no known scheme needs so large a power")
        return Power(operator.at, base, int(value))

    def atom(self) -> Expression:
        token = self.token
        if token.kind == "number":
            self._next += 1
            return Literal(token.at, number(token))
        if token.kind == "name":
            self._next += 1
            return self.root(token) if token.text == "sqrt" else self.name(token)
        if opening := self.take("("):
            return self.parenthesis(opening)
        if token.kind == "end":
            message = "the entry ends where a number is expected"
            raise EntryError("RK201", message, token.at, "complete it, or remove the last sign")
        if token.text == ")":
            message = 'this ")" closes nothing or an empty parenthesis'
            raise EntryError("RK204", message, token.at, "remove it, or fill the parenthesis")
        message = f"expected a number, found {shown(token.text)}"
        raise EntryError("RK201", message, token.at, "numbers, parameters, sqrt( ) and parentheses begin a term")

    def parenthesis(self, opening: Token) -> Expression:
        self._deeper(opening.at)
        inner = self.sum()
        if not self.take(")"):
            if self.token.kind == "end":
                raise EntryError("RK204", 'this "(" is never closed', opening.at, 'add the closing ")"')
            self.end()
        self._levels -= 1
        return inner

    def root(self, token: Token) -> Expression:
        opening = self.take("(")
        if not opening:
            raise EntryError("RK201", 'expected "(" after sqrt', self.token.at, "write sqrt(2)")
        inner = self.parenthesis(opening)
        if not is_rational(inner):
            what = "a parameter" if names(inner) else "another square root"
            message = f"the square root of {what}; expected a rational number"
            help = "make the root the parameter" if names(inner) else "give the number as a decimal, with a tolerance"
            raise EntryError("RK210", message, inner.at, help)
        value = rational(inner)
        if value < 0:
            message = "the square root of a negative number"
            raise EntryError("RK209", message, inner.at, "coefficients are real; is a sign wrong?")
        exact = square_root(value)
        return SquareRoot(token.at, value) if exact is None else Literal(token.at, exact)

    def name(self, token: Token) -> Expression:
        if token.text in self._declared:
            return Name(token.at, token.text)
        if self.token.text == "(":
            message = f"{shown(token.text, quotes=False)} is no function that an entry may use"
            raise EntryError("RK220", message, token.at, "the only function is sqrt")
        from difflib import get_close_matches

        close = get_close_matches(token.text, [*self._declared, "sqrt"], n=1)
        help = f"did you mean {close[0]}?" if close else 'parameters are declared under the key "parameters"'
        if token.text in ("pi", "e", "E", "I", "i", "j", "inf", "nan", "oo"):
            help = "the numbers of an entry are rationals and square roots of rationals"
        raise EntryError("RK203", f"{shown(token.text, quotes=False)} is not a declared parameter", token.at, help)

    def end(self) -> None:
        """Nothing may follow."""
        token = self.token
        if token.kind == "end":
            return
        if token.text == ")":
            raise EntryError("RK204", 'this ")" closes nothing', token.at, "remove it, or open a parenthesis before")
        raise EntryError(
            "RK205", f"an operator is missing before {shown(token.text)}", token.at, "write a product with *"
        )

    def _deeper(self, at: int) -> None:
        self._levels += 1
        if self._levels > MOST_LEVELS:
            message = f"nested more than {MOST_LEVELS} levels deep"
            raise EntryError("RK212", message, at, "remove parentheses that change nothing, or multiply out")
