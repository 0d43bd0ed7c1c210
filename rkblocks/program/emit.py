"""A scheme as a stand-alone Python module: one class that needs torch and nothing else."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from fractions import Fraction

from rkblocks.program.domains import Domain
from rkblocks.program.facts import Facts
from rkblocks.program.interpret import interpret
from rkblocks.program.ir import Program
from rkblocks.program.lower import Source, lower, proved, step_size, tableau_of
from rkblocks.program.method_source import domains, method_source
from rkblocks.program.step_source import MEAN, needs_mean
from rkblocks.tableau import Tableau

_WIDTH = 120


def emit(source: Source, *, dt: float | Fraction = 1, time: bool = False, class_name: str | None = None) -> str:
    """The text of a Python module with one class: one step of the scheme around a residual.

    Args:
        source: a tableau, or the name or path of one.
        dt: the step size, fixed in the text.
        time: whether the residual takes the time, F(x, t).
        class_name: the name of the class; made from that of the scheme where left out.

    Raises:
        TableauError: for what is no consistent explicit method, with the diagnostics of `check`.
        RkblocksError: RK501 for a step size that is not positive.
    """
    tableau = tableau_of(source)
    found = proved(tableau)
    size = step_size(dt)
    program = lower(tableau, dt=size, time=time)
    learned = domains(program)
    name = class_name or class_name_of(tableau.name)
    parts = [
        _header(tableau, found, program),
        "import torch\nfrom torch import Tensor, nn\n",
        *([f"\n{MEAN}"] if needs_mean(program) else []),
        f"\n{_class(name, tableau, found, program, learned)}",
        f"\n{_self_check(name, tableau, program)}",
    ]
    return "\n".join(parts)


def class_name_of(name: str) -> str:
    """``Ssp3Block`` for ``ssp3``: the words of the name, capitalised."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    joined = "".join(word[0].upper() + word[1:] for word in words)
    return f"{joined if joined[:1].isalpha() else 'Rk' + joined}Block"


def _header(tableau: Tableau, found: Facts, program: Program) -> str:
    title = _plain(f"{tableau.name}: {tableau.title}" if tableau.title else tableau.name)
    start = " at the start of training" if found.at_init else ""
    rows = [
        ("calls of F", str(program.calls)),
        ("order", f"{found.order}{start}"),
        ("SSP", f"{found.ssp} (optimal{start})"),
        ("", f"{found.declared} (as declared)"),
        ("growth", f"{found.growth}{start} (of the variance in one step, Kim et al. 2020, Lemma 3)"),
        ("tableau", f"sha256 {tableau.digest}"),
        *(("reference", reference) for reference in tableau.references),
    ]
    lines = [*_wrapped(title, ""), ""]
    for key, text in rows:
        lines += _wrapped(_plain(text), f"{key:<12}")
    lines += [
        "",
        f"Written by rkblocks (`rkblocks compile {_plain(tableau.name)}`), which proved these figures exactly.",
    ]
    return '"""' + "\n".join(lines) + '\n"""\n'


def _class(name: str, tableau: Tableau, found: Facts, program: Program, learned: Mapping[str, Domain]) -> str:
    count = {1: "once", 2: "twice"}.get(program.calls, f"{program.calls} times")
    step = "" if program.dt == 1 else f", step size dt = {float(program.dt or 1)!r}"
    arguments = "F(x, t)" if program.time else "F(x)"
    description = [
        f"One step of {_plain(tableau.title or tableau.name)}{step}; the residual {arguments} is called {count}.",
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
    doc = [*_wrapped(description[0], "", indent=4)]
    for note in notes:
        doc += ["", *_wrapped(note, "", indent=4)]
    if len(doc) == 1 and len(doc[0]) + 10 <= _WIDTH:
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
            f'        self.raw["{key}"] = nn.Parameter(torch.tensor({d.raw!r}))  # {key} = {float(d.init)!r}'
            for key, d in learned.items()
        ]
    label = f"{tableau.name}, {program.calls} stages, {found.label}"
    lines += [
        "",
        textwrap.indent(method_source(program, learned), "    ").rstrip(),
        "",
        "    def extra_repr(self) -> str:",
        *_string_return(_plain(label)),
        "",
    ]
    return "\n".join(lines)


def _string_return(text: str) -> list[str]:
    quoted = f'        return "{text}"'
    if len(quoted) <= _WIDTH:
        return [quoted]
    pieces = textwrap.wrap(text, _WIDTH - 16, drop_whitespace=False)
    return ["        return (", *(f'            "{piece}"' for piece in pieces), "        )"]


def _self_check(name: str, tableau: Tableau, program: Program) -> str:
    """Runs one step of x' = -x from x = 1, whose exact result is the stability polynomial at -dt."""
    field = program.field.constants

    def decay(x: Fraction, t: object = None) -> Fraction:
        return -x

    exact = interpret(
        program,
        decay,
        field.one,
        {p.name: p.init for p in program.parameters},
        t=field.zero,
        number=lambda a: a,
    )
    expected = field.to_float(exact)
    f = "Decay()"
    time = ", t: float | Tensor" if program.time else ""
    return "\n".join(
        [
            'if __name__ == "__main__":',
            "",
            f"    class {f[:-2]}(nn.Module):",
            f"        def forward(self, x: Tensor{time}) -> Tensor:",
            "            return -x",
            "",
            f"    result = {name}({f}).double()(torch.ones(1, dtype=torch.float64)).item()",
            f"    assert abs(result - {expected!r}) < 1e-6, result",
            f'    print("{_plain(tableau.name)}: one step of dx/dt = -x gives", result)',
            "",
        ]
    )


def _wrapped(text: str, key: str, indent: int = 0) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH - indent - 3,
        initial_indent=key,
        subsequent_indent=" " * len(key),
        break_long_words=False,
        break_on_hyphens=False,
    ) or [key.rstrip()]


def _plain(text: str) -> str:
    """Text from a tableau file that is safe inside a string literal: one line, no quotes, no backslashes."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())
