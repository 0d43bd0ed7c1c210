"""What the blocks of a network see: input, stages and output of every Runge-Kutta block at given images.

The blocks are found as modules, so that any network of them can be looked at, a retrofitted one too. Hooks exist for
the time of one forward pass only; a network compiled by torch.compile is read as the network that was compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from rkblocks.attacks import frozen
from rkblocks.blocks import RKBlock
from rkblocks.diagnostics import fail


@dataclass(frozen=True)
class Stage:
    """One call of F in a step: its argument u, its value F(u), and what else it was given (a time)."""

    number: int
    u: Tensor
    f: Tensor
    rest: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Passage:
    """One step of one block, as it happened. name: of the block in the network; arguments, value: of its call."""

    name: str
    block: RKBlock
    arguments: tuple[Any, ...]
    value: Any
    stages: tuple[Stage, ...]

    @property
    def x(self) -> Tensor:
        """The input."""
        return self.arguments[0]  # type: ignore[no-any-return]

    @property
    def y(self) -> Tensor:
        """The output, without the error estimate of an embedded method."""
        return self.value[0] if isinstance(self.value, tuple) else self.value  # type: ignore[no-any-return]

    def step(self, x: Tensor) -> Tensor:
        """Return the output of the same block at another input."""
        value = self.block(x, *self.arguments[1:])
        return value[0] if isinstance(value, tuple) else value  # type: ignore[no-any-return]

    def residual(self, stage: int) -> Callable[[Tensor], Tensor]:
        """Return F as this stage calls it: with the running statistics and the time of that stage."""
        rest = self.stages[stage].rest

        def call(u: Tensor) -> Tensor:
            return self.block.at(stage)(u, *rest)  # type: ignore[no-any-return]

        return call


@dataclass
class _Tape:
    """The passage under way of one block; what `visit` is given is forgotten before the next block runs.

    While `visit` looks at a passage it may call the block and its F; those calls are not taped.
    """

    name: str
    block: RKBlock
    visit: Callable[[Passage], None]
    stages: list[Stage] = field(default_factory=list)
    visiting: bool = False

    def on_call(self, module: nn.Module, arguments: tuple[Any, ...], value: Tensor) -> None:
        if not self.visiting:
            u, *rest = arguments
            self.stages.append(Stage(len(self.stages), u, value, tuple(rest)))

    def on_step(self, block: nn.Module, arguments: tuple[Any, ...], value: Any) -> None:
        if self.visiting:
            return
        stages, self.stages = tuple(self.stages), []
        self.visiting = True
        self.visit(Passage(self.name, self.block, arguments, value, stages))
        self.visiting = False


def blocks_of(model: nn.Module) -> list[tuple[str, RKBlock]]:
    """Return the blocks of a network and their names, in the order of its modules.

    Raises RkblocksError RK831 where there are none.
    """
    found = [(name, module) for name, module in model.named_modules() if isinstance(module, RKBlock)]
    if not found:
        fail(
            "RK831",
            f"{type(model).__name__} has no Runge-Kutta block",
            help="build its blocks with rkblocks.build, or replace them with rkblocks.retrofit",
        )
    return found


def visit_blocks(model: nn.Module, images: Tensor, visit: Callable[[Passage], None]) -> None:
    """Call visit(passage) for every block in the order in which they run, in eval mode and without gradients.

    images: [n, C, H, W] in [0, 1]. At any time the features of one block alone are kept. Raises RkblocksError RK831.
    """
    tapes = [_Tape(name, block, visit) for name, block in blocks_of(model)]
    handles = [tape.block.residual.register_forward_hook(tape.on_call) for tape in tapes]
    handles += [tape.block.register_forward_hook(tape.on_step) for tape in tapes]
    try:
        with torch.no_grad(), frozen(model):
            model(images)
    finally:
        for handle in handles:
            handle.remove()


def passages(model: nn.Module, images: Tensor) -> list[Passage]:
    """Return the passages of all blocks at these images, in the order in which they run."""
    found: list[Passage] = []
    visit_blocks(model, images, found.append)
    return found


def rows_of(values: Sequence[Tensor]) -> Tensor:
    """Return tensors [n, ...] as one in double, [len(values), n, features]."""
    return torch.stack([value.detach().flatten(1).double() for value in values])
