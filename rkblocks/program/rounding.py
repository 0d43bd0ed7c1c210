"""What rounding does to a method: the coefficients that a step executes in a dtype, against the exact ones.

A coefficient is printed as the double nearest to its exact value.  How torch uses it, by dtype of the tensors:

    float64    as it is
    float32    rounded to single precision
    bfloat16   a weight of `torch.lerp`, or a number times a tensor, in single precision; `torch.add(..., alpha=c)`
               rounds it on to bfloat16 on a CPU, and keeps single precision on a GPU: counted here is the CPU

All errors are exact rational numbers.  Rounding of the tensors themselves, which every step has, is not part of this.

Whether a program can run where its parameters start is asked here as well (`unfit`): no coefficient overflows, no start
is a bound.  1/(2*b) is finite at every b of its domain, and yet not in single precision where b is 1e-300.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from rkblocks.diagnostics import Diagnostic, RkblocksError, diagnostic
from rkblocks.exact.field import Element
from rkblocks.program.domains import Domain
from rkblocks.program.ir import INPUT, Combine, Evaluate, Kind, Program, kinds, uses
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
HALF = Format("float16", 11, -14)
FORMATS = (DOUBLE, SINGLE, BFLOAT16)
"""What coefficients are rounded to, finest first."""


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


@dataclass(frozen=True)
class UnfitStart:
    """What is wrong by the name of a format: where learned coefficients are ``stored`` in it, where a step ``runs``."""

    stored: Mapping[str, Diagnostic]
    runs: Mapping[str, Diagnostic]


def check_start(name: str, program: Program, learned: Mapping[str, Domain]) -> None:
    """Return nothing for a program, of the scheme ``name``, that runs in doubles.  Raises what `unfit` says of them."""
    found = unfit(name, program, learned)
    for problems in (found.stored, found.runs):
        if DOUBLE.name in problems:
            raise RkblocksError((problems[DOUBLE.name],))


def unfit(name: str, program: Program, learned: Mapping[str, Domain]) -> UnfitStart:
    """The formats that cannot hold a program, of the scheme ``name``, with these learned coefficients, at their start.

    RK519 for a learned coefficient that the format cannot tell from an end of its domain: there the smooth map is flat,
    so that it would never move.  RK520 for a coefficient beyond the largest number of the format.
    """
    most = largest(program, learned)
    runs = {form.name: _overflow(name, most, form) for form in (*FORMATS, HALF) if most > form.largest}
    stored: dict[str, Diagnostic] = {}
    for key, domain in learned.items():
        for end in (end for end in (domain.low, domain.high) if end is not None):
            for form in (*FORMATS, HALF):
                if form.nearest(domain.init) == form.nearest(end):
                    distance = float(abs(domain.init - end))
                    stored[form.name] = diagnostic(
                        "RK519",
                        f"{key} of {name} starts {distance:.3g} from the end {end} of its domain, and {form.name} "
                        "holds no number between them",
                        help="start further inside; build(..., dtype=torch.float64) stores it in double precision",
                    )
    return UnfitStart(stored, runs)


def _overflow(name: str, most: float, form: Format) -> Diagnostic:
    return diagnostic(
        "RK520",
        f"a coefficient of {name} is {most:.6g} at the start, {form.name} ends at {form.largest:.6g}",
        help="start the parameters further from the bounds, take a smaller dt, or run it in torch.float64",
    )


def largest(program: Program, learned: Mapping[str, Domain] | None = None) -> float:
    """The largest coefficient of the program's sums by size, dt multiplied in, at the start of its parameters.

    A dt that the program does not fix is that of ``learned``, else 1; infinity stands for what no double holds.
    """
    types = kinds(program.body)
    start = learned["dt"].init if learned and "dt" in learned else Fraction(1)
    dt = start if program.dt is None else program.dt
    sizes = {True: 0.0, False: 0.0}  # of coefficients that dt multiplies, and of the others
    for combine in program.combines:
        for term in combine.terms:
            by_step = types[combine.target] is not Kind.SLOPE and types[term.value] is Kind.SLOPE
            sizes[by_step] = max(sizes[by_step], abs(_at_start(program, term.coefficient)))
    return max(sizes[True] * float(dt), sizes[False])


def _at_start(program: Program, number: Element) -> float:
    field = program.field
    start = {p.name: p.init for p in program.parameters}
    try:
        if not field.free_parameters(number):
            return field.to_float(number)
        return field.without(start).to_float(field.substitute(number, start))
    except OverflowError:
        return float("inf")
