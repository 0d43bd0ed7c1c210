"""`rkblocks compile`: a tableau as a stand-alone torch module, and how the compiler came to it."""

from __future__ import annotations

from fractions import Fraction

import click

from rkblocks.cli.console import named


@click.command(
    "compile",
    short_help="Write a scheme as a stand-alone module.",
    epilog="\b\nExamples:\n  rkblocks compile ssp3\n  rkblocks compile my_scheme.json -o my_block.py\n"
    "  rkblocks compile ark --explain\n  rkblocks compile bs3 --error --dt 1/2",
)
@click.argument("name", metavar="NAME")
@click.option("-o", "--output", callback=named, metavar="FILE", help="Write to FILE.  [default: standard output]")
@click.option("--dt", default="1", metavar="FRACTION", show_default=True, help="The step size.")
@click.option("--time", is_flag=True, help="The residual takes the time, F(x, t).")
@click.option("--error", is_flag=True, help="Return the error estimate of an embedded method as well.")
@click.option(
    "--target",
    type=click.Choice(["torch", "numpy", "jax"]),
    default="torch",
    show_default=True,
    help="The one library that the written file needs.",
)
@click.option("--explain", is_flag=True, help="Show the program after each pass with its cost, and what rounding does.")
def command(name: str, output: str | None, dt: str, time: bool, error: bool, target: str, explain: bool) -> int:
    """Write the scheme NAME (of the library, or a file) as readable Python.

    The result is one torch.nn.Module class, which imports torch and nothing else; with --target numpy or jax it is
    a function step(f, x, dt) and a loop integrate(f, x, steps, dt). A tableau that is no consistent
    explicit method is refused, with the diagnostics of `check`. `verify` proves what a written file computes.

    With --explain the program is shown instead, as lowered and after every pass that changed it, each with its cost,
    and the rounding error of the coefficients that run, exactly, for each dtype.
    """
    from rkblocks import files, program
    from rkblocks.cli import console

    tableau = files.load(name)
    size: Fraction = program.step_size(dt)
    if explain:
        steps = program.explain(tableau, dt=size, time=time, error=error)
        program.check_start(tableau.name, steps[-1].program, {})
        text = f"{program.explanation(steps)}\n{program.rounding_text(steps[-1].program)}"
    else:
        text = program.emit(tableau, dt=size, time=time, error=error, target=target)
    console.deliver(text, output)
    return 0
