"""What the calls of F in one step have in common: tensors of the weights alone, computed once for all stages.

A residual that normalises its weights asks `once` for the result.  Within a step it is computed at the first stage and
given to the others, gradients and all; anywhere else it is computed anew.  What is shared is of one step and of one
thread.  Tracers and compilers see the plain computation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

_found: ContextVar[dict[tuple[int, bool], tuple[Tensor, ...]] | None] = ContextVar("_found", default=None)


@contextmanager
def sharing() -> Iterator[None]:
    """The length of one step."""
    token = _found.set({})
    try:
        yield
    finally:
        _found.reset(token)


def once(owner: object, compute: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """The tensors of an owner, which must not change within a step; without gradients they are others than with."""
    found = None if torch.compiler.is_compiling() else _found.get()
    if found is None:
        return compute()
    key = (id(owner), torch.is_grad_enabled())
    if key not in found:
        found[key] = compute()
    return found[key]
