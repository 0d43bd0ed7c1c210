"""What a program costs: the numbers by which the compiler chooses between forms of one method."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from rkblocks.program.ir import Combine, Evaluate, Kind, Program, kinds, target, uses
from rkblocks.program.kernels import Add, Copy, Lerp, Scale, is_number, is_one, plan


@dataclass(frozen=True, order=True)
class Cost:
    """Costs of one step, the most important first, so that costs compare as the compiler ranks programs.

    ``calls`` of F; ``passes``: elementwise kernels of the forward pass; ``live``: the most tensors of the size of x
    that exist at once while F runs, without its own; ``backward``: elementwise kernels of the backward pass outside F
    (scaling gradients and adding up those of a value used several times); ``saved``: tensors kept for the backward
    pass besides those that F keeps (only a factor that is itself learned needs any); ``held``: the sum of ``live``
    over all calls of F.
    """

    calls: int
    passes: int
    live: int
    backward: int
    saved: int
    held: int

    def text(self) -> str:
        """The cost in one line."""
        return (
            f"{self.calls} calls of F, {self.passes} passes forward, {self.backward} backward, "
            f"{self.live} live tensors, {self.saved} saved"
        )


def cost(program: Program) -> Cost:
    """The cost of one step."""
    return Costs()(program)


class Costs:
    """The costs of programs that differ in their bodies only; a sum that several of them contain is planned once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Combine, list[Kind], tuple[int, int, set[str]]]] = {}

    def __call__(self, program: Program) -> Cost:
        """The cost of one step."""
        types = kinds(program.body)
        passes = backward = 0
        saved: set[str] = set()
        for combine in program.combines:
            forward, back, factors = self._sum(program, combine, types)
            passes, backward, saved = passes + forward, backward + back, saved | factors
        used: Counter[str] = Counter()
        for instruction in program.body:
            used.update(uses(instruction))
        backward += used.total() - len(used)
        evaluated = {i.source for i in program.body if isinstance(i, Evaluate)}
        live = live_at_calls(program)
        return Cost(program.calls, passes, max(live, default=1), backward, len(saved - evaluated), sum(live))

    def _sum(self, program: Program, combine: Combine, types: Mapping[str, Kind]) -> tuple[int, int, set[str]]:
        """Passes forward and backward of one sum, and the values that it keeps for the latter."""
        read = [types[combine.target], *(types[value] for value in combine.values)]
        known = self._known.get(id(combine))  # which is its own as long as it is kept here
        if known is None or known[1] != read:
            self._known[id(combine)] = known = (combine, read, _sum_cost(program, combine, types))
        return known[2]


def _sum_cost(program: Program, combine: Combine, types: Mapping[str, Kind]) -> tuple[int, int, set[str]]:
    passes = backward = 0
    saved: set[str] = set()
    for kernel in plan(program, combine, types):
        match kernel:
            case Copy():
                continue
            case Lerp():
                backward += 2
            case Scale(value, factor) | Add(value, factor):
                backward += not is_one(program, factor)
                if not is_number(program, factor):
                    backward += 1  # the derivative by the factor
                    saved.add(value)
        passes += 1
    return passes, backward, saved


def live_at_calls(program: Program) -> list[int]:
    """For every call of F, how many values exist while it runs: its argument and what is needed afterwards."""
    last = {name: i for i, instruction in enumerate(program.body) for name in uses(instruction)}
    ends = Counter(last.values())
    alive, counts = 1, []
    for i, instruction in enumerate(program.body):
        alive -= ends[i - 1]
        if isinstance(instruction, Evaluate):
            counts.append(alive)
        alive += target(instruction) is not None
    return counts
