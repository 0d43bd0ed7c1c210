"""Shortcuts of a frozen model on the CPU: the same function of its input, in less time.

Batch norm: in eval mode it is affine, with the input gradient grad / sqrt(var + eps) * weight. torch's CPU kernel
forms the sums for weight and bias as well, plane by plane, even where nobody asks for them: a fifth of the time of PGD
on a small network. Here the two products are taken alone, in the kernel's order and precision, so that every bit is the
same (tested).

Layout: with channels-last weights a convolution reads and writes its maps without reordering them. Sums may be taken in
another order, so this is for definition `any` alone, and `final` stays bit for bit what foolbox computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode


@contextmanager
def shortcuts(x: Tensor, definition: str) -> Iterator[None]:
    """Run the body, which attacks the float32 images x on the CPU, with these shortcuts; elsewhere change nothing."""
    if x.device.type != "cpu" or x.dtype != torch.float32:
        yield
        return
    with _Shortcuts(layout=definition == "any"):
        yield


class _Shortcuts(TorchFunctionMode):
    """Replaces F.batch_norm and F.conv2d where they qualify; inside torch.compile, and for subclasses, nothing."""

    def __init__(self, layout: bool) -> None:
        super().__init__()
        self.layout = layout
        self._weights: dict[int, tuple[nn.Parameter, int, Tensor]] = {}

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if torch.compiler.is_compiling():
            return func(*args, **kwargs)
        if func is F.batch_norm:
            return _batch_norm(*args, **kwargs)
        if self.layout and func is F.conv2d and len(args) > 1:
            return func(args[0], self._channels_last(args[1]), *args[2:], **kwargs)
        if self.layout and func is Tensor.view and not args[0].is_contiguous() and isinstance(args[1], int | tuple):
            return func(args[0].contiguous(), *args[1:], **kwargs)  # a model may rely on maps in the usual layout
        return func(*args, **kwargs)

    def _channels_last(self, weight: Tensor) -> Tensor:
        """Return a copy of a frozen parameter in channels-last layout, which is kept; any other weight as it is."""
        if not isinstance(weight, nn.Parameter) or weight.requires_grad or not _plain(weight):
            return weight
        kept = self._weights.get(id(weight))
        if kept is None or kept[1] != weight._version:
            copy = torch.empty_like(weight, memory_format=torch.channels_last).copy_(weight)  # one channel too
            kept = self._weights[id(weight)] = (weight, weight._version, copy)
        return kept[2]


class _Affine(torch.autograd.Function):
    """F.batch_norm in eval mode, differentiable in x alone."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mean: Tensor, var: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        ctx.save_for_backward(var, weight)
        ctx.eps = eps
        return F.batch_norm(x, mean, var, weight, bias, False, 0.0, eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        var, weight = ctx.saved_tensors
        shape = (1, -1) + (1,) * (gradient.dim() - 2)
        scale = (1 / torch.sqrt(var.double() + ctx.eps)).float()  # the kernel rounds it here, not before
        return (gradient * scale.view(shape)).mul_(weight.view(shape)), None, None, None, None, None


def _batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Return F.batch_norm; by the short way where only x wants a gradient."""
    constants = (running_mean, running_var, weight, bias)
    frozen = all(tensor is not None and _plain(tensor) and not tensor.requires_grad for tensor in constants)
    if frozen and not training and input.requires_grad and _plain(input):
        found: Tensor = _Affine.apply(input, *constants, eps)
        return found
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def _plain(tensor: Tensor) -> bool:
    return type(tensor) in (Tensor, nn.Parameter) and tensor.device.type == "cpu" and tensor.dtype == torch.float32
