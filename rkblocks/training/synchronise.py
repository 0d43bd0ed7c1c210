"""Batch normalisation over a batch that several processes share: each has a part, and the statistics of the whole.

`torch.nn.SyncBatchNorm` does this on GPUs alone, and knows no statistics of a stage. Here the call that every norm
layer makes, `functional.batch_norm` in training mode, is answered differently while a context lasts, so that networks,
state dicts and memory modes stay as they are.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from rkblocks.distributed import watched

ARGUMENTS = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
DEFAULTS = {"weight": None, "bias": None, "training": False, "momentum": 0.1, "eps": 1e-5}


class Synchronised(TorchFunctionMode):
    """Within it, batch normalisation in training mode uses mean and variance over the parts of all processes.

    All processes must normalise equally often, in forward and backward passes. Parts may differ in length; a loss must
    weigh every example of the whole batch alike. The running statistics are the same bits on every process.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is not functional.batch_norm:
            return func(*args, **kwargs)
        given = DEFAULTS | dict(zip(ARGUMENTS, args, strict=False)) | kwargs
        if not given["training"]:
            return func(*args, **kwargs)
        result: Tensor = _BatchNorm.apply(*(given[name] for name in ARGUMENTS if name != "training"))
        return result


class _BatchNorm(torch.autograd.Function):
    """y = (x - mean) / sqrt(variance + eps) * weight + bias, mean and variance over all processes, [n, C, ...]."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None,
        bias: Tensor | None,
        momentum: float,
        eps: float,
    ) -> Tensor:
        mean, variance, count = batch_statistics(x)
        if running_mean is not None and running_var is not None:
            unbiased = variance * count / (count - 1).clamp(min=1)
            running_mean.mul_(1 - momentum).add_(mean.to(running_mean.dtype), alpha=momentum)
            running_var.mul_(1 - momentum).add_(unbiased.to(running_var.dtype), alpha=momentum)
        kind = x.dtype if weight is None else weight.dtype
        mean, variance = mean.to(kind), variance.to(kind)
        ctx.save_for_backward(x, weight)
        ctx.eps, ctx.count = eps, count
        ctx.statistics = (mean, variance)  # what makes its node a `blocks.recipes.Normalised`
        return functional.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        """With h = (x - mean) s, s = 1 / sqrt(variance + eps): dx = weight s (dy - E[dy] - h E[dy h]), E over all."""
        x, weight = ctx.saved_tensors
        mean, variance = ctx.statistics
        axes, shape = [0, *range(2, x.dim())], [1, -1, *[1] * (x.dim() - 2)]
        scale = (variance + ctx.eps).rsqrt()
        h = (x - mean.view(shape)) * scale.view(shape)
        sums = torch.stack([dy.sum(axes), (dy * h).sum(axes)])
        dx = None
        if ctx.needs_input_grad[0]:
            whole = sums.to(torch.float64, copy=True)
            with watched():
                distributed.all_reduce(whole)
            first, second = (whole / ctx.count).to(sums.dtype).unbind()
            factor = scale if weight is None else scale * weight
            dx = ((dy - first.view(shape) - h * second.view(shape)) * factor.view(shape)).to(x.dtype)
        dweight, dbias = (sums[row] if ctx.needs_input_grad[place] else None for row, place in ((1, 3), (0, 4)))
        return dx, None, None, dweight, dbias, None, None


def batch_statistics(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean [C] and biased variance [C] over the parts [n, C, ...] of all processes, in float64; and values a channel.

    The moments of the parts are combined as in Chan, Golub and LeVeque (1983): no square of a mean is subtracted.
    """
    part = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    count = x.numel() // x.shape[1]
    variance, mean = torch.var_mean(part, [0, *range(2, x.dim())], correction=0)
    own = torch.stack([mean.double(), variance.double() * count, torch.full_like(mean, count, dtype=torch.float64)])
    found = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
    with watched():
        distributed.all_gather(found, own)
    means, squares, counts = torch.stack(found).unbind(1)
    n = counts.sum(0)
    mean = (means * counts).sum(0) / n
    variance = (squares + counts * (means - mean) ** 2).sum(0) / n
    return mean, variance, n[0]
