"""`rkblocks convert`: a table of another program as a checked tableau file."""

from __future__ import annotations

import click

from rkblocks.cli.console import named

EPILOG = """\b
Examples:
  rkblocks convert heun.m -o heun.json                A = [0 0; 1 0]; b = [1/2 1/2];
  rkblocks convert method.txt                         what nodepy or RK-Opt printed
  rkblocks convert arkode_butcher_erk.def --table ARKODE_ZONNEVELD_5_3_4
  rkblocks convert rounded.csv --tolerance 1e-15 -o mine.json

\b
Formats (--from; recognised from the content where it is left out):
  python    arrays A and b, nodepy's classes, reprs of numpy    c          double A[2][2] = {{0.0, 0.0}, …};
  nodepy    what nodepy prints of a method                      sundials   ARKodeButcherTable in C
  matlab    A = [0 0; 1 0]                                      julia      a21 = convert(T, 1 // 2), or arrays
  rk-opt    the files that RK-Opt writes                        octave     save -text
  printed   A = and rows below: SUNDIALS, MATLAB                latex      array or tabular
  csv       c, A; b, or rows that begin with A, b, c            table      rows of numbers: c | A, a line, b

Exit status: that of `check` for the written file; 2 where the text could not be read.
"""


@click.command("convert", short_help="Read the table of another program.", epilog=EPILOG)
@click.argument("file", metavar="FILE")
@click.option("--from", "form", metavar="FORMAT", help="The format.  [default: recognised from the content]")
@click.option("--table", metavar="NAME", help="Which table, where the file holds several.")
@click.option("--name", metavar="NAME", help="The name of the scheme.  [default: that of the table, or of the file]")
@click.option("--tolerance", metavar="T", help="Write T, such as 1e-15, as the tolerance: for rounded decimals.")
@click.option("-o", "--output", callback=named, metavar="FILE", help="Write to FILE.  [default: standard output]")
def command(
    file: str, form: str | None, table: str | None, name: str | None, tolerance: str | None, output: str | None
) -> int:
    """Write the table in FILE ("-": standard input) as a tableau file, with its digits as they stand, and check it.

    Numbers, fractions, square roots and the names of constants are read by a small grammar; nothing in FILE is
    executed. What cannot be understood is named with its line. Remarks and the verdict go to standard error.
    """
    from rkblocks.cli import console
    from rkblocks.startup import load_core

    load_core()
    from rkblocks.convert import convert
    from rkblocks.files.sources import STDIN, fetch, is_path
    from rkblocks.verify import check

    source, data = fetch(file if file == STDIN or is_path(file) else f"./{file}")
    found = convert(data, source, form=form, table=table, name=name, tolerance=tolerance)
    report = check(found.tableau)
    console.deliver(found.json, output)
    console.diagnose((*found.diagnostics, *report.diagnostics), source)
    order = "no order" if report.order is None or report.order.value is None else f"order {report.order.value}"
    console.note(f"{found.tableau.name}: read as {found.format}, {found.tableau.stages} stages, {order}")
    return report.status
