"""`rkblocks verify`: whether an emitted file still computes the scheme of its header."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rkblocks.blocks.emitted import Verification

LONGEST = 86_400  # seconds; a system's clocks do not count to infinity
EPILOG = """\b
Examples:
  rkblocks compile ssp3 -o ssp3_block.py
  rkblocks verify ssp3_block.py
  rkblocks verify my_block.py --tableau my_scheme.json

Exit status: 0 it is the scheme of its header; 1 it is another one, or its header promises what it does not keep; 2 it
is no emitted block, or does not run.
"""


@click.command("verify", short_help="Run an emitted file and prove that it is the scheme of its header.", epilog=EPILOG)
@click.argument("file", metavar="FILE.py")
@click.option(
    "--tableau", metavar="FILE_OR_NAME", help="The scheme it should be.  [default: that of the header's name]"
)
@click.option("--timeout", type=float, default=60.0, show_default=True, metavar="SECONDS", help="For running the file.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(file: str, tableau: str | None, timeout: float, form: str) -> int:
    """Recover the coefficients of a file that `compile` wrote, and prove that they are those of its scheme.

    FILE.py is code, and it is run: in a process of its own, without network where the system can do that, with limits
    of time, memory and output, and refused other processes and changes of files. That stops accidents and clumsy
    malice; it is no sandbox. Read a file from a stranger before you verify it; a file that means to deceive can.

    Its step is run on unit vectors in double precision, so that every coefficient shows. They must be the same 64-bit
    numbers that the compiled tableau gives, for a family also away from its start, and the order, SSP coefficient and
    growth of the header must be those proved. A scheme that is neither in the library nor given with --tableau is not
    known: then the order alone is computed from the numbers found, within rounding, and compared with the header.
    """
    from rkblocks.cli import console
    from rkblocks.extras import require

    require("torch", "torch", "running an emitted block")
    from rkblocks.blocks.emitted import verify_file

    if not 0 < timeout <= LONGEST:
        raise click.UsageError(f"--timeout must be positive and at most {LONGEST} seconds, a day")
    found = verify_file(file, tableau, timeout=timeout)
    if form == "json":
        from rkblocks.render.machines import dump

        console.show(dump({"version": 1, "results": [found.to_dict()]}))
    else:
        console.show(_text(found))
        from rkblocks.render.problems import problems

        console.show(problems(found.diagnostics, source=file, colour=console.colour(sys.stdout)))
    return found.status


def _text(found: Verification) -> str:
    from rkblocks.program.scheme_summary import NOT_SSP

    verdict = "is" if found.ok else "IS NOT"
    known = found.known or not found.ok
    lines = [f"{found.file}: {found.class_name} {verdict} " + (found.name if known else "of the order it promises")]
    rows = [("ran", f"{found.calls} calls of F, on unit vectors in float64" + _values(found.cases))]
    rows.append(("tableau", f"{found.name}, sha256 {found.digest}"))
    if found.dt != 1:
        rows.append(
            ("step size", f"dt = {found.dt}, which the header names; the figures below are those of the tableau")
        )
    if found.known:
        if found.ok:
            rows.append(("numbers", "every coefficient is the double that the compiled tableau gives"))
        if found.difference is not None:
            place = f", in {found.place}" if found.place else ""
            rows.append(("exact", f"largest difference to the exact coefficients {found.difference:.1e}{place}"))
        ssp = found.ssp if found.ssp == NOT_SSP else f"SSP {found.ssp}"
        rows.append(("proved", f"order {found.order}, {ssp}, growth {found.growth}"))
    else:
        how = ": give it with --tableau FILE" if found.ok else ""
        unproved = f"the tableau is not known, so nothing else is proved{how}"
        rows.append(("order", f"{found.order} within rounding; {unproved}"))
    return "\n".join([*lines, *(f"  {key:<9} {text}" for key, text in rows)]) + "\n"


def _values(cases: int) -> str:
    return "" if cases == 1 else f", at the start of its parameters and {cases - 1} other values"
