"""Importing without waiting for the garbage collector, and what the exact commands import.

Importing sympy or torch makes a million objects that live as long as the process.  The collector walks them again and
again while they are made: a tenth of the time of `import torch`, a third of that of `import sympy`.  None of them is
garbage, so it rests meanwhile.  In a process of our own they are frozen as well: later collections, and the one at
exit, pass them by (`gc.freeze`, as servers do before a fork); a library leaves that to its user.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_at_rest(*, frozen: bool = False) -> Iterator[None]:
    """Within this no collection runs by itself; afterwards it is as it was before.

    What exists then counts as old, as it would after the collections that were left out: frozen and unfrozen again, it
    gets there without a walk.  Where the user has frozen objects, they stay frozen, and the next collection walks.
    With ``frozen`` it is taken to stay until the process ends.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if frozen:  # before the collector goes on: its first pass would walk everything
            gc.freeze()
        if running:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def load_core() -> None:
    """Import what the exact commands need, sympy first of all; at once where it is there already."""
    if "sympy" not in sys.modules:
        with collector_at_rest(frozen=True):
            from rkblocks.files.reader import read as read
            from rkblocks.verify import check as check
