"""Recipes: how to compute again, to the bit, what a normalisation and the activations after it have computed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor
from torch.nn import functional

Function = Callable[..., Any]

NORMS: frozenset[Function] = frozenset(
    (functional.batch_norm, functional.layer_norm, functional.group_norm, functional.rms_norm)
)
ROOTS: frozenset[Function] = NORMS | {functional.gelu, functional.silu, functional.mish, functional.hardswish}
"""Functions that save their input in any case: a recipe that starts there costs no memory."""

CHEAP: frozenset[Function] = ROOTS | {
    *(functional.relu, functional.relu6, functional.leaky_relu, functional.elu, functional.celu, functional.selu),
    *(functional.softplus, functional.hardtanh, functional.hardsigmoid, functional.tanh, functional.sigmoid),
    *(torch.relu, torch.tanh, torch.sigmoid, Tensor.relu, Tensor.tanh, Tensor.sigmoid),
}
"""Functions that a recipe may consist of: they take one tensor that matters, and are quick beside a convolution."""


@runtime_checkable
class Normalised(Protocol):
    """The node of a batch normalisation that found its statistics otherwise than `functional.batch_norm` does.

    ``statistics`` are mean and variance, [C] each: `training.synchronise` has those of a batch that processes share.
    """

    statistics: tuple[Tensor, Tensor]


class Held:
    """A tensor as it is, with the check for later changes that autograd makes on what it saves itself."""

    __slots__ = ("tensor", "version")

    def __init__(self, tensor: Tensor) -> None:
        # Detached, for a result that held its own graph would never be freed.
        self.tensor = tensor if tensor.grad_fn is None else tensor.detach()
        self.version = tensor._version

    def get(self) -> Tensor:
        if self.tensor._version != self.version:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation: "
                f"{list(self.tensor.shape)} is at version {self.tensor._version}; expected version {self.version}"
            )
        return self.tensor

    make = get


class Recipe:
    """A function and its arguments; the result is held from its first use to its last, and no longer."""

    def __init__(self, run: Function, source: Held | Recipe, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.run, self.source = run, source
        self.args = [Held(a) if isinstance(a, Tensor) else a for a in args]
        self.kwargs = {k: Held(a) if isinstance(a, Tensor) else a for k, a in kwargs.items()}
        kept = source
        while isinstance(kept, Recipe):
            kept = kept.source
        self.device = kept.tensor.device.type
        self.autocast = _autocast(self.device)
        self.wanted = self.given = 0
        self.value: Tensor | None = None

    def get(self) -> Tensor:
        """The tensor, for one of those that saved it."""
        value = self.value
        if value is None:
            with contextlib.ExitStack() as stack:
                if torch.is_grad_enabled():
                    stack.enter_context(torch.no_grad())
                if _autocast(self.device) != self.autocast:
                    enabled, dtype = self.autocast
                    stack.enter_context(torch.autocast(self.device, dtype, enabled, cache_enabled=False))
                value = self.make()
        self.given += 1
        self.value = None if self.given % self.wanted == 0 else value
        return value

    def make(self) -> Tensor:
        if self.value is not None:
            return self.value
        source = self.source.make()
        args = [a.get() if isinstance(a, Held) else a for a in self.args]
        kwargs = {k: a.get() if isinstance(a, Held) else a for k, a in self.kwargs.items()}
        if "inplace" in kwargs:  # the same numbers; in place where nobody else reads the argument
            kwargs["inplace"] = isinstance(self.source, Recipe) and not self.source.wanted
        value: Tensor = self.run(source, *args, **kwargs)
        self.value = value if self.wanted else None
        return value


_BATCH_NORM = ("running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")


def _autocast(device: str) -> tuple[bool, torch.dtype | None]:
    enabled = torch.is_autocast_enabled(device)
    return enabled, torch.get_autocast_dtype(device) if enabled else None


def recipe_of(
    func: Function, result: Tensor, source: Held | Recipe, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Recipe:
    """The recipe of a result that a function of `CHEAP` gave for the source and the other arguments."""
    if func is not functional.batch_norm:
        return Recipe(func, source, args, kwargs)
    given = dict(zip(_BATCH_NORM, args, strict=False)) | kwargs
    if not given.get("training"):
        return Recipe(func, source, args, kwargs)
    weight, bias = given.get("weight"), given.get("bias")
    node: Any = result.grad_fn
    if isinstance(node, Normalised):
        return Recipe(func, source, (*node.statistics, weight, bias, False, 0.0, given.get("eps", 1e-5)), {})
    if result.is_cpu and result.dtype in (torch.float32, torch.float64) and hasattr(node, "_saved_result2"):
        return Recipe(_normalised, source, (node._saved_result1, node._saved_result2, weight, bias), {})
    # Without the running statistics they move once, and the batch is normalised with its own as before.
    return Recipe(func, source, (None, None, weight, bias, True, 0.0, given.get("eps", 1e-5)), {})


def _normalised(x: Tensor, mean: Tensor, scale: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """Batch normalisation on a CPU with the mean and 1/deviation that the forward pass found, to the bit.

    The kernel multiplies 1/sqrt(variance + eps), here 1, with the weight first, as it does when it has found the
    statistics itself; so scale and weight can be multiplied before.  It saves the pass that finds them.
    """
    weight = scale if weight is None else scale * weight
    return functional.batch_norm(x, mean, torch.zeros_like(mean), weight, bias, False, 0.0, 1.0)
