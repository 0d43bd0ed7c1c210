"""What the readers of foreign formats find: numbers in the grammar of an entry, their places, tables of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rkblocks.files.grammar import MOST_CHARACTERS

SUM, PRODUCT, FACTOR, ATOM = range(4)
"""How tightly the last operator of a text binds, so that parentheses stand where they must and nowhere else."""


class ConversionError(Exception):
    """The text is at fault at the offset `at`."""

    def __init__(self, code: str, message: str, at: int, help: str) -> None:
        super().__init__(code, message, at, help)
        self.code, self.message, self.at, self.help = code, message, at, help


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number: `text` in the grammar of an entry, with the digits of the source; `whole` for an integer of C."""

    text: str
    at: int
    tight: int = ATOM
    whole: bool = False

    def within(self, tight: int) -> str:
        """The text, in parentheses where it binds less."""
        return self.text if self.tight >= tight else f"({self.text})"


@dataclass(frozen=True, slots=True)
class Array:
    items: tuple[Value, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Text:
    """A string of the source."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that was not understood: an error for those who need it, and for nobody else."""

    error: ConversionError


Value = Scalar | Array | Text | Unknown


@dataclass(frozen=True)
class Note:
    """What was read in a way that its author may want to know."""

    code: str
    message: str
    at: int
    help: str


@dataclass(frozen=True)
class Table:
    """One table of a file: `arrays` by the key of a tableau file, rows as they stand there."""

    name: str
    arrays: Mapping[str, Array]
    at: int = 0
    title: str = ""
    abscissae: Mapping[int, Scalar] = field(default_factory=dict)
    """Constants c1, c2, … of which nobody says whether c1 is that of the first or of the second stage."""
    notes: tuple[Note, ...] = ()
    error: ConversionError | None = None
    """What is wrong with it; it matters to those who want this table."""


def place_of(value: Value) -> int:
    """Where a value stands in the text."""
    return value.error.at if isinstance(value, Unknown) else value.at


def zero(at: int) -> Scalar:
    return Scalar("0", at)


def is_zero(number: Scalar) -> bool:
    """Whether a number is written as zero."""
    return not number.text.lower().partition("e")[0].strip("-+0.()")


def joined(left: Scalar, operator: str, right: Scalar) -> Scalar:
    """Two numbers with one of + - * / ** between; the power 1/2 is a square root."""
    if operator == "**" and right.text in ("1/2", "0.5", "1.0/2.0"):
        return root(left, left.at)
    needs = {
        "+": (SUM, PRODUCT),
        "-": (SUM, PRODUCT),
        "*": (PRODUCT, FACTOR),
        "/": (PRODUCT, FACTOR),
        "**": (ATOM, ATOM),
    }
    a, b = needs[operator]
    blank = " " if operator in "+-" else ""
    text = f"{left.within(a)}{blank}{operator}{blank}{right.within(b)}"
    tight = {"+": SUM, "-": SUM, "**": FACTOR}.get(operator, PRODUCT)
    return _bounded(Scalar(text, left.at, tight, left.whole and right.whole))


def negative(number: Scalar, at: int) -> Scalar:
    sign = Scalar(f"-{number.within(PRODUCT)}", at, min(max(number.tight, PRODUCT), FACTOR), number.whole)
    return _bounded(sign)


def root(number: Scalar, at: int) -> Scalar:
    return _bounded(Scalar(f"sqrt({number.text})", at))


def _bounded(number: Scalar) -> Scalar:
    if len(number.text) > MOST_CHARACTERS:
        message = f"written out, this number is longer than {MOST_CHARACTERS} characters"
        raise ConversionError("RK212", message, number.at, "multiply it out to one fraction or decimal")
    return number


def numbers(value: Value) -> Iterator[Scalar]:
    """All numbers of a value, row by row. Raises ConversionError for what is none."""
    match value:
        case Scalar():
            yield value
        case Array():
            for item in value.items:
                yield from numbers(item)
        case Unknown():
            raise value.error
        case Text():
            raise ConversionError(
                "RK383", "expected a number, found a text", value.at, "write the number without quotes"
            )


def rows(value: Value) -> list[list[Scalar]]:
    """The rows of a matrix; a vector is one row, a number a matrix of one entry."""
    if isinstance(value, Array) and any(isinstance(item, Array) for item in value.items):
        return [list(numbers(item)) for item in value.items]
    return [list(numbers(value))]
