"""The program of one step: a typed straight-line list of instructions with exact coefficients.

There are two types of values.  A *state* lives where x lives (x itself, the stages, the result); a *slope* lives where
F(x) lives; a *difference* of two states is what an embedded method estimates its error by.  Three instructions exist:

    f1 = F(u1)                          Evaluate: a state to a slope, at the abscissa c (for a residual with time)
    u2 = 3/4 x + 1/4 u1 + 1/4 dt f1     Combine: states whose weights sum to one, plus slopes times dt, to a state;
    s1 = f0 + 2 f1                      or slopes alone, without dt, to a slope
    error = 1/6 dt f0 - 1/6 dt f1       or slopes times dt to a difference, which has this name
    return u2                           Return; ``return u2, error`` of an embedded method

What a program means is said by `rkblocks.program.interpret`; what is a well-formed one, by `.well_formed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

from rkblocks.exact.field import Element, Field
from rkblocks.shown import Shown
from rkblocks.tableau import Parameter

INPUT = "x"
"""The name of the state that the step starts from."""

ERROR = "error"
"""The name of the difference that a program with an error estimate returns beside its result."""


class Kind(StrEnum):
    """The type of a value."""

    STATE = "state"
    SLOPE = "slope"
    DIFFERENCE = "difference"


@dataclass(frozen=True)
class Term:
    """``coefficient * value`` inside a sum; a slope inside a state is multiplied by dt as well."""

    coefficient: Element
    value: str


@dataclass(frozen=True)
class Evaluate:
    """``target = F(source)``; with time ``F(source, t + abscissa dt)``."""

    target: str
    source: str
    abscissa: Element


@dataclass(frozen=True)
class Combine:
    """``target = sum of terms``."""

    target: str
    terms: tuple[Term, ...]

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The names of the values that are summed."""
        return tuple(term.value for term in self.terms)

    @cached_property
    def weights(self) -> dict[str, Element]:
        """The coefficient of each value."""
        return {term.value: term.coefficient for term in self.terms}


@dataclass(frozen=True)
class Return:
    """The end of the program: its result, and the estimate of its error where there is one."""

    value: str
    error: str | None = None


Instruction = Evaluate | Combine | Return


@dataclass(frozen=True)
class Program(Shown):
    """One step of one method.  ``dt`` is the fixed step size, None for one that is handed in at run time.

    ``parameters`` are those that occur in the coefficients; ``time`` says whether F takes the time; ``form`` names what
    the program was lowered from; ``tolerance`` bounds by how much the weights of a state may miss one (decimal tables),
    and ``only_at_init`` says that they sum to one at the initial values of the parameters, but not off them.
    """

    field: Field
    body: tuple[Instruction, ...]
    parameters: tuple[Parameter, ...] = ()
    dt: Fraction | None = Fraction(1)
    time: bool = False
    tolerance: Fraction = Fraction(0)
    form: str = ""
    only_at_init: bool = False

    @property
    def calls(self) -> int:
        """How often one step calls F."""
        return sum(isinstance(instruction, Evaluate) for instruction in self.body)

    @property
    def result(self) -> str:
        """The value that the program returns."""
        last = self.body[-1]
        assert isinstance(last, Return)
        return last.value

    @property
    def error(self) -> str | None:
        """The estimate of the error that the program returns, None where it returns none."""
        last = self.body[-1]
        assert isinstance(last, Return)
        return last.error

    @property
    def numbers(self) -> list[Element]:
        """All numbers in it: coefficients of sums in their order, then abscissae where time matters."""
        found = [term.coefficient for combine in self.combines for term in combine.terms]
        return found + [i.abscissa for i in self.body if isinstance(i, Evaluate) and self.time]

    @property
    def combines(self) -> Iterator[Combine]:
        """The sums of the program, in order."""
        return (instruction for instruction in self.body if isinstance(instruction, Combine))

    def with_body(self, body: Iterable[Instruction]) -> Program:
        """The program with other instructions."""
        return replace(self, body=tuple(body))


def uses(instruction: Instruction) -> tuple[str, ...]:
    """The values that an instruction reads."""
    match instruction:
        case Evaluate(source=source):
            return (source,)
        case Combine():
            return instruction.values
        case Return(value=value, error=error):
            return (value,) if error is None else (value, error)


def target(instruction: Instruction) -> str | None:
    """The value that an instruction defines."""
    return None if isinstance(instruction, Return) else instruction.target


def kinds(body: Iterable[Instruction]) -> dict[str, Kind]:
    """The type of every value, the input included.  KeyError where a value is used before it is defined."""
    found = {INPUT: Kind.STATE}
    for instruction in body:
        match instruction:
            case Evaluate():
                found[instruction.target] = Kind.SLOPE
            case Combine():
                states = any(found[value] is Kind.STATE for value in instruction.values)
                alone = Kind.DIFFERENCE if instruction.target == ERROR else Kind.SLOPE
                found[instruction.target] = Kind.STATE if states else alone
            case Return():
                pass
    return found


def renamed(instruction: Instruction, names: dict[str, str]) -> Instruction:
    """The instruction with values renamed; terms that become the same value are added up."""
    match instruction:
        case Evaluate():
            source = names.get(instruction.source, instruction.source)
            return Evaluate(names.get(instruction.target, instruction.target), source, instruction.abscissa)
        case Combine():
            sums: dict[str, Element] = {}
            for term in instruction.terms:
                value = names.get(term.value, term.value)
                sums[value] = sums[value] + term.coefficient if value in sums else term.coefficient
            terms = tuple(Term(coefficient, value) for value, coefficient in sums.items())
            return Combine(names.get(instruction.target, instruction.target), terms)
        case Return():
            error = instruction.error
            return Return(names.get(instruction.value, instruction.value), error and names.get(error, error))
