"""The languages in which tables are written as arrays or constants; each is what differs from the others."""

from __future__ import annotations

from rkblocks.convert.found import ConversionError, Table
from rkblocks.convert.script import statements
from rkblocks.convert.tokens import Dialect

PYTHON = Dialect(
    comment=r"#[^\n]*|^>>> ",
    base=0,
    power=("**",),
    blocks=r"^[ \t]*def +(\w+)",
    sequential=True,
)
JULIA = Dialect(
    comment=r"#=[\s\S]*?=#|#[^\n]*",
    base=1,
    power=("^",),
    blocks=r"^[ \t]*(?:@\w+ +)*function +(\w+)",
    spaces=True,
    transpose=True,
    rationals=True,
)
MATLAB = Dialect(
    comment=r"%[^\n]*|\.\.\.[^\n]*\n",
    base=1,
    power=("^", ".^"),
    blocks=r"^[ \t]*(?:function\b(?:[^\n=]*=)?[ \t]*(\w+)|case[ \t]+['\"{ ]*([\w-]+))",
    left=True,
    spaces=True,
    transpose=True,
    parentheses=True,
)
C = Dialect(
    comment=r"//[^\n]*|/\*[\s\S]*?\*/|^[ \t]*#[^\n]*",
    base=0,
    power=(),
    blocks=r"\bARK_BUTCHER_TABLE *\( *(\w+)|\bcase *\(? *(\w+) *\)? *:",
    braces=True,
    lines=False,
    whole=True,
)


def python(text: str) -> list[Table]:
    """Python: arrays A and b, the reprs of numpy's arrays, and calls of nodepy's classes or of `rkblocks.tableau`."""
    if (at := text.find("<nodepy.")) >= 0 and "array" not in text:
        help = "print the method itself, or its arrays: print(repr(method.A), repr(method.b))"
        raise ConversionError("RK387", "this is the name of an object in memory, which holds no numbers", at, help)
    return list(statements(text, PYTHON))


def julia(text: str) -> list[Table]:
    """Julia: arrays A, α, c, or constants a21 = convert(T, 1 // 3); each function is a table."""
    return list(statements(text, JULIA))


def matlab(text: str) -> list[Table]:
    """MATLAB and Octave: A = [0 0; 1 0]; each function and each case is a table."""
    return list(statements(text, MATLAB))


def c(text: str) -> list[Table]:
    """C: initialised arrays, or the elements of SUNDIALS' ARKodeButcherTable; each table of its macros is one."""
    return list(statements(text, C))
