"""Memory that a network does not find, as a diagnostic that names the settings which ask for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from rkblocks.diagnostics import fail
from rkblocks.runs.config import Config

REFUSED = re.compile("can't allocate memory|not enough memory|out of memory", re.IGNORECASE)
"""What torch's allocators say; on a CPU it is a bare RuntimeError."""


@contextmanager
def enough_memory(config: Config) -> Iterator[None]:
    """Report what torch raises where an allocation fails as RkblocksError RK745, anything else as it is."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or REFUSED.search(str(error)):
            net, training = config.net, config.training
            asked = re.search(r"tr(?:ied|ying) to allocate ([0-9.]+ ?[KMGT]?i?[Bb]\w*)", str(error))
            fail(
                "RK745",
                "there is too little memory"
                + (f" for {asked[1]} more" if asked else "")
                + f": net.depth is {net.depth}, net.widths {list(net.widths)}, training.batch_size "
                f"{training.batch_size}, training.eval_batch_size {training.eval_batch_size}",
                help='lower one of them, or set net.memory to "norm" or "stage"',
            )
        raise
