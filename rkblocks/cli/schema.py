"""`rkblocks schema`: the JSON Schema of the files that people write, for editors."""

from __future__ import annotations

import click


@click.command(
    "schema",
    short_help="Print the JSON Schema of tableaus, recipes or studies.",
    epilog="\b\nExamples:\n  rkblocks schema > tableau-v1.schema.json\n  rkblocks schema study > study-v1.schema.json",
)
@click.argument("kind", type=click.Choice(["tableau", "preset", "study"]), default="tableau", metavar="[KIND]")
def command(kind: str) -> int:
    """Print the JSON Schema of a kind of files: tableau (JSON; the default), preset or study (TOML).

    Editors use it for completion; the commands need no schema and find more than one can say.
    """
    from rkblocks.cli import console
    from rkblocks.files.library import schema

    console.show(schema(kind))
    return 0
