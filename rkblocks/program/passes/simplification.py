"""Passes that leave out (zeros, dead values, equal stages, states of a single use), and the one that names the rest."""

from __future__ import annotations

from rkblocks.program.construction import with_used_parameters
from rkblocks.program.ir import Combine, Evaluate, Instruction, Kind, Program, Term, kinds, renamed, target, uses
from rkblocks.program.meaning import equal_states


def drop_zeros(program: Program) -> Program:
    """The program without terms of coefficient zero, and without the values that nothing needs any more."""
    body = [
        Combine(i.target, tuple(t for t in i.terms if t.coefficient)) if isinstance(i, Combine) else i
        for i in program.body
    ]
    return with_used_parameters(drop_dead(program.with_body(body)))


def drop_dead(program: Program) -> Program:
    """The program without values that the result does not depend on: unused stages and their calls of F."""
    needed: set[str] = set()
    kept: list[Instruction] = []
    for instruction in reversed(program.body):
        name = target(instruction)
        if name is None or name in needed:
            kept.append(instruction)
            needed |= set(uses(instruction))
    return with_used_parameters(program.with_body(reversed(kept)))


def merge_equal(program: Program) -> Program:
    """The program with equal values computed once: stages that coincide, and names for x itself."""
    same = equal_states(program)
    body = [renamed(i, same) for i in program.body if target(i) not in same]
    return drop_zeros(program.with_body(body))


def expand_single_use(program: Program) -> Program:
    """The program with states that serve only in one later sum, never as a point of F, written out in that sum.

    They come from Shu-Osher rows whose own call of F is unused.
    """
    while True:
        evaluated = {i.source for i in program.body if isinstance(i, Evaluate)}
        outputs = uses(program.body[-1])
        consumers: dict[str, list[Combine]] = {}
        for combine in program.combines:
            for value in combine.values:
                consumers.setdefault(value, []).append(combine)
        single = next(
            (
                c
                for c in program.combines
                if c.target not in evaluated and c.target not in outputs and len(consumers[c.target]) == 1
            ),
            None,
        )
        if single is None:
            return program
        program = program.with_body(_inline(i, single) for i in program.body if i is not single)


def _inline(instruction: Instruction, inner: Combine) -> Instruction:
    if not isinstance(instruction, Combine) or inner.target not in instruction.values:
        return instruction
    weight = next(t.coefficient for t in instruction.terms if t.value == inner.target)
    terms = [t for t in instruction.terms if t.value != inner.target]
    terms += [Term(weight * t.coefficient, t.value) for t in inner.terms]
    return renamed(Combine(instruction.target, tuple(terms)), {})


def name_values(program: Program) -> Program:
    """The program with the names of the paper: stages u1, u2, ... where F is evaluated, f0, f1, ... their slopes.

    Other states are v1, v2, ... (an Euler step, a partial sum), other slopes s1, s2, ...; the result is y, the estimate
    of its error keeps its name.
    """
    types = kinds(program.body)
    points = {i.source: i for i in program.body if isinstance(i, Evaluate)}
    names: dict[str, str] = {}
    counts = {"u": 0, "v": 0, "s": 0, "f": -1}
    for instruction in program.body:
        name = target(instruction)
        if name is None or name == program.error:
            continue
        if isinstance(instruction, Evaluate):
            letter = "f"
        elif types[name] is Kind.SLOPE:
            letter = "s"
        else:
            letter = "u" if name in points else "v"
        counts[letter] += 1
        names[name] = "y" if name == program.result else f"{letter}{counts[letter]}"
    return program.with_body(renamed(i, names) for i in program.body)
