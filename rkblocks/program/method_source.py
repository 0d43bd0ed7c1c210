"""A step as the source of a method of a torch module: its head, its learnable coefficients, its statements."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from rkblocks.program.domains import Domain, domain
from rkblocks.program.ir import Program
from rkblocks.program.python_text import local_names
from rkblocks.program.step_source import Call, residual_call, step_lines

STEP_DOMAIN = "dt"
"""The name under which a learned step size is stored."""


def domains(program: Program, dt: Fraction | None = None) -> dict[str, Domain]:
    """The domains of the learnable coefficients of a program by name, and of dt where it is learned from that start."""
    found = {p.name: domain(program.field, p) for p in program.parameters}
    return found if dt is None else found | {STEP_DOMAIN: Domain(Fraction(0), None, dt)}


def method_source(
    program: Program, learned: Mapping[str, Domain], name: str = "forward", call: Call = residual_call
) -> str:
    """The source of the method, not indented; it reads ``self.residual`` and ``self.raw``."""
    time = ", t: float | Tensor = 0.0" if program.time else ""
    names = {STEP_DOMAIN: STEP_DOMAIN} | local_names(program.field.parameters)
    lines = [
        f'{names[key]} = {interval.source(f"""self.raw["{key}"].squeeze()""")}  # in {interval.text()}'
        for key, interval in learned.items()
    ]
    body = [*lines, *step_lines(program, call)]
    result = "Tensor" if program.error is None else "tuple[Tensor, Tensor]"
    return "\n".join([f"def {name}(self, x: Tensor{time}) -> {result}:", *(f"    {line}" for line in body), ""])
