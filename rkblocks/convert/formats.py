"""The formats that `rkblocks convert` reads: what each is, how it is recognised, and the function that reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rkblocks.convert import layout
from rkblocks.convert.found import Table
from rkblocks.convert.languages import JULIA, MATLAB, C
from rkblocks.convert.named_arrays import named_arrays
from rkblocks.convert.script import python, statements
from rkblocks.diagnostics import fail


@dataclass(frozen=True)
class Format:
    """`signs` are patterns; the first format of the list of which one occurs is taken."""

    name: str
    what: str
    signs: tuple[str, ...]
    read: Callable[[str], list[Table]]


FORMATS = (
    Format(
        "sundials",
        "ARKodeButcherTable in C",
        (r"\bARK_BUTCHER_TABLE\b", r"\bARKodeButcherTable_Alloc\b", r"\b(?:SUN_)?RCONST *\("),
        partial(statements, dialect=C),
    ),
    Format("rk-opt", "the files that RK-Opt writes", (r"^#stage\s+order",), named_arrays),
    Format("octave", "text files of Octave: save -text", (r"^# name: ",), named_arrays),
    Format("nodepy", "what nodepy prints of a method", (r"^_+\|_+[ \t\r]*$",), layout.nodepy),
    Format(
        "c",
        "initialised arrays: double A[2][2] = {{0.0, 0.0}, {1.0, 0.0}};",
        (r"\w[ \t]*\][ \t]*=\s*\{",),
        partial(statements, dialect=C),
    ),
    Format(
        "julia",
        "arrays or constants, as in OrdinaryDiffEq.jl",
        (
            r"[0-9)] *//\s*[-(0-9Bb]",
            r"\bconvert\(\s*T",
            r'\bbig"',
            r"^[ \t]*[abαβ]\w*[0-9] *= *T\(",
            r"^[ \t]*(?:@\w+ +)?function \w+\([^)\n]*::",
        ),
        partial(statements, dialect=JULIA),
    ),
    Format(
        "python",
        "arrays, nodepy's classes, rkblocks.tableau( )",
        (
            r"^[ \t]*(?:import \w|from [\w.]+ import|def \w)",
            r"\barray\(",
            r"RungeKutta\w*\(",
            r"\[\s*\[",
            r"\b(?:Rational|Fraction|tableau)\(",
            r"<nodepy\.",
        ),
        python,
    ),
    Format("latex", "array or tabular", (r"\\begin\{(?:array|tabular)",), layout.latex),
    Format(
        "printed",
        "A = and rows below, as SUNDIALS and MATLAB print",
        (r"^[ \t]*A[ \t]*=?[ \t\r]*$",),
        named_arrays,
    ),
    Format(
        "matlab",
        "A = [0 0; 1 0], or constants a21 = 1/2",
        (r"^[ \t]*\w+[ \t]*=", r"^[ \t]*\w+\([0-9]"),
        partial(statements, dialect=MATLAB),
    ),
    Format("csv", "rows with commas, semicolons or tabs between", (r"^[^\n,;\t]*[,;\t][^\n]*[0-9]",), layout.csv),
    Format("table", "rows of numbers: c | A, a line, b", (r"^[ \t]*[-+.|0-9][^\n]*[0-9]",), layout.plain),
)
"""In the order in which they are tried."""


def named(name: str) -> Format:
    """The format of a name.  RK380 for another."""
    found = next((one for one in FORMATS if one.name == name), None)
    if found is None:
        fail("RK380", f"{name!r} is no format", help=f"the formats are {', '.join(one.name for one in FORMATS)}")
    return found


def recognised(text: str) -> Format | None:
    """The format whose signs a text holds."""
    return next((one for one in FORMATS if any(re.search(sign, text, re.MULTILINE) for sign in one.signs)), None)
