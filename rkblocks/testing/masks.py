"""Models that look robust to weak attacks and are not, and the check of the health report that catches each.

A mask changes what an attack sees of a model, hardly what the model predicts. They are here to be tried: on the health
report, on an attack of one's own, on another library (Athalye et al. 2018; Tramer et al. 2020).

    >>> subject = evaluation.of_model(MASKS["saturated logits"].worn_by(model), images, labels)  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

LEVELS = 3  # steps between black and white that rounding leaves


class Masked(nn.Module):
    """A model with something done to its input (`before`) and to its logits (`after`)."""

    def __init__(
        self,
        inner: nn.Module,
        before: Callable[[Tensor], Tensor] = lambda x: x,
        after: Callable[[Tensor], Tensor] = lambda z: z,
    ) -> None:
        super().__init__()
        self.inner, self.before, self.after = inner, before, after

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [n, classes]."""
        logits: Tensor = self.after(self.inner(self.before(x)))
        return logits


class _StraightThrough(torch.autograd.Function):
    """Rounding that pretends to have slope one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return (x * LEVELS).round() / LEVELS

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


class _Misleading(torch.autograd.Function):
    """The identity with the gradient turned round: gradient steps lead to where the model is surer still."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return -gradients[0]


def _apply(function: type[torch.autograd.Function]) -> Callable[[Tensor], Tensor]:
    def applied(x: Tensor) -> Tensor:
        found: Tensor = function.apply(x)
        return found

    return applied


class _Counting(Masked):
    """A model with state of its own: it counts its calls."""

    calls: Tensor

    def __init__(self, inner: nn.Module) -> None:
        super().__init__(inner)
        self.register_buffer("calls", torch.zeros((), dtype=torch.long))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of the inner model."""
        self.calls += 1
        return super().forward(x)


class _Unseen(Masked):
    """A model that computes without a graph, as one that is exported, or counts."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of the inner model."""
        with torch.no_grad():
            return super().forward(x)


def _hidden(keep: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return the identity whose gradient reaches those pixels alone that `keep` is 1 at; keep(x) is 0 or 1, like x."""

    def applied(x: Tensor) -> Tensor:
        mask = keep(x)
        return x * mask + (x * (1 - mask)).detach()

    return applied


def _one_in_four(x: Tensor) -> Tensor:
    return (torch.arange(x[0].numel(), device=x.device) % 4 == 0).to(x.dtype).reshape(x.shape[1:]).expand_as(x)


def _border(x: Tensor) -> Tensor:
    inside = torch.zeros_like(x)
    inside[..., :1, :] = inside[..., -1:, :] = inside[..., :, :1] = inside[..., :, -1:] = 1
    return inside


def _thermometer(x: Tensor) -> Tensor:
    """Each pixel as the number of levels that it exceeds (Buckman et al. 2018), summed up again: comparisons have no
    slope.
    """
    levels = torch.arange(1, LEVELS + 1, device=x.device, dtype=x.dtype) / (LEVELS + 1)
    return (x[..., None] > levels).to(x.dtype).mean(-1)


def _decoys(z: Tensor) -> Tensor:
    """Twenty classes more, which stay behind the best of the others and ripple: no loss sees but them."""
    best = z.amax(1, keepdim=True)
    waves = torch.sin(torch.arange(1, 21, device=z.device, dtype=z.dtype) * 300 * z.sum(1, keepdim=True))
    return torch.cat([z, best - 0.02 + 0.01 * waves], 1)


@dataclass(frozen=True)
class Mask:
    """worn_by: model -> masked model; what: one line; caught_by: checks of the report that must fail on it."""

    worn_by: Callable[[nn.Module], nn.Module]
    what: str
    caught_by: tuple[str, ...]


def _before(change: Callable[[Tensor], Tensor]) -> Callable[[nn.Module], nn.Module]:
    return lambda model: Masked(model, before=change)


def _after(change: Callable[[Tensor], Tensor]) -> Callable[[nn.Module], nn.Module]:
    return lambda model: Masked(model, after=change)


MASKS: Final[dict[str, Mask]] = {
    "quantised input": Mask(
        _before(lambda x: (x * LEVELS).round() / LEVELS),
        "pixels are rounded to four levels: no gradient passes",
        ("gradients exist", "loss flat at the end", "larger eps breaks all"),
    ),
    "faked gradients": Mask(
        _before(_apply(_StraightThrough)),
        "the same rounding, with slope one in the backward pass",
        ("gradients tell the truth",),
    ),
    "misleading gradients": Mask(
        _before(_apply(_Misleading)),
        "gradients point the wrong way",
        ("Square breaks nothing more", "gradients tell the truth", "noise is weaker"),
    ),
    "saturated logits": Mask(
        _after(lambda z: z * 1e5),
        "logits so large that the cross-entropy is exactly zero",
        ("gradients exist", "AutoAttack agrees"),
    ),
    "zero gradients": Mask(
        _after(lambda z: z.detach() + 0 * z),
        "the gradient is zero everywhere",
        ("gradients exist", "loss flat at the end", "larger eps breaks all", "Square breaks nothing more"),
    ),
    "shattered gradients": Mask(
        _before(lambda x: x + 0.01 * torch.sin(x * 3000)),
        "a ripple on the input: the gradient of a point says nothing about its neighbours",
        ("gradients tell the truth",),
    ),
    "randomised output": Mask(
        _before(lambda x: x + 0.3 * torch.randn_like(x)),
        "noise is added to every input",
        ("deterministic", "eps 0 is clean", "independent of the batch"),
    ),
    "probabilities": Mask(
        _after(lambda z: z.softmax(1)), "softmax at the end of the model", ("logits, not probabilities",)
    ),
    "batch statistics": Mask(
        _before(lambda x: x - x.mean(0, keepdim=True)),
        "every image is centred by those beside it",
        ("independent of the batch",),
    ),
    "thermometer codes": Mask(
        _before(_thermometer),
        "pixels are counts of the levels they exceed: the graph is cut",
        ("gradients exist", "every attack was run", "an iterative attack was run"),
    ),
    "no graph": Mask(
        lambda model: _Unseen(model),
        "the model computes under no_grad",
        ("gradients exist", "every attack was run", "an iterative attack was run"),
    ),
    "three pixels of four detached": Mask(
        _before(_hidden(_one_in_four)),
        "most pixels are seen by the model, and by no gradient",
        ("no part of the gradient is missing",),
    ),
    "all but the border detached": Mask(
        _before(_hidden(_border)), "only the border has a gradient", ("no part of the gradient is missing",)
    ),
    "decoy logits": Mask(
        _after(_decoys), "twenty classes that never win, close behind the best one", ("AutoAttack agrees",)
    ),
    "moving state": Mask(_Counting, "the model changes with every call", ("threat model recorded",)),
}
"""Ways to look robust without being so, by name; each with the health checks that must see through it."""
