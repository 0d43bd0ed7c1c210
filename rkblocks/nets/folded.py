"""A network in evaluation mode with its batch normalisation folded into constants, for attacks during training.

In evaluation mode batch normalisation is a fixed affine map of every channel.  The second one of a residual becomes
part of the convolution before it, the first one a single multiplication and addition, and both ReLUs work in place:
five passes over the activations instead of eight, for the same function and the same gradient to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from rkblocks.blocks import RKBlock
from rkblocks.nets.grouped import GroupedNet
from rkblocks.nets.residual import PreActivation


def folded(model: nn.Module) -> nn.Module:
    """The network as it is in evaluation mode now, whatever mode it is in, without gradients for the folded weights.

    Stem, transitions, head and scheme coefficients are shared with `model`; what is folded is a copy, so ask anew after
    every step of the optimiser.  Blocks around other residuals, or without running statistics, are shared as they are.
    Any other module, such as a compiled network, is returned as it is.
    """
    if not isinstance(model, GroupedNet):
        return model
    groups = [
        nn.Sequential(*(FoldedBlock(block) if can_fold(block) else block for block in group.children()))
        for group in model.groups
    ]
    copy = GroupedNet(model.normalize, model.stem, groups, list(model.transitions), model.head)
    return copy.train(model.training)


def can_fold(block: nn.Module) -> TypeGuard[RKBlock]:
    """Whether the block is a step around the paper's residual with running statistics of batch normalisation."""
    if not isinstance(block, RKBlock) or type(block.residual) is not PreActivation:
        return False
    norms = (block.residual.norm1, block.residual.norm2)
    return all(isinstance(n, _BatchNorm) and n.affine and n.running_mean is not None for n in norms)


class FoldedBlock(nn.Module):
    """The step of a block in evaluation mode; its printed source calls `residual` or, for each stage, `evaluate`."""

    def __init__(self, block: RKBlock) -> None:
        super().__init__()
        self.tableau, self.run, self.memory = block.tableau, block.run, block.memory
        if block.step.domains:
            self.raw = block.raw
        residual = block.residual
        assert isinstance(residual, PreActivation)
        with torch.no_grad():
            stages = range(block.program.calls if block.step.staged else 1)
            self.stages = [_fold(residual, stage if block.step.staged else None) for stage in stages]

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)  # type: ignore[no-any-return]

    def residual(self, x: Tensor) -> Tensor:
        return self.evaluate(0, x)

    def evaluate(self, stage: int, x: Tensor) -> Tensor:
        """F at a stage; in memory mode "stage" only its argument is kept for the backward pass."""
        if self.memory == "stage" and torch.is_grad_enabled():
            return checkpoint(self.stages[stage], x, use_reentrant=False)
        return self.stages[stage](x)


def _fold(residual: PreActivation, stage: int | None) -> Callable[[Tensor], Tensor]:
    """F of evaluation mode as a function of x alone, with the statistics of a stage (None: there is one set)."""
    scale, shift = (t.view(1, -1, 1, 1) for t in _affine(residual.norm1, stage))
    factor, offset = _affine(residual.norm2, stage)
    conv1, conv2 = residual.conv1, residual.conv2
    assert conv1.bias is not None
    assert conv2.bias is not None
    weight, bias = conv1.weight * factor.view(-1, 1, 1, 1), conv1.bias * factor + offset
    weight2, bias2 = conv2.weight.detach(), conv2.bias.detach()

    def evaluate(x: Tensor) -> Tensor:
        h = torch.addcmul(shift, x, scale).relu_()
        h = functional.conv2d(h, weight, bias, padding=1).relu_()
        return functional.conv2d(h, weight2, bias2, padding=1)

    return evaluate


def _affine(norm: nn.Module, stage: int | None) -> tuple[Tensor, Tensor]:
    """Factor and offset of every channel, [C] each, so that norm(x) = factor * x + offset."""
    assert isinstance(norm, _BatchNorm)
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    if stage is not None:
        mean, variance = mean[stage], variance[stage]
    factor = norm.weight * torch.rsqrt(variance + norm.eps)
    return factor, norm.bias - mean * factor
