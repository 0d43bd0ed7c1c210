"""Which scheme each group of a network uses: one for all groups, or one a group."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rkblocks import files
from rkblocks.diagnostics import fail
from rkblocks.tableau import Tableau

Blocks = str | os.PathLike[str] | Tableau | Sequence["str | os.PathLike[str] | Tableau"]


def names(blocks: Blocks) -> tuple[str | Tableau, ...]:
    """The schemes one by one: "ark,euler,ssp2" is split at its commas, a tableau stands for itself.

    Raises:
        RkblocksError: RK551 where nothing is named.
    """
    if isinstance(blocks, str):
        parts: list[str | Tableau] = [part.strip() for part in blocks.split(",")]
    elif isinstance(blocks, Tableau):
        parts = [blocks]
    elif isinstance(blocks, os.PathLike):
        parts = [os.fspath(blocks)]
    elif not isinstance(blocks, Sequence) or not all(isinstance(p, str | os.PathLike | Tableau) for p in blocks):
        fail(
            "RK551",
            f"no scheme is named by {blocks!r}",
            help="name one scheme, or one for each group: ark,euler,ssp2",
        )
    else:
        parts = [part if isinstance(part, Tableau) else os.fspath(part).strip() for part in blocks]
    if not parts or any(part == "" for part in parts):
        fail(
            "RK551",
            f"an empty scheme name in {blocks!r}",
            help="name one scheme, or one for each group: ark,euler,ssp2",
        )
    return tuple(parts)


def schemes(blocks: Blocks, groups: int) -> tuple[Tableau, ...]:
    """The tableau of every group, each file read once.

    Args:
        blocks: a name, a path or a tableau for all groups; or one for each (a sequence, or names joined by commas).
        groups: number of groups of the network.

    Raises:
        RkblocksError: RK551 where the number of names is neither 1 nor `groups`; what `files.load` raises.
    """
    given = names(blocks)
    if len(given) not in (1, groups):
        shown = ", ".join(part.name if isinstance(part, Tableau) else part for part in given)
        expected = "one scheme" if groups == 1 else f"one scheme for all or {groups}, one a group"
        fail("RK551", f"{len(given)} schemes ({shown}) for {groups} group{'s' * (groups != 1)}; expected {expected}")
    read: dict[str, Tableau] = {}
    for part in given:
        if isinstance(part, str) and part not in read:
            read[part] = files.load(part)
    loaded = tuple(read[part] if isinstance(part, str) else part for part in given)
    return loaded * groups if len(loaded) == 1 else loaded
