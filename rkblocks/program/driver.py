"""The run of the passes, the proof after each of them, and the choice between the forms of one method."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from rkblocks.exact.field import Element
from rkblocks.exact.work import PART, budget
from rkblocks.forms import Method, canonical_shu_osher, reduce
from rkblocks.program.construction import error_weights, from_butcher, from_shu_osher, from_williamson
from rkblocks.program.cost import Cost, cost
from rkblocks.program.ir import Program, uses
from rkblocks.program.meaning import weighted_method
from rkblocks.program.passes import PASSES
from rkblocks.program.well_formed import InvalidProgram, validated
from rkblocks.tableau import Tableau


@dataclass(frozen=True)
class Compiled:
    """The program after one pass, and what it costs; ``ended`` where the pass had tried all that its budget allows."""

    name: str
    program: Program
    cost: Cost
    ended: bool = False


def run(program: Program) -> tuple[Compiled, ...]:
    """The program as lowered and after every pass, each verified to be well formed and to compute the same method.

    Raises:
        InvalidProgram: if a pass breaks a rule or changes the method.
    """
    steps = [Compiled("lower", validated(program), cost(program))]
    meant = _reduced(program)
    for run_pass in PASSES:
        with budget(PART) as work:
            program = validated(run_pass(program))
        if _reduced(program) != meant:
            raise InvalidProgram(f"{run_pass.__name__} changes the method")
        steps.append(Compiled(run_pass.__name__, program, cost(program), ended=work.spent > work.limit))
    return tuple(steps)


def _reduced(program: Program) -> list[tuple[object, object]]:
    """What the program computes: the method of its result, and that of its error estimate."""
    reductions = [reduce(Method(program.field, *weighted_method(program, value))) for value in uses(program.body[-1])]
    return [(reduction.A, reduction.b) for reduction in reductions]


def candidates(
    tableau: Tableau, *, dt: Fraction | None, time: bool, ssp: Element | None, error: bool = False
) -> tuple[Program, ...]:
    """Programs as lowered from every form: as declared, canonical at the coefficient ``ssp``, Butcher, Williamson.

    Where the rows of a family's alpha do not sum to one identically, the form as declared is the only one: the others
    are the same method at the initial values alone.
    """
    found = []
    if tableau.shu_osher is not None:
        name = "Shu-Osher form as declared"
        found.append(from_shu_osher(tableau, tableau.shu_osher, dt=dt, time=time, name=name, error=error))
        if found[0].only_at_init:
            return tuple(found)
    if ssp and not error:  # the canonical form is one of the reduced method, without the stages that only b_hat uses
        form = canonical_shu_osher(tableau.reduced, ssp)
        name = f"canonical Shu-Osher form at {tableau.field.text(ssp)}"
        found.append(from_shu_osher(tableau, form, dt=dt, time=time, name=name))
    found.append(from_butcher(tableau, tableau.butcher_form, dt=dt, time=time, error=error))
    if not error:  # the estimate needs the slopes one by one
        low_storage = from_williamson(tableau, tableau.butcher_form, dt=dt, time=time)
        found += [] if low_storage is None else [low_storage]
    return tuple(found)


def fixed(tableau: Tableau) -> Tableau:
    """The tableau with every parameter that is not learned at its initial value."""
    values = {p.name: p.init for p in tableau.parameters if not p.learnable}
    return tableau.at(values) if values else tableau


@lru_cache(maxsize=512)
def choose(
    tableau: Tableau,
    *,
    dt: Fraction | None = Fraction(1),
    time: bool = False,
    ssp: Element | None = None,
    error: bool = False,
) -> tuple[Compiled, ...]:
    """The passes of the cheapest program of a consistent explicit method (see `cost`); among equals the form declared.

    A form in which a parameter occurs that has no effect on the method is no candidate, except where no other is left.
    """
    tableau = fixed(tableau)
    runs = [run(program) for program in candidates(tableau, dt=dt, time=time, ssp=ssp, error=error)]
    needed = min(len(steps[-1].program.parameters) for steps in runs)
    effective = [steps for steps in runs if len(steps[-1].program.parameters) == needed]
    best = min(effective, key=lambda steps: steps[-1].cost)
    validated(best[-1].program, calls=None if time else needed_calls(tableau, error=error))
    return best


def needed_calls(tableau: Tableau, *, error: bool = False) -> int:
    """How many different stages the result depends on, or the result and the error estimate."""
    if not error:
        return len(tableau.reduced.kept)
    A, weights = tableau.butcher_form.A, error_weights(tableau)
    return len({*tableau.reduced.kept, *reduce(Method(tableau.field, A, weights)).kept})
