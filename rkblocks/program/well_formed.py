"""What every program must satisfy, checked after lowering and after every pass."""

from __future__ import annotations

from rkblocks.exact.field import Element
from rkblocks.program.ir import INPUT, Combine, Evaluate, Kind, Program, Return, kinds, target, uses


class InvalidProgram(Exception):  # noqa: N818 (it names what was found, not a user's error)
    """A program breaks a rule of the intermediate form: a defect of the compiler, never of a tableau."""


def validated(program: Program, *, calls: int | None = None) -> Program:
    """The program itself, if it is well formed.

    Every value is defined once, before its use, and used; sums and evaluations are well typed; the weights of the
    states in a state sum to one (at the initial values, for a program that is consistent there only); coefficients lie
    in the field and contain only declared parameters, all of which occur; there is one return, at the end, of a state.
    With ``calls``, F is evaluated exactly so often.

    Raises:
        InvalidProgram: naming the first rule broken.
    """
    _check_names(program)
    _check_types(program)
    _check_coefficients(program)
    if calls is not None and program.calls != calls:
        raise InvalidProgram(f"F is called {program.calls} times, expected {calls}")
    return program


def _check_names(program: Program) -> None:
    if sum(isinstance(instruction, Return) for instruction in program.body) != 1:
        raise InvalidProgram("a program has exactly one return")
    if not isinstance(program.body[-1], Return):
        raise InvalidProgram("the return is the last instruction")
    defined, used = {INPUT}, set()
    for instruction in program.body:
        for name in uses(instruction):
            if name not in defined:
                raise InvalidProgram(f"{name} is used before it is defined")
            used.add(name)
        new = target(instruction)
        if new in defined:
            raise InvalidProgram(f"{new} is defined twice")
        if new is not None:
            defined.add(new)
    if defined - used:
        raise InvalidProgram(f"never used: {', '.join(sorted(defined - used))}")


def _check_types(program: Program) -> None:
    types = kinds(program.body)
    for instruction in program.body:
        match instruction:
            case Evaluate(source=source) if types[source] is not Kind.STATE:
                raise InvalidProgram(f"F is evaluated at {source}, which is a {types[source]}")
            case Return(value=value) if types[value] is not Kind.STATE:
                raise InvalidProgram(f"{value} is returned, which is a slope")
            case Return(error=str(error)) if types[error] is not Kind.DIFFERENCE:
                raise InvalidProgram(f"{error} is returned as an error, which is a {types[error]}")
            case Combine():
                _check_sum(program, instruction, types)
            case _:
                pass


def _check_sum(program: Program, combine: Combine, types: dict[str, Kind]) -> None:
    if not combine.terms:
        raise InvalidProgram(f"{combine.target} is an empty sum")
    if any(types[value] is Kind.DIFFERENCE for value in combine.values):
        raise InvalidProgram(f"{combine.target} uses a difference, which can only be returned")
    if len(set(combine.values)) < len(combine.values):
        raise InvalidProgram(f"{combine.target} names a value twice")
    if types[combine.target] is Kind.STATE:
        weights = [term.coefficient for term in combine.terms if types[term.value] is Kind.STATE]
        excess = sum(weights, program.field.zero) - program.field.one
        if not _within(program, excess):
            raise InvalidProgram(f"the weights of {combine.target} miss one by {program.field.text(excess)}")


def _within(program: Program, excess: Element) -> bool:
    field = program.field
    if field.free_parameters(excess) and program.only_at_init:
        start = {p.name: p.init for p in program.parameters}
        excess, field = field.substitute(excess, start), field.without(start)
    return field.within(excess, program.tolerance)


def _check_coefficients(program: Program) -> None:
    field, found = program.field, set()
    for number in program.numbers:
        if not field.domain.of_type(number):
            raise InvalidProgram(f"{number!r} is no element of the program's field")
        found |= set(field.free_parameters(number))
    declared = {parameter.name for parameter in program.parameters}
    if found != declared:
        raise InvalidProgram(f"parameters {sorted(declared)} are declared, {sorted(found)} occur")
