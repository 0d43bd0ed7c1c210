"""Memory modes: what a block computes again in the backward pass so that it need not be saved in the forward pass.

    full    nothing: autograd saves what it wants (4 times the input for each call of the paper's residual)
    norm    normalisation and the activation after it (2 times)
    stage   all of F (once: its argument), at the price of one more evaluation of F

Results, gradients and running statistics are the same bits in every mode.  A tracer or compiler (torch.compile,
torch.export, torch.func) sees the plain step: a compiler decides by itself what to compute again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

import torch
from torch import nn
from torch.overrides import _get_current_function_mode_stack
from torch.utils.checkpoint import checkpoint

from rkblocks.blocks.block_step import Call
from rkblocks.blocks.replay import replaying
from rkblocks.blocks.sharing import sharing
from rkblocks.blocks.views import Moment

MEMORY = ("full", "norm", "stage")
"""What the backward pass of a block finds in memory, the rest of which it computes again."""


def remembering(memory: str) -> AbstractContextManager[None]:
    """What a step runs in: a mode that computes again what norms do, or one whose calls of F share what they can."""
    if memory == "norm" and _recomputing():
        return replaying()
    return sharing() if memory == "full" and not _traced() else nullcontext()


def recomputed(call: Call, memory: str, residual: nn.Module, bind: Callable[[nn.Module], Call]) -> Call:
    """The calls of F with what the memory mode asks to save: with "stage" the arguments alone.

    ``bind`` makes, of F as a stage sees it, its call with the arguments that are the same for all stages.
    """
    if memory != "stage" or not _recomputing():
        return call

    def saved(stage: int, *arguments: Any) -> Any:
        again = _Again(call, stage, residual, bind)
        return checkpoint(again, *arguments, use_reentrant=False, context_fn=again.contexts)

    return saved


def _recomputing() -> bool:
    return torch.is_grad_enabled() and not _traced()


def _traced() -> bool:
    transformed: bool = torch._C._are_functorch_transforms_active()
    return transformed or torch.compiler.is_compiling() or bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]


class _Again:
    """One call of F at a stage, and the same call again later, whatever has happened in between.

    The second time F runs as it was at the `Moment` of the first: in its modes, on its parameters (those of a
    `torch.func.functional_call`, too) and on copies of its buffers, so that running statistics move once, and under
    torch's function modes, which a backward pass suspends.  F itself is not touched.
    """

    def __init__(self, call: Call, stage: int, residual: nn.Module, bind: Callable[[nn.Module], Call]) -> None:
        self.call, self.stage, self.bind = call, stage, bind
        self.moment = Moment(residual)
        self.parameters = dict(residual.named_parameters())
        self.versions = [parameter._version for parameter in self.parameters.values()]
        self.functions = _get_current_function_mode_stack()
        self.entered = ExitStack()
        self.second = False

    def __call__(self, *arguments: Any) -> Any:
        if self.second:
            return self.bind(self.moment.view(self.stage))(*arguments)
        return self.call(self.stage, *arguments)

    def contexts(self) -> tuple[Any, Any]:
        """What the first call runs in, and what each later one does."""
        return nullcontext(), self

    def __enter__(self) -> None:
        """Refuse a weight that was changed, as autograd would."""
        changed = [n for (n, t), v in zip(self.parameters.items(), self.versions, strict=True) if t._version != v]
        if changed:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"{', '.join(changed)}"
            )
        self.second = True
        active = _get_current_function_mode_stack()
        for mode in self.functions:
            if mode not in active:
                self.entered.enter_context(mode)

    def __exit__(self, *error: object) -> None:
        self.entered.close()
        self.second = False
