"""Whether a program can run where its parameters start: no coefficient overflows, no start is a bound, by precision.

A coefficient such as 1/(2*b) is finite at every b of its domain, and yet not in single precision where b is 1e-300.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from rkblocks.diagnostics import Diagnostic, RkblocksError, diagnostic
from rkblocks.exact.field import Element
from rkblocks.program.domains import Domain
from rkblocks.program.ir import Kind, Program, kinds
from rkblocks.program.rounding import BFLOAT16, DOUBLE, SINGLE, Format

HALF = Format("float16", 11, -14)
FORMATS = (DOUBLE, SINGLE, BFLOAT16, HALF)


@dataclass(frozen=True)
class UnfitStart:
    """What is wrong by the name of a format: where learned coefficients are ``stored`` in it, where a step ``runs``."""

    stored: Mapping[str, Diagnostic]
    runs: Mapping[str, Diagnostic]


def check_start(name: str, program: Program, learned: Mapping[str, Domain]) -> None:
    """Return nothing for a program, of the scheme ``name``, that runs in doubles.  Raises what `unfit` says of them."""
    found = unfit(name, program, learned)
    for problems in (found.stored, found.runs):
        if DOUBLE.name in problems:
            raise RkblocksError((problems[DOUBLE.name],))


def unfit(name: str, program: Program, learned: Mapping[str, Domain]) -> UnfitStart:
    """The formats that cannot hold a program, of the scheme ``name``, with these learned coefficients, at their start.

    RK519 for a learned coefficient that the format cannot tell from an end of its domain: there the smooth map is flat,
    so that it would never move.  RK520 for a coefficient beyond the largest number of the format.
    """
    most = largest(program, learned)
    runs = {form.name: _overflow(name, most, form) for form in FORMATS if most > form.largest}
    stored: dict[str, Diagnostic] = {}
    for key, domain in learned.items():
        for end in (end for end in (domain.low, domain.high) if end is not None):
            for form in FORMATS:
                if form.nearest(domain.init) == form.nearest(end):
                    distance = float(abs(domain.init - end))
                    stored[form.name] = diagnostic(
                        "RK519",
                        f"{key} of {name} starts {distance:.3g} from the end {end} of its domain, and {form.name} "
                        "holds no number between them",
                        help="start further inside; build(..., dtype=torch.float64) stores it in double precision",
                    )
    return UnfitStart(stored, runs)


def _overflow(name: str, most: float, form: Format) -> Diagnostic:
    return diagnostic(
        "RK520",
        f"a coefficient of {name} is {most:.6g} at the start, {form.name} ends at {form.largest:.6g}",
        help="start the parameters further from the bounds, take a smaller dt, or run it in torch.float64",
    )


def largest(program: Program, learned: Mapping[str, Domain] | None = None) -> float:
    """The largest coefficient of the program's sums by size, dt multiplied in, at the start of its parameters.

    A dt that the program does not fix is that of ``learned``, else 1; infinity stands for what no double holds.
    """
    types = kinds(program.body)
    start = learned["dt"].init if learned and "dt" in learned else Fraction(1)
    dt = start if program.dt is None else program.dt
    sizes = {True: 0.0, False: 0.0}  # of coefficients that dt multiplies, and of the others
    for combine in program.combines:
        for term in combine.terms:
            by_step = types[combine.target] is not Kind.SLOPE and types[term.value] is Kind.SLOPE
            sizes[by_step] = max(sizes[by_step], abs(_at_start(program, term.coefficient)))
    return max(sizes[True] * float(dt), sizes[False])


def _at_start(program: Program, number: Element) -> float:
    field = program.field
    start = {p.name: p.init for p in program.parameters}
    try:
        if not field.free_parameters(number):
            return field.to_float(number)
        return field.without(start).to_float(field.substitute(number, start))
    except OverflowError:
        return float("inf")
