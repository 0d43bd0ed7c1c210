"""Passes that rewrite sums for lower cost: shared partial sums, early accumulation, and where each sum is placed.

Every rewrite is tried and kept only if `cost` falls, so none can make a program worse.  None divides by anything that
depends on a parameter: it could vanish inside the domain, where the method itself has no pole.  What is tried is taken
from the budget in force (`exact.work`); where that ends, the program stays as cheap as it is by then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations

from rkblocks.exact.field import Element
from rkblocks.exact.work import TooLarge, spend
from rkblocks.program.cost import Costs
from rkblocks.program.ir import INPUT, Combine, Evaluate, Instruction, Kind, Program, Term, kinds, target, uses

STEPS = 15
"""Steps of a budget for each value that an instruction of a program reads."""

Pair = tuple[str, str, Element]
"""Two values and the weight of the second over that of the first; of a state and a slope, the state comes first."""


def share_sums(program: Program) -> Program:
    """The program in which a pair of terms that several sums contain in one ratio is summed once, to save passes."""
    return _descend(program, lambda p: _with_pairs(p, _repeated(p)))


def factor_weights(program: Program) -> Program:
    """The program in which terms of equal weight are added up before they are scaled, to save scalings of gradients.

    1/4 u + 1/4 dt f becomes 1/4 (u + dt f): the Euler steps that a Shu-Osher form consists of become visible.
    """
    return _descend(program, lambda p: _with_pairs(p, _equal_weights(p)))


def accumulate(program: Program) -> Program:
    """The program in which long sums start before their last term is known, so that the earlier terms can be freed."""
    return _descend(program, _started_early)


def place(program: Program) -> Program:
    """The program with every sum at the place where the fewest tensors live; among equals the latest."""
    costs = Costs()
    for name in [combine.target for combine in program.combines]:
        places = list(_placements(program, name))
        try:
            spend(len(places) * _work(program))
        except TooLarge:
            return program
        program = min(places, key=costs)
    return program


def _descend(program: Program, rewrites: Callable[[Program], Iterable[Program]]) -> Program:
    """The end of the steepest descent in cost over the given rewrites; among equals the first.

    Beyond the budget it ends where it is: each step is an improvement of its own.
    """
    costs = Costs()
    current = costs(program)
    while True:
        best = None
        try:
            for i, new in enumerate(rewrites(program)):
                spend(_work(new))
                found = (costs(new), i, new)
                best = found if best is None or found < best else best
        except TooLarge:
            return program
        if best is None or not best[0] < current:
            return program
        current, _, program = best


def _work(program: Program) -> int:
    """Steps that making a program and its cost takes, by its instructions and the values that they read."""
    return STEPS * sum(1 + len(uses(instruction)) for instruction in program.body)


def _repeated(program: Program) -> list[Pair]:
    """Pairs of values that at least two sums contain in the same ratio."""
    found = Counter(pair for combine in program.combines for pair in _pairs(program, combine))
    return [pair for pair, count in found.items() if count > 1]


def _equal_weights(program: Program) -> list[Pair]:
    """Pairs of values that one sum multiplies with the same number, up to sign; Euler steps first."""
    types = kinds(program.body)
    points = {i.target: i.source for i in program.body if isinstance(i, Evaluate)}
    found = [
        (first, second, ratio)
        for combine in program.combines
        for first, second, ratio in _pairs(program, combine)
        if _is_unit(program, ratio, by_step=types[first] is not types[second])
    ]
    return sorted(dict.fromkeys(found), key=lambda pair: points.get(pair[1]) != pair[0])


def _pairs(program: Program, combine: Combine) -> Iterator[Pair]:
    types = kinds(program.body)
    ordered = sorted(combine.terms, key=lambda term: types[term.value] is Kind.SLOPE)
    for first, second in combinations(ordered, 2):
        ratio = second.coefficient / first.coefficient
        if not (program.field.free_parameters(first.coefficient) and program.field.free_parameters(ratio)):
            yield first.value, second.value, ratio


def _is_unit(program: Program, ratio: Element, *, by_step: bool) -> bool:
    if by_step and program.dt is None:
        return False
    if by_step and program.dt is not None:
        ratio = ratio * program.field.rational(program.dt)
    return not ratio * ratio - program.field.one


def _with_pairs(program: Program, pairs: Iterable[Pair]) -> Iterator[Program]:
    types = kinds(program.body)
    for key in pairs:
        pair = _pair(program, types, *key)
        if pair is not None:
            yield _with_pair(program, types, pair, key)


def _pair(program: Program, types: dict[str, Kind], first: str, second: str, ratio: Element) -> Combine | None:
    """``first + ratio second`` as a value of its own; two states are scaled to a mean, if their weights allow it."""
    one = program.field.one
    name = f"p{sum(1 for _ in program.combines)}"
    if types[first] is types[second] is Kind.STATE:
        total = one + ratio
        if not total or program.field.free_parameters(total):
            return None
        return Combine(name, (Term(one / total, first), Term(ratio / total, second)))
    return Combine(name, (Term(one, first), Term(ratio, second)))


def _with_pair(program: Program, types: dict[str, Kind], pair: Combine, key: Pair) -> Program:
    first, second, ratio = key
    scale = program.field.one / pair.terms[0].coefficient
    body: list[Instruction] = []
    placed = False
    for instruction in program.body:
        if isinstance(instruction, Combine):
            weights = instruction.weights
            if first in weights and second in weights and not weights[second] - ratio * weights[first]:
                if not placed:
                    body.append(pair)
                    placed = True
                rest = tuple(t for t in instruction.terms if t.value not in (first, second))
                instruction = _with_front(instruction, Term(weights[first] * scale, pair.target), rest, types)
        body.append(instruction)
    return program.with_body(body)


def _with_front(combine: Combine, new: Term, rest: tuple[Term, ...], types: dict[str, Kind]) -> Combine:
    """The sum of a new term and the rest; the rest's states stay in front, so that a mean still starts from x."""
    states = tuple(t for t in rest if types[t.value] is Kind.STATE)
    slopes = tuple(t for t in rest if types[t.value] is Kind.SLOPE)
    return Combine(combine.target, (*states, new, *slopes))


def _started_early(program: Program) -> Iterator[Program]:
    types = kinds(program.body)
    for position, instruction in enumerate(program.body):
        if not isinstance(instruction, Combine) or len(instruction.terms) < 3:
            continue
        for cut in range(position):
            if isinstance(program.body[cut], Evaluate):
                split = _split(program, types, instruction, cut)
                if split is not None:
                    before, after = split
                    body = [*program.body[:cut], before, *program.body[cut:position], after]
                    yield program.with_body([*body, *program.body[position + 1 :]])


def _split(program: Program, types: dict[str, Kind], combine: Combine, cut: int) -> tuple[Combine, Combine] | None:
    """The part of a sum that is known before position ``cut``, and the sum that continues from it."""
    known = {INPUT, *(target(i) for i in program.body[:cut])}
    early = [t for t in combine.terms if t.value in known]
    late = [t for t in combine.terms if t.value not in known]
    if len(early) < 2 or not late:
        return None
    weights = [t.coefficient for t in early if types[t.value] is Kind.STATE] or [early[0].coefficient]
    weight = sum(weights, program.field.zero)
    if not weight or program.field.free_parameters(weight):
        return None
    name = f"p{sum(1 for _ in program.combines)}"
    part = Combine(name, tuple(Term(t.coefficient / weight, t.value) for t in early))
    front = Term(weight, name)
    return part, Combine(combine.target, (front, *late))


def _placements(program: Program, name: str) -> Iterator[Program]:
    """The program with the sum ``name`` at every place that its operands and its first use allow, the latest first."""
    position = next(i for i, instruction in enumerate(program.body) if target(instruction) == name)
    moved = program.body[position]
    rest = [*program.body[:position], *program.body[position + 1 :]]
    needs = set(uses(moved))
    earliest = 1 + max((i for i, instruction in enumerate(rest) if target(instruction) in needs), default=-1)
    latest = next(i for i, instruction in enumerate(rest) if name in uses(instruction))
    for at in range(latest, earliest - 1, -1):
        yield program.with_body([*rest[:at], moved, *rest[at:]])
