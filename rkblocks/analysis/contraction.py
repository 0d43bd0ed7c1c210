"""Does a step x -> x + h F(x) shrink differences, and up to which h: the premise of Lemma 1, for given pairs.

With d = x - x' and e = F(x) - F(x') the step maps d to d + h e. |d + h e| is convex in h and equals |d| at h = 0, so
the h at which it is at most |d| fill an interval [0, h*]: bisection finds h*. In the 2-norm h* = max(0, -2 d.e /
|e|^2).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from rkblocks.evaluation.growth import growth_ratios

LARGEST = 1024.0  # beyond it a step size is called unbounded
LEAST = 1e-6  # below it a step size is called 0: rounding cannot tell it from none
SLACK = 1e-12  # a ratio of 1 + SLACK counts as 1


def euler_ratios(d: Tensor, e: Tensor, h: float, p: float) -> Tensor:
    """Return |d + h e| / |d| in the p-norm for pairs d, e [n, ...]; nan where d is zero."""
    return growth_ratios(d, d.double() + h * e.double(), p)


def largest_steps(d: Tensor, e: Tensor, p: float) -> Tensor:
    """Return h* [n], in double: the largest h with |d + h e| <= |d| of each pair; 0 where there is none, inf beyond
    LARGEST, nan where d is zero."""
    flat_d, flat_e = d.flatten(1).double(), e.flatten(1).double()
    size: Tensor = torch.linalg.vector_norm(flat_d, ord=p, dim=1)

    def shrinks(h: Tensor) -> Tensor:
        moved: Tensor = torch.linalg.vector_norm(flat_d + h[:, None] * flat_e, ord=p, dim=1)
        return moved <= size * (1 + SLACK)

    low, high = torch.zeros_like(size), torch.full_like(size, LARGEST)
    unbounded = shrinks(high)
    for _ in range(60):  # from 1024 down to less than LEAST's rounding
        middle = (low + high) / 2
        holds = shrinks(middle)
        low, high = torch.where(holds, middle, low), torch.where(holds, high, middle)
    steps = torch.where(low < LEAST, 0.0, low)
    steps = torch.where(unbounded, math.inf, steps)
    return torch.where(size > 0, steps, torch.nan)
