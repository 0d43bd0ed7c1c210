"""Importing without waiting for the garbage collector.

Importing sympy or torch makes a million objects that live as long as the process.  The collector walks them again and
again while they are made: a tenth of the time of `import torch`, a third of that of `import sympy`.  None of them is
garbage, so it rests meanwhile.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Within this no collection runs by itself; afterwards it is as it was before.

    What exists then counts as old, as it would after the collections that were left out: frozen and unfrozen again, it
    gets there without a walk.  Where the user has frozen objects, they stay frozen, and the next collection walks.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()
            gc.enable()
