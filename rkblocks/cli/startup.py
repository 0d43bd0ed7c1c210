"""Starting the exact commands: sympy and the core in one go, with the garbage collector at rest.

What exists then stays until the process ends, so it is frozen: later collections, and the one at exit, pass it by
(`gc.freeze`, as servers do before a fork).  That is for a process of our own; a library leaves it to its user.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rkblocks import startup


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Import within this: no collection runs, and what exists at the end is taken to stay."""
    with startup.collector_at_rest():
        try:
            yield
        finally:
            gc.freeze()  # before the collector goes on: its first pass would walk everything


def load_core() -> None:
    """Import what the exact commands need, sympy first of all; at once where it is there already."""
    if "sympy" not in sys.modules:
        with collector_at_rest():
            from rkblocks.files import read as read
            from rkblocks.verify import check as check
