"""What a program means: it is run, one instruction at a time, over exact numbers or whatever adds and multiplies.

Where a block and the interpreter differ, the block is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rkblocks.diagnostics import fail
from rkblocks.exact.field import Element, Field
from rkblocks.program.ir import INPUT, Combine, Evaluate, Kind, Program, Return, kinds


def exact(field: Field) -> Callable[[Element], Any]:
    """Numbers of a field without parameters as Fraction where they are rational, else as sympy expressions."""
    return lambda a: field.fraction(a) if field.is_rational(a) else field.sympy(a)


def value(program: Program, a: Element, parameters: Mapping[str, Any], number: Callable[[Element], Any]) -> Any:
    """A coefficient at the given parameter values, as the quotient of its two polynomials."""
    field = program.field
    if not field.free_parameters(a):
        return number(field.number(a))

    def polynomial(terms: Any) -> Any:
        total: Any = 0
        for powers, coefficient in terms:
            product = number(coefficient)
            for name, power in zip(field.parameters, powers, strict=True):
                if power:
                    product = product * parameters[name] ** power
            total = total + product
        return total

    return polynomial(a.numer.terms()) / polynomial(a.denom.terms())


def interpret(
    program: Program,
    f: Callable[..., Any],
    x: Any,
    parameters: Mapping[str, Any] | None = None,
    *,
    t: Any = 0,
    dt: Any = None,
    number: Callable[[Element], Any] | None = None,
) -> Any:
    """The result of one step from x; for a program with an error estimate, the result and the estimate.

    Args:
        program: what to run.
        f: F(x), or F(x, t) for a program with time.
        x: a number, an array, a polynomial, ...: anything that the coefficients multiply and that adds.
        parameters: the value of every parameter of the program; their initial values where left out.
        t: the time at x.
        dt: the step size, for a program that does not fix its own.
        number: how a coefficient without parameters multiplies x; Fraction or sympy expression where left out.

    Raises:
        RkblocksError: RK521 for what is no program, no F, no parameter of the program, or lacks a step size.

    Example:
        >>> from fractions import Fraction
        >>> import rkblocks
        >>> interpret(rkblocks.lower(rkblocks.load("ssp3")), lambda u: -u, Fraction(1))
        Fraction(1, 3)
    """
    _check(program, f, parameters, dt)
    number = number or exact(program.field.constants)
    values = {p.name: number(p.init) for p in program.parameters} | dict(parameters or {})
    step = program.dt if program.dt is not None else dt
    if program.dt is not None:
        step = number(program.field.constants.rational(program.dt))
    types = kinds(program.body)
    known = {INPUT: x}
    for instruction in program.body:
        match instruction:
            case Evaluate(target, source, abscissa) if program.time:
                known[target] = f(known[source], t + value(program, abscissa, values, number) * step)
            case Evaluate(target, source, _):
                known[target] = f(known[source])
            case Combine(target, terms):
                total: Any = None
                for term in terms:
                    product = known[term.value] * value(program, term.coefficient, values, number)
                    if types[target] is not Kind.SLOPE and types[term.value] is Kind.SLOPE:
                        product = product * step
                    total = product if total is None else total + product
                known[target] = total
            case Return(result, error):
                return known[result] if error is None else (known[result], known[error])
    raise AssertionError("a well-formed program returns")


def decayed(program: Program) -> tuple[float, ...]:
    """One step of x' = -x from x = 1 at the initial values, computed exactly: the result, and the error estimate.

    A program that takes its step size at run time is given 1.
    """
    field = program.field.constants

    def decay(x: Any, t: Any = None) -> Any:
        return -x

    start = {p.name: p.init for p in program.parameters}
    dt = field.one if program.dt is None else None
    found = interpret(program, decay, field.one, start, t=field.zero, dt=dt, number=lambda a: a)
    return tuple(field.to_float(value) for value in (found if program.error else (found,)))


def _check(program: Any, f: Any, parameters: Any, dt: Any) -> None:
    """RK521 for arguments that no step can be run with."""
    if not isinstance(program, Program):
        found = type(program).__name__
        fail(
            "RK521", f"a {found} is no program", help='rkblocks.lower makes one: interpret(rkblocks.lower("ssp3"), ...)'
        )
    if not callable(f):
        fail("RK521", f"F is {f!r}, expected a function of x", help="for example lambda u: -u")
    if parameters is not None and not isinstance(parameters, Mapping):
        fail("RK521", f"the parameters are a {type(parameters).__name__}, expected a dict", help='{"beta10": 0.75}')
    declared = [p.name for p in program.parameters]
    unknown = sorted(set(parameters or {}) - set(declared), key=str)
    if unknown:
        known = f"it has {', '.join(declared)}" if declared else "it has none"
        help = "parameters that are fixed, or do not change the method, are no parameters of its program"
        fail("RK521", f"{unknown[0]!r} is no parameter of the program; {known}", help=help)
    if program.dt is None and dt is None:
        fail("RK521", "the program takes its step size at run time, and none is given", help="interpret(..., dt=0.5)")
