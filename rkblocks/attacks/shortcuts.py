"""Shortcuts of a frozen model on the CPU: the same function of its input, in less time.

Batch norm: in eval mode it is affine, with the input gradient grad / sqrt(var + eps) * weight. torch's CPU kernel
forms the sums for weight and bias as well, plane by plane, even where nobody asks for them: a fifth of the time of PGD
on a small network. Here the two products are taken alone, in the kernel's order and precision, so that every bit is the
same (tested).

Definition `any` alone, so that `final` stays bit for bit what foolbox computes: with channels-last weights a
convolution reads and writes its maps without reordering them, which may take sums in another order; and the gradient of
batch norm is one product.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.overrides import TorchFunctionMode

_T = TypeVar("_T")


@contextmanager
def shortcuts(x: Tensor, definition: str) -> Iterator[None]:
    """Run the body, which attacks the float32 images x on the CPU, with these shortcuts; elsewhere change nothing."""
    if x.device.type != "cpu" or x.dtype != torch.float32:
        yield
        return
    with _Shortcuts(exact=definition != "any"):
        yield


class _Shortcuts(TorchFunctionMode):
    """Replaces F.batch_norm and F.conv2d where they qualify; inside torch.compile, and for subclasses, nothing."""

    def __init__(self, exact: bool) -> None:
        super().__init__()
        self.exact = exact
        self._derived: dict[tuple[float, ...], tuple[tuple[Tensor, ...], tuple[int, ...], Any]] = {}

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
            return _batch_norm(self._factors, *args, **kwargs)
        if not self.exact and func is F.conv2d and len(args) > 1:
            return func(args[0], self._channels_last(args[1]), *args[2:], **kwargs)
        if not self.exact and func is Tensor.view and not args[0].is_contiguous() and isinstance(args[1], int | tuple):
            return func(args[0].contiguous(), *args[1:], **kwargs)  # a model may rely on maps in the usual layout
        return func(*args, **kwargs)

    def _channels_last(self, weight: Tensor) -> Tensor:
        """Return a copy of a frozen parameter in channels-last layout, which is kept; any other weight as it is."""
        if not isinstance(weight, nn.Parameter) or not _constant(weight):
            return weight
        return self._kept(lambda: _in_channels_last(weight), weight)

    def _factors(self, var: Tensor, weight: Tensor, eps: float) -> tuple[Tensor, ...]:
        """Return what the gradient of a frozen batch norm is multiplied with, one after the other."""
        return self._kept(lambda: _factors(var, weight, eps, self.exact), var, weight, number=eps)

    def _kept(self, derive: Callable[[], _T], *sources: Tensor, number: float = 0.0) -> _T:
        """Return what is derived from frozen tensors and a number, anew only where a tensor was written to since."""
        name = (*map(id, sources), number)  # the sources are kept too, so that no other tensor gets their ids
        versions = tuple(source._version for source in sources)
        kept = self._derived.get(name)
        if kept is None or kept[1] != versions:
            kept = self._derived[name] = (sources, versions, derive())
        return kept[2]


def _in_channels_last(weight: Tensor) -> Tensor:
    return torch.empty_like(weight, memory_format=torch.channels_last).copy_(weight)  # one channel too


def _factors(var: Tensor, weight: Tensor, eps: float, exact: bool) -> tuple[Tensor, ...]:
    """Return 1 / sqrt(var + eps) and the weight, [C] each, or their product alone."""
    scale = (1 / torch.sqrt(var.double() + eps)).float()  # the kernel rounds it here, not before
    return (scale, weight) if exact else (scale * weight,)


class _Affine(torch.autograd.Function):
    """F.batch_norm in eval mode, differentiable in x alone."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factors: tuple[Tensor, ...], constants: list[Tensor], eps: float) -> Tensor:
        ctx.factors = factors
        mean, var, weight, bias = constants
        return F.batch_norm(x, mean, var, weight, bias, False, 0.0, eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        shape = (1, -1) + (1,) * (gradient.dim() - 2)
        first, *others = (factor.view(shape) for factor in ctx.factors)
        gradient = gradient * first
        for factor in others:
            gradient.mul_(factor)
        return gradient, None, None, None


def _batch_norm(
    factors: Callable[[Tensor, Tensor, float], tuple[Tensor, ...]],
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
    constants = [t for t in (running_mean, running_var, weight, bias) if t is not None and _constant(t)]
    if len(constants) == 4 and not training and input.requires_grad and _plain(input):
        _, var, factor, _ = constants
        found: Tensor = _Affine.apply(input, factors(var, factor, eps), constants, eps)
        return found
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def _constant(tensor: Tensor) -> bool:
    return _plain(tensor) and not tensor.requires_grad


def _plain(tensor: Tensor) -> bool:
    return type(tensor) in (Tensor, nn.Parameter) and tensor.device.type == "cpu" and tensor.dtype == torch.float32
