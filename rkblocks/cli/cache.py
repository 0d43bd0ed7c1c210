"""`rkblocks cache`: the decoded image folders that are kept, and an end to them."""

from __future__ import annotations

import click


@click.command(
    "cache",
    short_help="List or clear the decoded image folders.",
    epilog="\b\nExamples:\n  rkblocks cache\n  rkblocks cache --clear",
)
@click.option("--clear", is_flag=True, help="Remove them; a folder is decoded again when it is used.")
def command(clear: bool) -> int:
    """List what is kept of image folders, decoded, so that training starts at once: one copy of each folder.

    They lie in ~/.cache/rkblocks, or $XDG_CACHE_HOME/rkblocks. Clearing them costs time, never a run.
    """
    from rkblocks.cli import console
    from rkblocks.extras import require
    from rkblocks.render.listing import columns

    require("torch", "torch", "the cache of decoded images")
    from rkblocks.data import cache

    found = list(cache.copies())
    total = sum(copy.size for copy in found)
    if clear:
        for copy in found:
            copy.file.unlink(missing_ok=True)
        console.note(f"removed {len(found)} files, {_megabytes(total)}, from {cache.folder()}")
        return 0
    if not found:
        console.note(f"nothing is kept in {cache.folder()}")
        return 0
    rows = [(_megabytes(copy.size), copy.root or f"(unknown: {copy.file.name})") for copy in found]
    console.show(columns(("size", "folder"), rows, right=(0,)))
    console.note(f"{_megabytes(total)} in {cache.folder()}; --clear removes them")
    return 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
