"""Numbers and arrays combined, as the expressions of a source text ask for it; what is computed is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rkblocks.convert.found import Array, ConversionError, Scalar, Text, Unknown, Value, joined, zero

MOST_ENTRIES = 65 * 65
MOST_WORK = 100_000
"""Most entries that all statements of a file may compute."""
NOTHING_RUNS = "no code is executed: write the number itself, or a fraction or sqrt( ) of numbers"


class Arithmetic:
    """What may be done with values; counts the entries, so that a short file cannot ask for hours."""

    def __init__(self) -> None:
        self._done = 0

    def _take(self, at: int) -> None:
        self._done += 1
        if self._done > MOST_WORK:
            message = f"the statements up to here compute more than {MOST_WORK} entries"
            raise ConversionError("RK391", message, at, "give the part of the file with the table")

    def bounded(self, count: int, at: int) -> None:
        """Count an array of so many entries, which are there already."""
        self._take(at)
        if count > MOST_ENTRIES:
            raise ConversionError("RK391", f"an array of more than {MOST_ENTRIES} entries", at, "no table is so large")

    def array(self, items: Sequence[Value], at: int) -> Array:
        self.bounded(len(items), at)
        return Array(tuple(items), at)

    def zeros(self, sizes: Sequence[Value], at: int, square: bool) -> Value:
        """An array of zeros; of one size n a vector, or where `square` says so n x n."""
        flat = [n for size in sizes for n in (size.items if isinstance(size, Array) else (size,))]
        counts = [int(n.text) for n in flat if isinstance(n, Scalar) and n.text.isdigit() and len(n.text) < 4]
        if len(counts) == 1 and square:
            counts *= 2
        if not counts or len(counts) > 2 or len(counts) < len(flat):
            return Unknown(ConversionError("RK383", "expected one or two sizes", at, "write zeros(3, 3)"))
        self.bounded(counts[0] * counts[-1] if len(counts) == 2 else counts[0], at)
        row = Array((zero(at),) * counts[-1], at)
        return row if len(counts) == 1 else Array((row,) * counts[0], at)

    def each(self, value: Value, change: Callable[[Scalar], Scalar], at: int) -> Value:
        """A value with each of its numbers changed."""
        match value:
            case Scalar():
                self._take(at)
                return change(value)
            case Array():
                return Array(tuple(self.each(item, change, at) for item in value.items), value.at)
            case Unknown():
                raise value.error
            case Text():
                raise ConversionError("RK383", "expected a number, found a text", value.at, NOTHING_RUNS)

    def combined(self, left: Value, operator: str, right: Value, at: int) -> Value:
        """Two values with one of + - * / ** between; an array only with a number, multiplied or divided."""
        for side in (left, right):
            if isinstance(side, Unknown):
                raise side.error
        if isinstance(left, Scalar) and isinstance(right, Scalar):
            if operator == "/" and left.whole and right.whole:
                message = f"in C, {left.text}/{right.text} is a division of integers, which drops the remainder"
                raise ConversionError("RK385", message, left.at, f"write {left.text}.0/{right.text}.0")
            return joined(left, operator, right)
        if isinstance(right, Scalar) and operator in ("*", "/"):
            return self.each(left, lambda number: joined(number, operator, right), at)
        if isinstance(left, Scalar) and operator == "*":
            return self.each(right, lambda number: joined(left, "*", number), at)
        help = "an array may be multiplied or divided by a number"
        raise ConversionError("RK383", f"{operator} of arrays", at, help)


def element(value: Array, indices: Sequence[Value], base: int, at: int) -> Value:
    """One element, or one row, of an array whose indices begin at `base`."""
    result: Value = value
    for index in indices:
        if not (isinstance(index, Scalar) and index.text.isdigit() and isinstance(result, Array)):
            raise ConversionError("RK383", "expected an element such as A[1]", at, NOTHING_RUNS)
        place = int(index.text[:6]) - base
        if not 0 <= place < len(result.items):
            raise ConversionError("RK384", "there is no such element", index.at, f"indices begin at {base}")
        result = result.items[place]
    return result


def transposed(value: Value) -> Value:
    """A matrix with rows and columns exchanged; a vector or number as it is."""
    if not isinstance(value, Array) or not all(isinstance(item, Array) for item in value.items):
        return value
    lines = [item.items for item in value.items if isinstance(item, Array)]
    if len({len(line) for line in lines}) != 1:
        raise ConversionError("RK384", "the rows of this matrix have different lengths", value.at, "complete them")
    return Array(tuple(Array(column, value.at) for column in zip(*lines, strict=True)), value.at)
