"""Expressions of Python, Julia, MATLAB and C, as far as coefficients need them, to numbers in the grammar of an entry.

    sum      = product {("+" | "-") product}
    product  = rational {("*" | "/") rational}
    rational = factor {"//" factor}                      Julia
    factor   = ("+" | "-") factor | postfix [power factor]         Julia: 2x is 2*x before anything else
    postfix  = atom {"[" indices "]" | "'"}
    atom     = number | text | name | call | "(" sum ")" | list

Nothing is executed: names are those assigned before, and a call is one of the few in `FUNCTIONS`, all of which say
what type a number has, make a fraction, a root or an array.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from rkblocks.convert.arithmetic import MOST_ENTRIES, NOTHING_RUNS, Arithmetic, element, transposed
from rkblocks.convert.found import Array, ConversionError, Scalar, Text, Unknown, Value, negative, place_of, root
from rkblocks.convert.languages import Dialect, Token, tokens
from rkblocks.escape import shown

MOST_LEVELS = 40

_SAME = {
    *("SUN_RCONST", "RCONST", "float", "double", "single"),
    *("T", "T1", "T2", "big", "BigFloat", "BigInt", "Float32", "Float64", "Int", "Int64"),
    *("sym", "vpa", "str2sym"),
    *("S", "sympify", "Integer", "Float", "Matrix", "ImmutableMatrix", "mpf", "Decimal"),
    *("array", "asarray", "matrix", "squeeze", "float64", "longdouble", "normalize"),
    *("list", "tuple", "print", "repr", "str"),
}
"""Calls that leave a number or an array as it is."""
_NOTHING = ("None", "NULL", "nothing", "nullptr")
_LAST = ("convert", "map", "parse")
_METHODS = ("astype", "copy")
_FRACTION = ("Rational", "Fraction", "QQ", "mpq")
_ROOT = ("sqrt", "SUNRsqrt", "Sqrt")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that makes a method of its arguments: `rk.ExplicitRungeKuttaMethod(A, b, name="…")`."""

    name: str
    at: int
    arguments: tuple[Value, ...]
    keywords: Mapping[str, Value]


class Parser:
    """One expression at a time from a list of tokens; `at` is the index of the next one."""

    def __init__(
        self,
        words: list[Token],
        dialect: Dialect,
        known: Callable[[str], Value | None],
        builds: Callable[[str], bool],
        arithmetic: Arithmetic,
    ) -> None:
        self.words, self.dialect, self.known, self.builds = words, dialect, known, builds
        self.arithmetic = arithmetic
        self.at = 0
        self.calls: list[Call] = []
        self._depth = 0
        self._spaced = False

    def restart(self, at: int) -> None:
        """Go on with the token `at`, as if nothing had been read."""
        self.at, self.calls, self._depth, self._spaced = at, [], 0, False

    @property
    def token(self) -> Token:
        """The next token; lines end nothing within parentheses, and in C nowhere."""
        free = self._depth or not self.dialect.lines
        while free and not self._spaced and self.words[self.at].kind == "newline":
            self.at += 1
        return self.words[self.at]

    def take(self, *texts: str) -> Token | None:
        token = self.token
        if token.kind == "operator" and token.text in texts:
            self.at += 1
            return token
        return None

    def value(self) -> Value:
        """One expression."""
        left = self._product()
        while (token := self.token).kind == "operator" and token.text in ("+", "-"):
            if self._spaced and token.blank and not self.words[self.at + 1].blank:
                break  # [1 -2] are two numbers, [1 - 2] and [1-2] are one
            self._operator()
            left = self._combined(left, token.text, self._product(), token.at)
        return left

    def number(self, value: Value) -> Value:
        """A value in which what stands in quotes is read as a number."""
        if not isinstance(value, Text):
            return value
        words = tokens(value.text, self.dialect, value.at)
        inner = Parser(words, self.dialect, self.known, self.builds, self.arithmetic)
        result = inner.value()
        inner.finish()
        return result

    def _within(self, item: Value) -> Value:
        """An item of a tuple: a number in quotes is read, once and for all; another text stays what it is."""
        if isinstance(item, Text):
            with suppress(ConversionError):
                read = self.number(item)
                return read if isinstance(read, Scalar) else item
        return item

    def finish(self) -> None:
        """Nothing may follow."""
        if self.token.kind != "end":
            raise ConversionError("RK383", f"unexpected {_shown(self.token)}", self.token.at, NOTHING_RUNS)

    def _operator(self) -> None:
        self.at += 1
        while self.words[self.at].kind == "newline":
            self.at += 1

    def _product(self) -> Value:
        left = self._rational()
        while (token := self.token).kind == "operator" and token.text in ("*", "/", ".*", "./"):
            self._operator()
            left = self._combined(left, token.text.lstrip("."), self._rational(), token.at)
        return left

    def _rational(self) -> Value:
        left = self._factor()
        while self.dialect.rationals and (token := self.token).kind == "operator" and token.text == "//":
            self._operator()
            left = self._combined(left, "/", self._factor(), token.at)
        return left

    def _factor(self) -> Value:
        sign, first = 1, self.token.at
        while token := self.take("+", "-"):
            sign = -sign if token.text == "-" else sign
        base = self._postfix()
        while (token := self.token).kind == "operator" and token.text in self.dialect.power:
            self._operator()
            self._deeper(token)
            exponent = self._postfix() if self.dialect.left and self.token.text not in "+-" else self._factor()
            self._depth_less()
            base = self._combined(base, "**", exponent, token.at)
        if sign > 0:
            return base
        return self.arithmetic.each(self.number(base), lambda number: negative(number, first), first)

    def _postfix(self) -> Value:
        value = self._atom()
        while True:
            token = self.token
            if token.kind != "operator" or token.blank:
                return value
            if token.text in ("'", ".'"):
                self.at += 1
                value = transposed(value)
            elif token.text == "[" and isinstance(value, Array):
                value = element(value, self._arguments("[", "]")[0], self.dialect.base, token.at)
            else:
                return value

    def _atom(self) -> Value:
        token = self.token
        if token.kind == "number":
            self.at += 1
            return self._number(token)
        if token.kind == "string":
            self.at += 1
            quote = 3 if len(token.text) >= 6 and token.text[:3] in ('"""', "'''") else 1
            return Text(token.text[quote:-quote], token.at + quote)
        if token.kind == "name":
            self.at += 1
            return self._name(token)
        if token.text == "(" and token.kind == "operator":
            items = self._arguments("(", ")")[0]
            return items[0] if len(items) == 1 else self.arithmetic.array([*map(self._within, items)], token.at)
        if token.text == "[" or (token.text == "{" and self.dialect.braces):
            return self._list(token)
        if token.text in ("…", "..."):
            raise ConversionError("RK387", "numbers are left out here", token.at, "give them all: print them in full")
        found = "the end" if token.kind in ("end", "newline") else _shown(token)
        raise ConversionError("RK383", f"expected a number, found {found}", token.at, NOTHING_RUNS)

    def _number(self, token: Token) -> Value:
        following = self.words[self.at]
        if self.dialect.rationals and not following.blank and (following.kind == "name" or following.text == "("):
            return self._combined(Scalar(token.text, token.at), "*", self._factor(), token.at)
        if following.kind == "name" and not following.blank:
            if not (self.dialect.braces and following.text in tuple("fFlL")):
                help = "write a product with *"
                raise ConversionError("RK383", f"unexpected {_shown(following)} after a number", following.at, help)
            self.at += 1
        text = token.text.lower().replace("d", "e")
        return Scalar(text, token.at, whole=self.dialect.whole and text.isdigit())

    def _name(self, token: Token) -> Value:
        following = self.words[self.at]
        adjacent = following.kind in ("operator", "string") and not following.blank
        last = token.text.replace("->", ".").rpartition(".")[2]
        if adjacent and following.kind == "string" and last in ("big", "r", "u", "R"):
            text = self._atom()
            return self.number(text) if last == "big" else text
        if adjacent and following.text == "." and self.words[self.at + 1].text == "(":  # Julia: T.(A)
            self.at += 1
            following = self.words[self.at]
        if adjacent and following.text == "(":
            value = self.known(last)
            if self.dialect.parentheses and isinstance(value, Array):
                return element(value, self._arguments("(", ")")[0], self.dialect.base, following.at)
            return self._called(last, token, *self._arguments("(", ")"))
        before = token.text[: -len(last) - 1]
        if last == "T" and before and (value := self.known(before)) is not None:
            return transposed(value)
        if (value := self.known(last)) is not None:
            return value
        if last in _NOTHING:
            return Array((), token.at)
        message = f"{shown(token.text, quotes=False)} is no number that was given before"
        help = f"give it before, or write the number in its place; {NOTHING_RUNS}"
        return Unknown(ConversionError("RK383", message, token.at, help))

    def _called(self, name: str, token: Token, arguments: list[Value], keywords: dict[str, Value]) -> Value:
        plain = [self.number(a) for a in arguments if not isinstance(a, Unknown)] if not self.builds(name) else []
        if self.builds(name):
            self.calls.append(Call(name, token.at, tuple(arguments), keywords))
        elif name in _SAME and plain:
            first = plain[0]
            return Scalar(first.text, first.at, first.tight) if isinstance(first, Scalar) else first
        elif name in _LAST and arguments:
            return self.number(arguments[-1])
        elif name in _FRACTION and len(plain) in (1, 2) and len(plain) == len(arguments):
            return plain[0] if len(plain) == 1 else self._combined(plain[0], "/", plain[1], token.at)
        elif name in _ROOT and len(plain) == 1 and isinstance(plain[0], Scalar):
            return root(plain[0], token.at)
        elif name == "zeros":
            return self.arithmetic.zeros(plain, token.at, square=self.dialect.parentheses)  # MATLAB: zeros(3) is 3x3
        elif name in _METHODS and (value := self.known(token.text[: -len(name) - 1])) is not None:
            return value
        message = f"{shown(token.text, quotes=False)}( ) is no function that a table may use"
        return Unknown(ConversionError("RK383", message, token.at, NOTHING_RUNS))

    def _arguments(self, opening: str, closing: str) -> tuple[list[Value], dict[str, Value]]:
        """Values with commas between, and those with a name and "=" before."""
        start = self.token
        self.at += 1
        self._deeper(start)
        spaced, self._spaced = self._spaced, False
        values: list[Value] = []
        keywords: dict[str, Value] = {}
        while not self.take(closing):
            token = self.token
            if token.kind == "end":
                raise ConversionError("RK383", f'this "{opening}" is never closed', start.at, f'add the "{closing}"')
            if token.kind == "name" and self.words[self.at + 1].text == "=":
                self.at += 2
                keywords[token.text] = self.value()
            elif token.kind == "operator" and token.text == ":" and values:
                raise ConversionError("RK383", "a range is no number", token.at, NOTHING_RUNS)
            else:
                values.append(self.value())
            if not self.take(",", ";") and self.token.text != closing:
                raise ConversionError(
                    "RK383", f"unexpected {_shown(self.token)}", self.token.at, f'expected "," or "{closing}"'
                )
        self._spaced = spaced
        self._depth_less()
        return values, keywords

    def _list(self, start: Token) -> Array:
        closing = {"[": "]", "{": "}"}[start.text]
        self.at += 1
        self._deeper(start)
        spaced, self._spaced = self._spaced, self.dialect.spaces or (start.text == "[" and not self._has_comma())
        found: list[list[Value]] = [[]]
        while not self.take(closing):
            token = self.token
            if token.kind == "end":
                raise ConversionError("RK383", f'this "{start.text}" is never closed', start.at, f'add the "{closing}"')
            if token.kind == "newline" or (token.text == ";" and token.kind == "operator"):
                self.at += 1
                found.append([])
                continue
            found[-1].append(self.number(self.value()))
            self.arithmetic.bounded(sum(map(len, found)), token.at)
            comma = self.take(",")
            while comma and self._spaced and not self.dialect.parentheses and self.words[self.at].kind == "newline":
                self.at += 1
            following = self.token
            apart = comma or following.text in (closing, ";") or following.kind == "newline"
            if not apart and not (self._spaced and following.blank):
                raise ConversionError(
                    "RK383", f"unexpected {_shown(following)}", following.at, f'expected "," or "{closing}"'
                )
        self._spaced = spaced
        self._depth_less()
        lines = [line for line in found if line]
        if len(lines) > 1:
            parts = [
                line[0] if len(line) == 1 and isinstance(line[0], Array) else Array(tuple(line), place_of(line[0]))
                for line in lines
            ]
            return self.arithmetic.array(parts, start.at)
        return self.arithmetic.array(lines[0] if lines else [], start.at)

    def _has_comma(self) -> bool:
        """Whether a comma stands in these brackets, outside of inner ones; numpy prints arrays without."""
        depth = 0
        for token in self.words[self.at : self.at + MOST_ENTRIES]:
            if token.kind == "operator":
                depth += (token.text in "([{") - (token.text in ")]}")
                if depth < 0:
                    return False
                if token.text == "," and not depth:
                    return True
        return True

    def _combined(self, left: Value, operator: str, right: Value, at: int) -> Value:
        return self.arithmetic.combined(self.number(left), operator, self.number(right), at)

    def _deeper(self, token: Token) -> None:
        self._depth += 1
        if self._depth > MOST_LEVELS:
            message = f"nested more than {MOST_LEVELS} levels deep"
            raise ConversionError("RK391", message, token.at, "remove parentheses that change nothing")

    def _depth_less(self) -> None:
        self._depth -= 1


def _shown(token: Token) -> str:
    return "the end of the line" if token.kind == "newline" else shown(token.text, width=20)
