"""Memory modes: what a block computes again in the backward pass so that it need not be saved in the forward pass.

    full    nothing: autograd saves what it wants (4 times the input for each call of the paper's residual)
    norm    normalisation and the activation after it (2 times)
    stage   all of F (once: its argument), at the price of one more evaluation of F

Results, gradients and running statistics are the same bits in every mode.  A tracer or compiler (torch.compile,
torch.export, torch.func) sees the plain step: a compiler decides by itself what to compute again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.overrides import _get_current_function_mode_stack
from torch.utils.checkpoint import checkpoint

from rkblocks.blocks.replay import replaying

if TYPE_CHECKING:
    from rkblocks.blocks.block import RKBlock

Modes = list[tuple[nn.Module, bool]]

MEMORY = ("full", "norm", "stage")


def run_step(block: RKBlock, *arguments: Any, watch: Callable[[Any], Any] | None = None) -> Any:
    """The block's step from x (and t), with what its memory mode asks to save.

    ``watch`` makes, from what the printed step would call, a stand-in that it calls instead.
    """
    runner: Any = block
    recomputing = block.memory != "full" and torch.is_grad_enabled() and not _traced()
    if recomputing and block.memory == "stage":
        runner = _Stages(block)
    if watch is not None:
        runner = watch(runner)
    if recomputing and block.memory == "norm":
        with replaying():
            return block.run(runner, *arguments)
    return block.run(runner, *arguments)


def _traced() -> bool:
    transformed: bool = torch._C._are_functorch_transforms_active()
    return transformed or torch.compiler.is_compiling() or bool(torch.jit.is_tracing())  # type: ignore[attr-defined, no-untyped-call]


class _Stages:
    """The block as its printed step sees it, with every call of F saved by its argument alone."""

    def __init__(self, block: RKBlock) -> None:
        self.block = block
        self.raw = block._modules.get("raw")

    def residual(self, *arguments: Any) -> Tensor:
        return self.evaluate(0, *arguments)

    def evaluate(self, stage: int, *arguments: Any) -> Tensor:
        call = _Call(self.block, stage)
        result: Tensor = checkpoint(call, *arguments, use_reentrant=False, context_fn=call.contexts)
        return result


class _Call:
    """One call of F at a stage, and the same call again later, whatever has happened in between.

    The second time F runs in the modes and on the parameters that it had (those of a `torch.func.functional_call`,
    too), under torch's function modes, which a backward pass suspends, and on copies of the buffers as they were: so
    running statistics move once, and what a layer reads from its buffers is what it read then.
    """

    def __init__(self, block: RKBlock, stage: int) -> None:
        self.residual, self.clock, self.stage = block.residual, block.clock, stage
        self.modes: Modes = [(module, module.training) for module in self.residual.modules()]
        self.parameters = dict(self.residual.named_parameters(remove_duplicate=False))
        self.versions = [parameter._version for parameter in self.parameters.values()]
        self.buffers = _copies(dict(self.residual.named_buffers(remove_duplicate=False)))
        self.again: dict[str, Tensor] | None = None  # parameters and buffers of a second call
        self.modes_now: Modes = []
        self.functions = _get_current_function_mode_stack()  # type: ignore[no-untyped-call]
        self.entered = ExitStack()

    def __call__(self, *arguments: Any) -> Tensor:
        if self.clock is not None:
            self.clock.stage = self.stage
        if self.again is not None:
            return torch.func.functional_call(self.residual, self.again, arguments)  # type: ignore[no-any-return]
        return self.residual(*arguments)  # type: ignore[no-any-return]

    def contexts(self) -> tuple[Any, Any]:
        """What the first call runs in, and what each later one does."""
        return nullcontext(), self

    def __enter__(self) -> None:
        """Restore the modes of the first call; refuse a weight that was changed, as autograd would."""
        changed = [n for (n, t), v in zip(self.parameters.items(), self.versions, strict=True) if t._version != v]
        if changed:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"{', '.join(changed)}"
            )
        self.again = self.parameters | _copies(self.buffers)  # copied again: there may be a third call
        self.modes_now = [(module, module.training) for module, _ in self.modes]
        _set(self.modes)
        active = _get_current_function_mode_stack()  # type: ignore[no-untyped-call]
        for mode in self.functions:
            if mode not in active:
                self.entered.enter_context(mode)

    def __exit__(self, *error: object) -> None:
        self.entered.close()
        self.again = None
        _set(self.modes_now)


def _set(modes: Modes) -> None:
    for module, training in modes:
        module.training = training


def _copies(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies under the same names; what has two names is copied once."""
    made: dict[int, Tensor] = {}
    return {name: made.setdefault(id(t), t.detach().clone()) for name, t in tensors.items()}
