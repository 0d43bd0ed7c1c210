"""A scheme as a stand-alone Python module: one class that needs torch and nothing else."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from fractions import Fraction
from keyword import iskeyword
from typing import Any

from rkblocks.diagnostics import fail
from rkblocks.escape import count
from rkblocks.program.domains import Domain
from rkblocks.program.function_source import function_source
from rkblocks.program.header import WIDTH, header, plain, wrapped
from rkblocks.program.interpret import decayed
from rkblocks.program.ir import Program
from rkblocks.program.lower import Source, lower, proved, step_size, tableau_of
from rkblocks.program.python_text import literal
from rkblocks.program.rounding import check_start
from rkblocks.program.scheme_summary import Summary
from rkblocks.program.step_source import MEAN, domains, method_source, needs_mean
from rkblocks.tableau import Tableau


def emit(
    source: Source,
    *,
    dt: float | Fraction = 1,
    time: bool = False,
    error: bool = False,
    class_name: str | None = None,
    target: str = "torch",
) -> str:
    """The text of a stand-alone Python module: for torch a class, one step of the scheme around a residual.

    Args:
        source: a tableau, or the name or path of one.
        dt: the step size, fixed in the text.
        time: whether the residual takes the time, F(x, t).
        error: whether the step returns (result, error estimate), for an embedded method.
        class_name: the name of the class; made from that of the scheme where left out.
        target: "torch"; "numpy" or "jax" for functions `step` and `integrate` that take dt, by default the one given.

    Raises:
        TableauError: for what is no consistent explicit method, with the diagnostics of `check`.
        RkblocksError: RK501 for a step size that is not positive, RK507 for a method that estimates no error, RK520 for
            a coefficient beyond every double, RK522 for a class name that is none, RK523 for an unknown target, or a
            class name for one without classes.
    """
    tableau = tableau_of(source)
    found = proved(tableau)
    size = step_size(dt)
    if target != "torch":
        if class_name is not None:
            fail("RK523", f"target {target} has no class to be called {class_name}", help="leave class_name out")
        program = lower(tableau, dt=None, time=time, error=error)
        check_start(tableau.name, program, domains(program))
        return function_source(tableau, found, program, target, size)
    program = lower(tableau, dt=size, time=time, error=error)
    learned = domains(program)
    check_start(tableau.name, program, learned)
    name = class_name_of(tableau.name) if class_name is None else _checked(class_name)
    parts = [
        header(tableau, found, program),
        "import torch\nfrom torch import Tensor, nn\n",
        *([f"\n{MEAN}"] if needs_mean(program) else []),
        f"\n{_class(name, tableau, found, program, learned)}",
        f"\n{_self_check(name, tableau, program)}",
    ]
    return "\n".join(parts)


def _checked(name: Any) -> str:
    """The name of a class, as it was given.  RK522 for what Python does not take as one."""
    if isinstance(name, str) and name.isidentifier() and not iskeyword(name) and name not in _TAKEN:
        return name
    return fail(
        "RK522", f"{name!r} is no name for the emitted class", help='a word such as "Ssp3Block", of letters first'
    )


_TAKEN = ("torch", "nn", "Tensor", "mean", "Decay", "result", "error")
"""Names that an emitted module gives to other things."""


def class_name_of(name: str) -> str:
    """``Ssp3Block`` for ``ssp3``: the words of the name, capitalised."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    joined = "".join(word[0].upper() + word[1:] for word in words)
    return f"{joined if joined[:1].isalpha() else 'Rk' + joined}Block"


def _class(name: str, tableau: Tableau, found: Summary, program: Program, learned: Mapping[str, Domain]) -> str:
    often = {1: "once", 2: "twice"}.get(program.calls, f"{program.calls} times")
    step = "" if program.dt == 1 else f", step size dt = {float(program.dt or 1)!r}"
    arguments = "F(x, t)" if program.time else "F(x)"
    description = [
        f"One step of {plain(f'{tableau.name} ({tableau.title})' if tableau.title else tableau.name)}{step}. "
        f"It calls the residual {arguments} {often}.",
    ]
    notes = []
    if program.calls > 1:
        notes.append(
            f"Batch normalisation inside the residual sees {program.calls} stages a step and keeps one set of running "
            "statistics for all; rkblocks.build keeps one for each."
        )
    if learned:
        notes.append("Keep the entries of raw out of weight decay: it would pull the scheme towards another one.")
    if found.at_init:
        notes.append(
            "Its coefficients are free: they make a consistent method at the start of training, and learning may lead "
            "away from it (code RK320)."
        )
    if program.time and found.free_c:
        notes.append("Its c is not the row sums of A (code RK311): the order is that for residuals without time.")
    if program.error:
        notes.append(
            f"It returns (y, error): error = y - y_hat, where y_hat is the step of the embedded method of order "
            f"{found.embedded}."
        )
    doc = [*wrapped(description[0], "", indent=4)]
    for note in notes:
        doc += ["", *wrapped(note, "", indent=4)]
    if len(doc) == 1 and len(doc[0]) + 10 <= WIDTH:
        docstring = f'    """{doc[0]}"""'
    else:
        docstring = (
            '    """' + "\n".join(f"    {line}" if line and i else line for i, line in enumerate(doc)) + '\n    """'
        )
    lines = [
        f"class {name}(nn.Module):",
        docstring,
        "",
        "    def __init__(self, residual: nn.Module) -> None:",
        "        super().__init__()",
        "        self.residual = residual",
    ]
    if learned:
        lines.append("        self.raw = nn.ParameterDict()")
        lines += [
            f'        self.raw["{key}"] = nn.Parameter(torch.tensor([{d.raw!r}]))  # {key} = {float(d.init)!r}'
            for key, d in learned.items()
        ]
        lines += ["", *LOADING]
    label = f"{tableau.name}, {count(program.calls, 'stage')}, {found.label}"
    lines += [
        "",
        textwrap.indent(method_source(program, learned), "    ").rstrip(),
        "",
        "    def extra_repr(self) -> str:",
        *_string_return(plain(label)),
        "",
    ]
    return "\n".join(lines)


LOADING = (
    "    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *rest: object) -> None:",
    "        for name, value in state_dict.items():  # of before, when raw coefficients had no dimension",
    '            if name.startswith(f"{prefix}raw."):',
    "                state_dict[name] = value.reshape(1)",
    "        super()._load_from_state_dict(state_dict, prefix, *rest)",
)
"""The method of an emitted class with raw coefficients by which it loads the states of earlier ones."""


def _string_return(text: str) -> list[str]:
    quoted = f'        return "{text}"'
    if len(quoted) <= WIDTH:
        return [quoted]
    fits = len(text) <= WIDTH - 14  # formatters join what fits on one line
    pieces = [text] if fits else textwrap.wrap(text, WIDTH - 16, drop_whitespace=False)
    return ["        return (", *(f'            "{piece}"' for piece in pieces), "        )"]


def _self_check(name: str, tableau: Tableau, program: Program) -> str:
    """Runs one step of x' = -x from x = 1, whose exact result is the stability polynomial at -dt."""
    values = decayed(program)
    names = ["result", "error"][: len(values)]
    time = ", t: float | Tensor" if program.time else ""
    step = f"{name}(Decay()).double()(torch.ones(1, dtype=torch.float64))"
    run = f"result, error = (v.item() for v in {step})" if program.error else f"result = {step}.item()"
    return "\n".join(
        [
            'if __name__ == "__main__":',
            "",
            "    class Decay(nn.Module):",
            f"        def forward(self, x: Tensor{time}) -> Tensor:",
            "            return -x",
            "",
            f"    {run}",
            *(f"    assert abs({n} - {literal(v)}) < 1e-6, {n}" for n, v in zip(names, values, strict=True)),
            f'    print("{plain(tableau.name)}: one step of dx/dt = -x gives", {", ".join(names)})',
            "",
        ]
    )
