"""`rkblocks compile`: a tableau as a stand-alone torch module."""

from __future__ import annotations

import click


@click.command(
    "compile",
    short_help="Write a scheme as a stand-alone torch module.",
    epilog="\b\nExamples:\n  rkblocks compile ssp3\n  rkblocks compile my_scheme.json -o my_block.py",
)
@click.argument("name", metavar="NAME")
@click.option("-o", "--output", metavar="FILE", help="Write to FILE.  [default: standard output]")
def command(name: str, output: str | None) -> int:
    """Write the scheme NAME (of the library, or a file) as readable Python.

    The result is one torch.nn.Module class, which imports torch and nothing else. A tableau that is no consistent
    explicit method is refused, with the diagnostics of `check`.
    """
    from rkblocks import files, program
    from rkblocks.cli import console
    from rkblocks.cli.startup import load_core

    load_core()
    source = program.emit(files.load(name))
    console.deliver(source, output)
    return 0
