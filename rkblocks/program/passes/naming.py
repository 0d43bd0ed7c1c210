"""The pass that names the values as the paper does; the last one."""

from __future__ import annotations

from rkblocks.program.ir import Evaluate, Kind, Program, kinds, renamed, target


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
