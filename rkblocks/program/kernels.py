"""How a sum is carried out: the elementwise kernels, each one pass over memory, that one Combine becomes.

    Add     a + c * v            torch.add(a, v, alpha=c)       one pass; backward one more unless c = 1
    Lerp    (1 - c) * a + c * v  torch.lerp(a, v, c)            one pass; backward two
    Scale   c * v                                               one pass; backward one

A sum with a term of weight one starts from it, so n terms take n - 1 passes.  A convex sum of states without such a
term is a chain of Lerps, which takes n - 1 passes as well and keeps the weights summing to one after rounding.

An Add may write over what was summed so far where that is a temporary of the step's own (`own`).  A Lerp does not:
torch.vmap has no rule for `lerp_`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rkblocks.exact.field import Element
from rkblocks.program.ir import INPUT, Combine, Kind, Program, uses


@dataclass(frozen=True)
class Factor:
    """``coefficient``, times dt where ``by_step`` says that a slope enters a state."""

    coefficient: Element
    by_step: bool = False


@dataclass(frozen=True)
class Copy:
    """The first value of a sum, as it is: no pass."""

    value: str


@dataclass(frozen=True)
class Scale:
    """``factor * value`` as the first value of a sum."""

    value: str
    factor: Factor


@dataclass(frozen=True)
class Add:
    """What was summed so far plus ``factor * value``."""

    value: str
    factor: Factor


@dataclass(frozen=True)
class Lerp:
    """``(1 - factor)`` times what was summed so far plus ``factor * value``."""

    value: str
    factor: Factor


Kernel = Copy | Scale | Add | Lerp


def number_of(program: Program, factor: Factor) -> Element | None:
    """The factor as an element of the program's field; None where it depends on a step size known at run time only."""
    if not factor.by_step or program.dt == 1:
        return factor.coefficient
    return None if program.dt is None else factor.coefficient * program.field.rational(program.dt)


def is_one(program: Program, factor: Factor) -> bool:
    """Whether the factor is exactly one."""
    number = number_of(program, factor)
    return number is not None and bool(number == program.field.one)


def is_number(program: Program, factor: Factor) -> bool:
    """Whether the factor is known when the program is compiled."""
    number = number_of(program, factor)
    return number is not None and not program.field.free_parameters(number)


def may_overwrite(program: Program) -> bool:
    """Whether a sum may be written over what was summed so far: not where a factor is known at run time only.

    Such a factor may carry a batch dimension of `torch.vmap` that the memory of a sum made before it lacks.
    """
    return not program.parameters and program.dt is not None


def own(program: Program) -> frozenset[str]:
    """Sums that one later sum alone uses and may overwrite: F never sees them, no kernel saves one for the backward."""
    if not may_overwrite(program):
        return frozenset()
    used = Counter(name for instruction in program.body for name in uses(instruction))
    inside = {value for combine in program.combines for value in combine.values}
    return frozenset(
        c.target for c in program.combines if len(c.terms) > 1 and used[c.target] == 1 and c.target in inside
    )


def plan(program: Program, combine: Combine, types: Mapping[str, Kind]) -> tuple[Kernel, ...]:
    """The kernels that carry out one sum, the first of them a Copy or a Scale."""
    kind = types[combine.target]
    factors = {
        term.value: Factor(term.coefficient, by_step=kind is not Kind.SLOPE and types[term.value] is Kind.SLOPE)
        for term in combine.terms
    }
    start = next((value for value, factor in factors.items() if is_one(program, factor)), None)
    if start is None and kind is Kind.STATE:
        chain = _convex_chain(program, {v: f for v, f in factors.items() if types[v] is Kind.STATE})
        if chain:
            rest = (Add(v, f) for v, f in factors.items() if types[v] is Kind.SLOPE)
            return (*chain, *rest)
    if start is None:
        start = combine.values[0]
        first: Kernel = Scale(start, factors[start])
    else:
        first = Copy(start)
    return (first, *(Add(v, f) for v, f in factors.items() if v != start))


def _convex_chain(program: Program, weights: Mapping[str, Factor]) -> tuple[Kernel, ...]:
    """The weighted mean as a chain of Lerps; empty unless the weights are positive numbers that sum exactly to one."""
    field = program.field
    if len(weights) < 2 or not all(is_number(program, f) for f in weights.values()):
        return ()
    numbers = [field.number(f.coefficient) for f in weights.values()]
    total = sum(numbers, field.constants.zero)
    if total - field.constants.one or any(field.constants.sign(n) <= 0 for n in numbers):
        return ()
    (start, so_far), *rest = sorted(((v, f.coefficient) for v, f in weights.items()), key=lambda pair: pair[0] != INPUT)
    chain: list[Kernel] = [Copy(start)]
    for value, number in rest:
        so_far = so_far + number
        chain.append(Lerp(value, Factor(number / so_far)))
    return tuple(chain)
