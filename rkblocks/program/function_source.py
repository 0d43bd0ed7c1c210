"""A scheme as a stand-alone module of functions for arrays: `step` and `integrate`, for numpy or jax.

    def step(f, x, dt=1.0):
        f0 = f(x)
        u1 = x + dt * f0
        f1 = f(u1)
        s1 = f1 - f0
        return u1 + 0.5 * dt * s1

The same program as that of a torch block, printed for arrays: the step size is handed in, coefficients are doubles with
the exact sum in a comment where they are not exact, and x may be anything that adds and multiplies.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from rkblocks.diagnostics import fail
from rkblocks.exact.field import Element
from rkblocks.program.header import header, plain, wrapped
from rkblocks.program.interpret import decayed
from rkblocks.program.ir import INPUT, Combine, Evaluate, Kind, Program, Return, Term, kinds
from rkblocks.program.python_text import Coefficients, comment_text, literal, local_names, number_text
from rkblocks.program.scheme_summary import Summary
from rkblocks.tableau import Tableau

WIDTH = 120
CLOSE = "1e-9"
"""What the self-check allows: some schemes have coefficients of hundreds."""


@dataclass(frozen=True)
class Target:
    """What differs between the libraries: imports, the loop over the steps, and how the self-check makes an array."""

    imports: str
    loop: tuple[str, ...]
    check: tuple[str, ...]
    array: str


TARGETS = {
    "numpy": Target(
        imports="import numpy as np\n",
        loop=("for {i} in range(steps):", "    x = {step}", "return x"),
        check=(),
        array="np.ones(1)",
    ),
    "jax": Target(
        imports="import jax\nimport jax.numpy as jnp\n",
        loop=("return jax.lax.fori_loop(0, steps, lambda {i}, x: {step}, x)",),
        check=('jax.config.update("jax_enable_x64", True)',),
        array="jnp.ones(1)",
    ),
}
"""The libraries beside torch, by the name that `--target` takes."""


def function_source(tableau: Tableau, found: Summary, program: Program, target: str, dt: Fraction) -> str:
    """The text of the module.

    Args:
        tableau, found: the scheme and the figures of the header.
        program: one step with its step size handed in (``dt`` None).
        target: "numpy" or "jax".
        dt: the step size that the functions take where none is given.

    Raises RkblocksError: RK523 for another target.
    """
    if target not in TARGETS:
        fail("RK523", f"{target!r} is no target", help=f"torch, {' or '.join(TARGETS)}")
    chosen = TARGETS[target]
    parts = [
        header(tableau, found, program, target),
        chosen.imports,
        f"\n{_step(tableau, found, program, dt)}",
        f"\n{_integrate(program, chosen, dt)}",
        f"\n{_self_check(tableau, program, chosen)}",
    ]
    return "\n".join(parts)


def _arguments(program: Program, dt: Fraction, *, values: bool = True) -> str:
    """The arguments after x: dt, t where F takes the time, the parameters; with ``values`` what they are by default."""
    field = program.field.constants
    given = {"dt": literal(float(dt))} | ({"t": "0.0"} if program.time else {})
    names = local_names(program.field.parameters)
    given |= {names[p.name]: number_text(field, p.init) for p in program.parameters}
    return ", ".join(f"{name}={value if values else name}" for name, value in given.items())


def _step(tableau: Tableau, found: Summary, program: Program, dt: Fraction) -> str:
    often = {1: "once", 2: "twice"}.get(program.calls, f"{program.calls} times")
    name = plain(f"{tableau.name} ({tableau.title})" if tableau.title else tableau.name)
    doc = [f"One step of {name} from x: the state at dt later.", ""]
    doc += wrapped(f"f(x{', t' if program.time else ''}) is called {often}.", "", indent=4)
    if program.time and found.free_c:
        doc += wrapped("Its c is not the row sums of A (RK311): the order is that for f without time.", "", indent=4)
    if program.error:
        doc += wrapped(
            f"Returned are (y, error): error = y - y_hat, where y_hat is the step of the embedded method of order "
            f"{found.embedded}.",
            "",
            indent=4,
        )
    body = _Printer(program).lines()
    return "\n".join(
        [f"def step(f, x, {_arguments(program, dt)}):", *_docstring(doc), *(f"    {line}" for line in body), ""]
    )


def _docstring(doc: list[str]) -> list[str]:
    lines = ['    """' + doc[0], *(f"    {line}" if line else "" for line in doc[1:]), '    """']
    return [line for i, line in enumerate(lines) if line or i]


def _integrate(program: Program, target: Target, dt: Fraction) -> str:
    arguments = _arguments(program, dt, values=False).replace("t=t", "t=t + i * dt").replace("dt=t + i * dt", "dt=dt")
    step = f"step(f, x, {arguments})" + ("[0]" if program.error else "")
    lines = [line.format(step=step, i="i" if program.time else "_") for line in target.loop]
    return "\n".join(
        [
            f"def integrate(f, x, steps, {_arguments(program, dt)}):",
            '    """The state after so many steps of size dt from x."""',
            *(f"    {line}" for line in lines),
            "",
        ]
    )


def _self_check(tableau: Tableau, program: Program, target: Target) -> str:
    """One step of x' = -x from x = 1, whose exact result is the stability polynomial at -1."""
    values = decayed(program)
    names = ["result", "error"][: len(values)]
    time = ", t" if program.time else ""
    run = f"step(lambda x{time}: -x, {target.array}, dt=1.0)"
    assign = f"result, error = (float(v[0]) for v in {run})" if program.error else f"result = float({run}[0])"
    return "\n".join(
        [
            'if __name__ == "__main__":',
            *(f"    {line}" for line in target.check),
            f"    {assign}",
            *(f"    assert abs({n} - {literal(v)}) < {CLOSE}, {n}" for n, v in zip(names, values, strict=True)),
            f'    print("{plain(tableau.name)}: one step of dx/dt = -x gives", {", ".join(names)})',
            "",
        ]
    )


class _Printer:
    """The statements of a step: sums of states first, then dt times the sum of slopes."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.types: Mapping[str, Kind] = kinds(program.body)
        self.coefficients = Coefficients(program.field, program.numbers, local_names(program.field.parameters))

    def lines(self) -> list[str]:
        """All statements, the shared parts of coefficients first; not indented."""
        found = list(self.coefficients.lines)
        for instruction in self.program.body:
            match instruction:
                case Evaluate(target, source, abscissa):
                    found.append(f"{target} = f({source}{self._time(abscissa)})")
                case Combine(target, terms):
                    found += self._sum(target, terms)
                case Return(value, None):
                    if value == INPUT:  # else its sum is returned where it is computed
                        found.append(f"return {value}")
                case Return(value, error):
                    found.append(f"return {value}, {error}")
        return found

    def _time(self, abscissa: Element) -> str:
        if not self.program.time:
            return ""
        if not abscissa:
            return ", t"
        return f", t + {self._product(Term(abscissa, 'dt'))}"

    def _sum(self, target: str, terms: tuple[Term, ...]) -> list[str]:
        stepped = self.types[target] is not Kind.SLOPE
        slopes = [t for t in terms if stepped and self.types[t.value] is Kind.SLOPE]
        states = [t for t in terms if t not in slopes]
        pieces = [self._product(t) for t in states]
        if len(slopes) == 1:
            (only,) = slopes
            pieces.append(self._product(Term(only.coefficient, "dt")) + f" * {only.value}")
        elif slopes:
            pieces.append(f"dt * ({_joined([self._product(t) for t in slopes])})")
        ends = target == self.program.result and self.program.error is None
        code = f"{'return' if ends else f'{target} ='} {_joined(pieces)}"
        if all(self._is_exact(t.coefficient) for t in terms):
            return [code]
        exact = _joined([self._exact(t, t in slopes) for t in terms])
        if len(code) + len(exact) + 8 <= WIDTH:
            return [f"{code}  # {exact}"]
        return [*textwrap.wrap(exact, WIDTH - 8, initial_indent="# ", subsequent_indent="#   "), code]

    def _is_exact(self, coefficient: Element) -> bool:
        """Whether the printed coefficient says what it is: a double that is the number, or an expression."""
        field = self.program.field
        if field.free_parameters(coefficient):
            return True
        number = field.number(coefficient)
        constants = field.constants
        return constants.is_rational(number) and constants.fraction(number) == Fraction(constants.to_float(number))

    def _product(self, term: Term) -> str:
        one = self.program.field.one
        if not term.coefficient - one:
            return term.value
        if not term.coefficient + one:
            return f"-{term.value}"
        text = self.coefficients.text(term.coefficient)
        plain_number = text.lstrip("-").replace(".", "").replace("e-", "").isalnum()
        return f"{text if plain_number else f'({text})'} * {term.value}"

    def _exact(self, term: Term, stepped: bool) -> str:
        field = self.program.field
        value = f"dt {term.value}" if stepped else term.value
        if not term.coefficient - field.one:
            return value
        if not term.coefficient + field.one:
            return f"-{value}"
        return f"{comment_text(field, term.coefficient)} {value}"


def _joined(pieces: list[str]) -> str:
    """The pieces added up; a piece that begins with a minus is subtracted."""
    first, *rest = pieces
    return first + "".join(f" - {p[1:]}" if p.startswith("-") else f" + {p}" for p in rest)
