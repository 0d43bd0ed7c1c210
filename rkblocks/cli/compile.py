"""`rkblocks compile`: a tableau as a stand-alone torch module."""

from __future__ import annotations

from pathlib import Path

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
    from rkblocks.diagnostics import fail

    source = program.emit(files.load(name))
    if output is None or output == "-":
        console.show(source)
        return 0
    try:
        Path(output).write_text(source, encoding="utf-8")
    except OSError as error:
        fail("RK903", f"cannot write {output!r}: {error.strerror or error}", help="name a file in a folder that exists")
    console.note(f"wrote {output}")
    return 0
