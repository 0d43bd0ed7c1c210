"""A tableau's two forms as programs, written down as they are: zeros, copies and unused stages included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from rkblocks.exact.field import Element
from rkblocks.forms import Butcher, Row, ShuOsher
from rkblocks.program.ir import ERROR, INPUT, Combine, Evaluate, Instruction, Kind, Program, Return, Term, kinds
from rkblocks.tableau import Tableau


def from_butcher(tableau: Tableau, form: Butcher, *, dt: Fraction | None, time: bool, error: bool = False) -> Program:
    """The program that computes every stage as ``u_i = x + dt sum A[i][j] f_j`` and returns ``x + dt sum b[j] f_j``.

    With ``error`` it returns the estimate ``dt sum (b[j] - b_hat[j]) f_j`` as well.
    """
    one = tableau.field.one
    body: list[Instruction] = []

    def state(target: str, row: Iterable[Element]) -> Combine:
        return Combine(target, (Term(one, INPUT), *(Term(a, f"f{j}") for j, a in enumerate(row))))

    for i, row in enumerate(form.A):
        body += [state(f"u{i}", row[:i]), Evaluate(f"f{i}", f"u{i}", tableau.abscissae[i])]
    body += [state("y", form.b), *_end("y", tableau, error)]
    return _program(tableau, body, dt, time, "Butcher form")


def from_shu_osher(
    tableau: Tableau, form: ShuOsher, *, dt: Fraction | None, time: bool, name: str, error: bool = False
) -> Program:
    """The program ``u_i = sum alpha[i][k] u_k + dt beta[i][k] f_k``, returning u_m (Kim et al. 2020, eq. 4).

    With ``error`` it returns ``dt sum (b[j] - b_hat[j]) f_j`` as well; the form must have the stages of the tableau.
    """
    body: list[Instruction] = []
    states = [INPUT]
    abscissae = _abscissae(tableau, form)
    for i, (alpha, beta) in enumerate(zip(form.alpha, form.beta, strict=True)):
        body.append(Evaluate(f"f{i}", states[i], abscissae[i]))
        means = [Term(a, states[k]) for k, a in enumerate(alpha)]
        steps = [Term(b, f"f{k}") for k, b in enumerate(beta)]
        states.append(f"u{i + 1}")
        body.append(Combine(states[-1], (*means, *steps)))
    body += _end(states[-1], tableau, error)
    return _program(tableau, body, dt, time, name)


def from_williamson(tableau: Tableau, form: Butcher, *, dt: Fraction | None, time: bool) -> Program | None:
    """The program that carries one sum of slopes along, ``s_i = f_i + a_i s_(i-1)`` and ``u_(i+1) = u_i + dt b_i s_i``.

    That is the 2N form (Williamson 1980, J. Comput. Phys. 35): two passes a stage, two registers.  None for a method
    that has none, and for families, where b_i could vanish inside the domain.
    """
    field = tableau.field
    rows = (*form.A, form.b)
    body: list[Instruction] = []
    state, slope = INPUT, ""
    carried: Row = ()
    for i in range(len(form.b)):
        change = [rows[i + 1][j] - (rows[i][j] if j < i else field.zero) for j in range(i + 1)]
        step = change[i]
        if tableau.parameters or not step:
            return None
        kept = change[i - 1] / step if i else field.zero
        if any(c - step * kept * s for c, s in zip(change, carried, strict=False)):
            return None
        carried = (*(kept * s for s in carried), field.one)
        body.append(Evaluate(f"f{i}", state, tableau.abscissae[i]))
        if kept:
            body.append(Combine(f"s{i}", (Term(field.one, f"f{i}"), Term(kept, slope))))
        slope = f"s{i}" if kept else f"f{i}"
        body.append(Combine(f"u{i + 1}", (Term(field.one, state), Term(step, slope))))
        state = f"u{i + 1}"
    return _program(tableau, [*body, Return(state)], dt, time, "Williamson's 2N form")


def _end(result: str, tableau: Tableau, error: bool) -> list[Instruction]:
    if not error:
        return [Return(result)]
    terms = (Term(weight, f"f{j}") for j, weight in enumerate(error_weights(tableau)))
    return [Combine(ERROR, tuple(terms)), Return(result, ERROR)]


def error_weights(tableau: Tableau) -> Row:
    """``b - b_hat`` of an embedded method."""
    form = tableau.butcher_form
    assert form.b_hat is not None
    return tuple(b - b_hat for b, b_hat in zip(form.b, form.b_hat, strict=True))


def _abscissae(tableau: Tableau, form: ShuOsher) -> Row:
    """The abscissae of the tableau; of a form with fewer stages (the reduced method's), those of its own row sums."""
    m = len(form.alpha)
    if len(tableau.abscissae) == m:
        return tableau.abscissae
    rows = [tableau.field.zero]
    for alpha, beta in zip(form.alpha, form.beta, strict=True):
        rows.append(sum((a * c for a, c in zip(alpha, rows, strict=True)), sum(beta, tableau.field.zero)))
    return tuple(rows[:m])


def _program(tableau: Tableau, body: list[Instruction], dt: Fraction | None, time: bool, form: str) -> Program:
    program = Program(
        tableau.field, tuple(body), tableau.parameters, dt=dt, time=time, tolerance=tableau.tolerance, form=form
    )
    return with_used_parameters(replace(program, only_at_init=_varying_weights(program)))


def _varying_weights(program: Program) -> bool:
    """Whether the weights of some state sum to something that depends on parameters."""
    types, field = kinds(program.body), program.field
    sums = (
        sum((t.coefficient for t in combine.terms if types[t.value] is Kind.STATE), field.zero)
        for combine in program.combines
    )
    return any(field.free_parameters(total) for total in sums)


def with_used_parameters(program: Program) -> Program:
    """The program with only those parameters declared that occur in its coefficients."""
    found = {name for number in program.numbers for name in program.field.free_parameters(number)}
    return replace(program, parameters=tuple(p for p in program.parameters if p.name in found))
