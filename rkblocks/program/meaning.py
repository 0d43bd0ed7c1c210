"""The method that a program computes, recovered from the program alone: what no pass may change."""

from __future__ import annotations

from collections.abc import Mapping

from rkblocks.exact.field import Element
from rkblocks.forms import Row, Rows
from rkblocks.program.ir import INPUT, Combine, Evaluate, Kind, Program, kinds

Affine = Mapping[str, Element]
"""A value as a sum of x and slopes F(...): their coefficients by name, zeros left out."""


def expansions(program: Program) -> dict[str, Affine]:
    """Every value as a sum of x and slopes; x has weight one in a state, except off the start of a family that is
    consistent there only, and but for the tolerance of a decimal table."""
    found: dict[str, Affine] = {INPUT: {INPUT: program.field.one}}
    for instruction in program.body:
        match instruction:
            case Evaluate():
                found[instruction.target] = {instruction.target: program.field.one}
            case Combine():
                total: dict[str, Element] = {}
                for term in instruction.terms:
                    for slope, coefficient in found[term.value].items():
                        product = term.coefficient * coefficient
                        total[slope] = total[slope] + product if slope in total else product
                found[instruction.target] = {slope: c for slope, c in total.items() if c}
            case _:
                pass
    return found


def method(program: Program) -> tuple[Rows, Row]:
    """(A, b) of the program: row i of A is the point of the i-th call of F, b the result."""
    A, b = weighted_method(program)
    return tuple(row[1:] for row in A[1:]), b[1:]


def weighted_method(program: Program, result: str | None = None) -> tuple[Rows, Row]:
    """(A, b) with the weights of x as first column, under a first row of zeros that stands for x.

    With ``result`` b is that value's row.  Reduced, it is what every pass must keep, weights of x that are not one
    included.
    """
    found = expansions(program)
    calls = [instruction for instruction in program.body if isinstance(instruction, Evaluate)]
    columns = [INPUT, *(call.target for call in calls)]

    def row(value: str) -> Row:
        return tuple(found[value].get(name, program.field.zero) for name in columns)

    of_x = tuple(program.field.zero for _ in columns)
    return (of_x, *(row(call.source) for call in calls)), row(result or program.result)


def equal_states(program: Program) -> dict[str, str]:
    """Each state that equals an earlier one (as a sum of x and slopes), with that earlier one; likewise equal slopes.

    Two slopes are equal when F is called at equal states and, where time matters, at equal abscissae.
    """
    types = kinds(program.body)
    found = expansions(program)
    first: dict[tuple[object, ...], str] = {(Kind.STATE, frozenset({(INPUT, program.field.one)})): INPUT}
    same: dict[str, str] = {}

    def canonical(value: str) -> frozenset[tuple[str, Element]]:
        sums: dict[str, Element] = {}
        for slope, coefficient in found[value].items():
            name = same.get(slope, slope)
            sums[name] = sums[name] + coefficient if name in sums else coefficient
        return frozenset((name, c) for name, c in sums.items() if c)

    for instruction in program.body:
        key: tuple[object, ...]
        match instruction:
            case Evaluate():
                source = same.get(instruction.source, instruction.source)
                key = ("call", source, instruction.abscissa if program.time else None)
            case Combine():
                key = (types[instruction.target], canonical(instruction.target))
            case _:
                continue
        earlier = first.setdefault(key, instruction.target)
        if earlier != instruction.target:
            same[instruction.target] = earlier
        elif isinstance(instruction, Evaluate):
            first[Kind.SLOPE, canonical(instruction.target)] = instruction.target
    return same
