"""The compiler: from a tableau to a proved straight-line program, its meaning, and its source text.  No torch here."""

from rkblocks.program.cost import Cost as Cost
from rkblocks.program.cost import cost as cost
from rkblocks.program.emit import emit as emit
from rkblocks.program.interpret import interpret as interpret
from rkblocks.program.ir import Program as Program
from rkblocks.program.lower import explain as explain
from rkblocks.program.lower import lower as lower
from rkblocks.program.lower import step_size as step_size
from rkblocks.program.printed import explanation as explanation
from rkblocks.program.printed import listing as listing
from rkblocks.program.rounding import check_start as check_start
from rkblocks.program.rounding import rounding_text as rounding_text
from rkblocks.program.rounding import roundings as roundings
from rkblocks.program.well_formed import InvalidProgram as InvalidProgram
from rkblocks.program.well_formed import validated as validated

__all__ = [
    "Cost",
    "InvalidProgram",
    "Program",
    "check_start",
    "cost",
    "emit",
    "explain",
    "explanation",
    "interpret",
    "listing",
    "lower",
    "rounding_text",
    "roundings",
    "step_size",
    "validated",
]
