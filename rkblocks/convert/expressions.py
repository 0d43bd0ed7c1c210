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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rkblocks.convert.found import (
    Array,
    ConversionError,
    Scalar,
    Text,
    Unknown,
    Value,
    joined,
    negative,
    place_of,
    root,
    zero,
)
from rkblocks.convert.languages import Dialect, Token, tokens
from rkblocks.escape import shown

MOST_LEVELS = 40
MOST_ENTRIES = 65 * 65
MOST_WORK = 100_000
"""Most entries that all statements of a file may compute."""
NOTHING_RUNS = "no code is executed: write the number itself, or a fraction or sqrt( ) of numbers"

_SAME = (
    *(
        "SUN_RCONST",
        "RCONST",
        "T",
        "T1",
        "T2",
        "BigFloat",
        "Float64",
        "Float32",
        "big",
        "BigInt",
        "Int",
        "Int64",
        "float",
    ),
    *("double", "sym", "vpa", "S", "Integer", "sympify", "Float", "mpf", "Decimal", "str2sym", "array", "asarray"),
    *(
        "matrix",
        "Matrix",
        "ImmutableMatrix",
        "normalize",
        "squeeze",
        "float64",
        "longdouble",
        "single",
        "list",
        "tuple",
    ),
    *("print", "repr", "str"),
)
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


class Work:
    """Counts the entries that are computed, so that a short file cannot ask for hours."""

    def __init__(self) -> None:
        self._done = 0

    def take(self, count: int, at: int) -> None:
        self._done += count
        if self._done > MOST_WORK:
            message = f"the statements up to here compute more than {MOST_WORK} entries"
            raise ConversionError("RK391", message, at, "give the part of the file with the table")


class Parser:
    """One expression at a time from a list of tokens; `at` is the index of the next one."""

    def __init__(
        self,
        words: list[Token],
        dialect: Dialect,
        known: Callable[[str], Value | None],
        builds: Callable[[str], bool],
        work: Work,
    ) -> None:
        self.words, self.dialect, self.known, self.builds, self.work = words, dialect, known, builds, work
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
            left = self._combined(left, token, self._product())
        return left

    def number(self, value: Value) -> Value:
        """A value in which what stands in quotes is read as a number."""
        if not isinstance(value, Text):
            return value
        inner = Parser(tokens(value.text, self.dialect, value.at), self.dialect, self.known, self.builds, self.work)
        result = inner.value()
        inner.finish()
        return result

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
            left = self._combined(left, token, self._rational())
        return left

    def _rational(self) -> Value:
        left = self._factor()
        while self.dialect.rationals and (token := self.token).kind == "operator" and token.text == "//":
            self._operator()
            left = self._combined(left, Token("operator", "/", token.at, True), self._factor())
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
            base = self._combined(base, Token("operator", "**", token.at, True), exponent)
        return base if sign > 0 else self._each(base, lambda number: negative(number, first), first)

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
                value = self._element(value, self._arguments("[", "]"), token)
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
            return items[0] if len(items) == 1 else self._array(items, token.at)
        if token.text == "[" or (token.text == "{" and self.dialect.braces):
            return self._list(token)
        if token.text in ("…", "..."):
            raise ConversionError("RK387", "numbers are left out here", token.at, "give them all: print them in full")
        found = "the end" if token.kind in ("end", "newline") else _shown(token)
        raise ConversionError("RK383", f"expected a number, found {found}", token.at, NOTHING_RUNS)

    def _number(self, token: Token) -> Value:
        following = self.words[self.at]
        if self.dialect.rationals and not following.blank and (following.kind == "name" or following.text == "("):
            return self._combined(Scalar(token.text, token.at), Token("operator", "*", token.at, False), self._factor())
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
                return self._element(value, self._arguments("(", ")"), following)
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
            return (
                plain[0]
                if len(plain) == 1
                else self._combined(plain[0], Token("operator", "/", token.at, True), plain[1])
            )
        elif name in _ROOT and len(plain) == 1 and isinstance(plain[0], Scalar):
            return root(plain[0], token.at)
        elif name == "zeros":
            return self._zeros(plain, token)
        elif name in _METHODS and (value := self.known(token.text[: -len(name) - 1])) is not None:
            return value
        message = f"{shown(token.text, quotes=False)}( ) is no function that a table may use"
        return Unknown(ConversionError("RK383", message, token.at, NOTHING_RUNS))

    def _zeros(self, sizes: list[Value], token: Token) -> Value:
        flat = [n for size in sizes for n in (size.items if isinstance(size, Array) else (size,))]
        counts = [int(n.text) for n in flat if isinstance(n, Scalar) and n.text.isdigit() and len(n.text) < 4]
        if len(counts) == 1 and self.dialect.parentheses:
            counts *= 2  # MATLAB: zeros(3) is a matrix
        if not counts or len(counts) > 2 or len(counts) < len(flat):
            return Unknown(ConversionError("RK383", "expected one or two sizes", token.at, "write zeros(3, 3)"))
        total = counts[0] * counts[-1] if len(counts) == 2 else counts[0]
        self._bounded(total, token.at)
        row: Array = Array((zero(token.at),) * counts[-1], token.at)
        return row if len(counts) == 1 else Array((row,) * counts[0], token.at)

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
            self._bounded(sum(map(len, found)), token.at)
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
            return self._array(parts, start.at)
        return self._array(lines[0] if lines else [], start.at)

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

    def _element(self, value: Array, found: tuple[list[Value], dict[str, Value]], token: Token) -> Value:
        result: Value = value
        for index in found[0]:
            if not (isinstance(index, Scalar) and index.text.isdigit() and isinstance(result, Array)):
                raise ConversionError("RK383", "expected an element such as A[1]", token.at, NOTHING_RUNS)
            place = int(index.text[:6]) - self.dialect.base
            if not 0 <= place < len(result.items):
                raise ConversionError(
                    "RK384", "there is no such element", index.at, f"indices begin at {self.dialect.base}"
                )
            result = result.items[place]
        return result

    def _combined(self, left: Value, token: Token, right: Value) -> Value:
        operator = token.text.replace(".", "") if token.text != "**" else "**"
        left, right = self.number(left), self.number(right)
        for side in (left, right):
            if isinstance(side, Unknown):
                raise side.error
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            if operator == "/" and left.whole and right.whole:
                message = f"in C, {left.text}/{right.text} is a division of integers, which drops the remainder"
                raise ConversionError("RK385", message, left.at, f"write {left.text}.0/{right.text}.0")
            return joined(left, operator, right)
        if isinstance(right, Scalar) and operator in ("*", "/"):
            return self._each(left, lambda number: joined(number, operator, right), token.at)
        if isinstance(left, Scalar) and operator == "*":
            return self._each(right, lambda number: joined(left, "*", number), token.at)
        raise ConversionError(
            "RK383", f"{operator} of arrays", token.at, "an array may be multiplied or divided by a number"
        )

    def _each(self, value: Value, change: Callable[[Scalar], Scalar], at: int) -> Value:
        match value:
            case Scalar():
                self.work.take(1, at)
                return change(value)
            case Array():
                return Array(tuple(self._each(item, change, at) for item in value.items), value.at)
            case Unknown():
                raise value.error
        return self._each(self.number(value), change, at)

    def _array(self, items: Sequence[Value], at: int) -> Array:
        self._bounded(len(items), at)
        return Array(tuple(items), at)

    def _bounded(self, count: int, at: int) -> None:
        self.work.take(1, at)
        if count > MOST_ENTRIES:
            raise ConversionError("RK391", f"an array of more than {MOST_ENTRIES} entries", at, "no table is so large")

    def _deeper(self, token: Token) -> None:
        self._depth += 1
        if self._depth > MOST_LEVELS:
            message = f"nested more than {MOST_LEVELS} levels deep"
            raise ConversionError("RK391", message, token.at, "remove parentheses that change nothing")

    def _depth_less(self) -> None:
        self._depth -= 1


def transposed(value: Value) -> Value:
    """A matrix with rows and columns exchanged; a vector or number as it is."""
    if not isinstance(value, Array) or not all(isinstance(item, Array) for item in value.items):
        return value
    lines = [item.items for item in value.items if isinstance(item, Array)]
    if len({len(line) for line in lines}) != 1:
        raise ConversionError("RK384", "the rows of this matrix have different lengths", value.at, "complete them")
    return Array(tuple(Array(column, value.at) for column in zip(*lines, strict=True)), value.at)


def _shown(token: Token) -> str:
    return "the end of the line" if token.kind == "newline" else shown(token.text, width=20)
