"""`rkblocks schema`: the JSON Schema of tableau files, for editors."""

from __future__ import annotations

import click


@click.command(
    "schema",
    short_help="Print the JSON Schema of tableau files.",
    epilog="\b\nExample:\n  rkblocks schema > tableau-v1.schema.json",
)
def command() -> int:
    """Print the JSON Schema of tableau files (format version 1).

    Editors use it for completion; `rkblocks check` needs no schema and finds more than one can say.
    """
    from rkblocks.cli import console
    from rkblocks.files.schema import text

    console.show(text())
    return 0
