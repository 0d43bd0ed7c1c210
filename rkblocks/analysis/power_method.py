"""The differences that a map stretches most, near given points: the power method of Boyd (1974) and Higham (1992) for
the p-norm of a matrix, applied to a map that need not be linear.

For a linear map |A d| is convex in d, so going to the d of unit size that maximises its linearisation never lowers it.
Here the map is linearised at x + d in every step, d keeps the 2-norm of the start, and the best d of all is returned.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from rkblocks.evaluation.growth import growth_ratios

Map = Callable[[Tensor], Tensor]


def most_stretched(function: Map, x: Tensor, start: Tensor, p: float, steps: int = 10) -> tuple[Tensor, Tensor]:
    """Return (d, |f(x + d) - f(x)| / |d| in the p-norm): for each point of x [n, ...] the difference that f stretches
    most among those found, of the 2-norm of `start` [n, ...], and its ratio [n].

    The examples of a batch must not depend on one another. A start of zero stays zero, with the ratio nan.
    """
    with torch.no_grad():
        base = function(x)
    radius = torch.linalg.vector_norm(start.flatten(1), dim=1)
    d, best, best_ratio = start, start, torch.full((len(x),), -math.inf, dtype=torch.float64, device=x.device)
    for step in range(steps + 1):
        with torch.enable_grad():
            point = (x + d).detach().requires_grad_(True)
            value = function(point)
        moved = (value - base).detach()
        difference = (point - x).detach()  # as rounded, not as meant
        ratio = growth_ratios(difference, moved, p)
        better = (ratio > best_ratio) | ratio.isnan()
        best_ratio = torch.where(better, ratio, best_ratio)
        best = torch.where(_like(better, d), difference, best)
        if step < steps:
            (gradient,) = torch.autograd.grad(value, point, dual(moved, p), allow_unused=True)
            d = _scaled(direction(torch.zeros_like(x) if gradient is None else gradient, p), radius, d)
    return best, best_ratio


def dual(value: Tensor, p: float) -> Tensor:
    """Return the gradient of the p-norm at each of n values (a subgradient where there is a corner)."""
    if p == 1:
        return value.sign()
    if p == 2:
        size = torch.linalg.vector_norm(value.flatten(1), dim=1).clamp_min(torch.finfo(value.dtype).tiny)
        return value / _like(size, value)
    return _largest_entry(value)


def direction(gradient: Tensor, p: float) -> Tensor:
    """Return the vectors of the unit ball in the p-norm that this gradient [n, ...] grows most along, up to scale."""
    if p == 1:
        return _largest_entry(gradient)
    return gradient if p == 2 else gradient.sign()


def _largest_entry(value: Tensor) -> Tensor:
    flat = value.flatten(1)
    at = flat.abs().argmax(1, keepdim=True)
    return torch.zeros_like(flat).scatter(1, at, flat.gather(1, at).sign()).reshape(value.shape)


def _scaled(vectors: Tensor, radius: Tensor, otherwise: Tensor) -> Tensor:
    """Return the vectors with 2-norms `radius`; those of `otherwise` where a vector is zero."""
    size = torch.linalg.vector_norm(vectors.flatten(1), dim=1)
    factor = torch.where(size > 0, radius / size.clamp_min(torch.finfo(size.dtype).tiny), 0.0)
    return torch.where(_like(size > 0, vectors), vectors * _like(factor, vectors), otherwise)


def _like(numbers: Tensor, values: Tensor) -> Tensor:
    return numbers.reshape(-1, *(1,) * (values.dim() - 1))
