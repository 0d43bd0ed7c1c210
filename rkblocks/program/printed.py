"""A program as text, for people: one line an instruction, exact coefficients."""

from __future__ import annotations

from collections.abc import Iterable

from rkblocks.exact.field import Element
from rkblocks.program.driver import Compiled
from rkblocks.program.ir import Combine, Evaluate, Instruction, Kind, Program, Return, Term, kinds
from rkblocks.program.python_text import comment_text


def listing(program: Program) -> str:
    """The program, one instruction a line.

    Example:
        >>> import rkblocks
        >>> print(listing(rkblocks.lower("ssp2")))
        f0 = F(x)
        u1 = x + f0
        f1 = F(u1)
        v1 = u1 + f1
        y = 1/2 x + 1/2 v1
        return y
    """
    types = kinds(program.body)
    return "\n".join(_line(program, types, instruction) for instruction in program.body)


def explanation(steps: Iterable[Compiled]) -> str:
    """The program as lowered and after every pass that changed it, each with its cost."""
    parts = []
    before = None
    for step in steps:
        if step.program.body != before or step.ended:
            title = f"{step.name} ({step.program.form})" if before is None else step.name
            title += ", ended at its budget: a cheaper program may exist" if step.ended else ""
            parts.append(f"# {title}: {step.cost.text()}\n{listing(step.program)}\n")
        before = step.program.body
    return "\n".join(parts)


def _line(program: Program, types: dict[str, Kind], instruction: Instruction) -> str:
    match instruction:
        case Evaluate(target, source, abscissa) if program.time:
            return f"{target} = F({source}, {_time(program, abscissa)})"
        case Evaluate(target, source):
            return f"{target} = F({source})"
        case Combine(target, terms):
            stepped = types[target] is not Kind.SLOPE
            parts = [_term(program, t, step=stepped and types[t.value] is Kind.SLOPE) for t in terms]
            return f"{target} = " + " + ".join(parts).replace("+ -", "- ")
        case Return(value, error):
            return f"return {value}" if error is None else f"return {value}, {error}"


def _time(program: Program, abscissa: Element) -> str:
    if not abscissa:
        return "t"
    text = program.field.text(abscissa)
    return "t + dt" if text == "1" else f"t + ({text}) dt" if " " in text else f"t + {text} dt"


def _term(program: Program, term: Term, *, step: bool) -> str:
    field = program.field
    value = f"dt {term.value}" if step and program.dt != 1 else term.value
    if not term.coefficient - field.one:
        return value
    if not term.coefficient + field.one:
        return f"-{value}"
    text = comment_text(field, term.coefficient)
    return f"({text}) {value}" if " " in text else f"{text} {value}"
