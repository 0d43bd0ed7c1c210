"""torch.compile of the network for training steps: fewer kernels for the same numbers, equal to rounding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch._dynamo.exc import TorchDynamoException

from rkblocks.diagnostics import fail

BACKEND = "inductor"


def compiled(model: nn.Module) -> nn.Module:
    """The network with a compiled forward pass; parameters, buffers and modes are those of `model` itself.

    One graph is compiled for training, one for each mode of attack.  Sizes are fixed: a training has one batch size,
    and what compiles once for any size is slower.  Asking again for the same model compiles nothing anew.
    """
    return torch.compile(model, dynamic=False, backend=BACKEND)  # type: ignore[return-value]


@contextmanager
def naming_compiler_failures() -> Iterator[None]:
    """A failure of the compiler, which comes with the first step, ends in RkblocksError RK730."""
    try:
        yield
    except TorchDynamoException as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = " ".join(lines[:2]) or type(error).__name__  # which stage, and what it says
        fail("RK730", f"torch.compile failed: {reason[:300]}", help="set training.compile to false")
