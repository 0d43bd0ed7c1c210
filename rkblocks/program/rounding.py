"""What rounding does to a method: the coefficients that a step executes in a dtype, against the exact ones.

A coefficient is printed as the double nearest to its exact value.  How torch uses it, by dtype of the tensors:

    float64    as it is
    float32    rounded to single precision
    bfloat16   a weight of `torch.lerp`, or a number times a tensor, in single precision; `torch.add(..., alpha=c)`
               rounds it on to bfloat16 on a CPU, and keeps single precision on a GPU: counted here is the CPU

All errors are exact rational numbers.  Rounding of the tensors themselves, which every step has, is not part of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from rkblocks.exact.field import Element
from rkblocks.program.ir import INPUT, Combine, Evaluate, Program, kinds, uses
from rkblocks.program.kernels import Add, Copy, Factor, Kernel, Lerp, Scale, is_number, number_of, plan

Sum = dict[str, Fraction]


@dataclass(frozen=True)
class Format:
    """A binary floating point format: significant ``digits`` in bits, least exponent of a normal number."""

    name: str
    digits: int
    least: int

    @property
    def unit(self) -> float:
        """Half the distance from 1 to the next number: the relative error of one rounding."""
        return 2.0**-self.digits

    @property
    def largest(self) -> float:
        """The largest finite number, as IEEE 754 lays its formats out (bfloat16 is laid out so, too)."""
        return float((2 - Fraction(2) ** (1 - self.digits)) * Fraction(2) ** (1 - self.least))

    def nearest(self, value: Fraction) -> Fraction:
        """The number of this format nearest to the value, the even one in a tie (no overflow is looked at)."""
        if not value:
            return value
        exponent = abs(value).numerator.bit_length() - value.denominator.bit_length()
        if abs(value) < Fraction(2) ** exponent:
            exponent -= 1
        quantum = Fraction(2) ** (max(exponent, self.least) - self.digits + 1)
        return round(value / quantum) * quantum


DOUBLE = Format("float64", 53, -1022)
SINGLE = Format("float32", 24, -126)
BFLOAT16 = Format("bfloat16", 8, -126)
FORMATS = (DOUBLE, SINGLE, BFLOAT16)


def exact_rows(program: Program, values: Mapping[str, Fraction] | None = None) -> dict[str, Sum]:
    """The coefficients of the points of F (``A[0]``, ...) and of the result (``b``, ``b - b_hat``) as exact numbers.

    Each is a sum over ``x`` and the calls ``f0``, ``f1``, ...; dt is multiplied in.  Irrational ones are taken to 256
    bits.  ``values`` are those of the parameters, their initial ones where left out.
    """
    return _Executed(program, None, values).rows()


@dataclass(frozen=True)
class Rounding:
    """The method as executed in one format: the ``largest`` error of a coefficient and its ``place``.

    ``twice`` counts the printed numbers that rounding through double and single precision leaves at another number than
    the nearest of the format.
    """

    format: Format
    largest: Fraction
    place: str
    twice: int


def roundings(program: Program) -> tuple[Rounding, ...]:
    """What rounding does to the program in every format; what is learned counts as exact, at its start."""
    exact = _Executed(program, None)
    return tuple(_compare(exact, _Executed(program, form)) for form in FORMATS)


def rounding_text(program: Program) -> str:
    """The roundings as a table, for people."""
    found = roundings(program)
    lines = ["# coefficients as executed, against the exact tableau (exact differences)"]
    for r in found:
        place = f" in {r.place}" if r.largest else ""
        lines.append(
            f"{r.format.name:<9} unit roundoff {r.format.unit:.1e}   largest error {float(r.largest):.1e}{place}"
        )
    twice = [f"{r.twice} in {r.format.name}" for r in found if r.twice]
    nearest = "each the nearest number of the precision that its operation runs in: rounded once"
    lines.append(f"not the nearest numbers, rounded twice: {', '.join(twice)}" if twice else nearest)
    if program.parameters:
        lines.append(f"{', '.join(p.name for p in program.parameters)} taken at the start, what depends on it as exact")
    return "\n".join(lines) + "\n"


class _Executed:
    """Every value of a program as a sum of x and slopes, with the coefficients that run; exact ones for None."""

    def __init__(self, program: Program, form: Format | None, values: Mapping[str, Fraction] | None = None) -> None:
        self.program, self.form = program, form
        self.start = {p.name: p.init for p in program.parameters} | dict(values or {})
        self.twice = 0
        self.values: dict[str, Sum] = {INPUT: {INPUT: Fraction(1)}}
        types = kinds(program.body)
        for instruction in program.body:
            match instruction:
                case Evaluate(target):
                    self.values[target] = {target: Fraction(1)}
                case Combine(target):
                    self.values[target] = self.sum(plan(program, instruction, types))
                case _:
                    pass

    def sum(self, kernels: tuple[Kernel, ...]) -> Sum:
        total: Sum = {}
        for kernel in kernels:
            match kernel:
                case Copy(value):
                    total = dict(self.values[value])
                case Scale(value, factor):
                    total = _plus({}, self.values[value], self.number(factor, self.through(kernel)))
                case Add(value, factor):
                    total = _plus(total, self.values[value], self.number(factor, self.through(kernel)))
                case Lerp(value, factor):
                    weight = self.number(factor, self.through(kernel))
                    total = _plus(_plus({}, total, 1 - weight), self.values[value], weight)
        return total

    def through(self, kernel: Kernel) -> tuple[Format, ...]:
        """The formats that the factor of a kernel is rounded to, one after the other."""
        if self.form is None:
            return ()
        last = FORMATS.index(self.form)
        return FORMATS[: last + 1] if isinstance(kernel, Add) else FORMATS[: min(last, 1) + 1]

    def number(self, factor: Factor, through: tuple[Format, ...]) -> Fraction:
        number = number_of(self.program, factor)
        exact = self.fraction(factor.coefficient if number is None else number)
        if not is_number(self.program, factor):
            return exact
        value = exact
        for form in through:
            value = form.nearest(value)
        if through:
            self.twice += value != through[-1].nearest(exact)
        return value

    def fraction(self, number: Element) -> Fraction:
        """A number, at the start of the parameters, to 256 bits."""
        field = self.program.field
        if self.start:
            number, field = field.substitute(number, self.start), field.without(self.start)
        low, high = field.enclose(number, 256)
        return (low + high) / 2

    def rows(self) -> dict[str, Sum]:
        """The points of F, the result and the error estimate by name."""
        calls = [i for i in self.program.body if isinstance(i, Evaluate)]
        names = {call.target: f"f{j}" for j, call in enumerate(calls)} | {INPUT: INPUT}
        rows = {f"A[{i}]": self.values[call.source] for i, call in enumerate(calls)}
        for key, value in zip(("b", "b - b_hat"), uses(self.program.body[-1]), strict=False):
            rows[key] = self.values[value]
        return {key: {names[name]: c for name, c in row.items()} for key, row in rows.items()}


def entry_text(row: str, column: int | None) -> str:
    """The place of a coefficient for people: of x for None, else of the call of F with this number from 0."""
    if column is None:
        return f"the weight of x in {row}"
    return f"({row})[{column}]" if " " in row else f"{row}[{column}]"


def _plus(total: Sum, value: Mapping[str, Fraction], factor: Fraction) -> Sum:
    return {
        name: total.get(name, Fraction(0)) + factor * value.get(name, Fraction(0))
        for name in dict.fromkeys((*total, *value))
    }


def _compare(exact: _Executed, executed: _Executed) -> Rounding:
    assert executed.form is not None
    largest, place = Fraction(0), ""
    rows = executed.rows()
    for key, row in exact.rows().items():
        for name, value in row.items():
            error = abs(rows[key][name] - value)
            if error > largest:
                largest, place = error, entry_text(key, None if name == INPUT else int(name[1:]))
    return Rounding(executed.form, largest, place, executed.twice)
