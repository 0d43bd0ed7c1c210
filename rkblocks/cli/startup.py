"""Starting without waiting for the garbage collector.

Importing sympy makes a million objects that live as long as the process. The collector walks them again and again while
they are made, and once more at exit: a third of the time of `rkblocks check FILE`. None of them is garbage, so it rests
meanwhile, and they are frozen: later collections pass them by (`gc.freeze`, as servers do before a fork).
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Import within this: no collection runs, and what exists at the end is taken to stay."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
        gc.freeze()


def load_core() -> None:
    """Import what the exact commands need, sympy first of all; at once where it is there already."""
    if "sympy" not in sys.modules:
        with collector_at_rest():
            from rkblocks.files import read as read
            from rkblocks.verify import check as check
