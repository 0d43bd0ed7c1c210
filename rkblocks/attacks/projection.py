"""Projection to the intersection of ball and box, and the direction of steepest ascent, for each norm."""

from __future__ import annotations

import torch
from torch import Tensor

from rkblocks.attacks.geometry import per_example

SPARSITY = (
    100  # an l1 step moves the n/100 pixels of largest gradient, at least one (after Tramer & Boneh 2019, section 4.2)
)


def project(x: Tensor, point: Tensor, eps: float, norm: str, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Return `point` [n, ...] moved into the eps ball around `x`, then into the box.

    The form x + clip(point - x) matters: with bounds x - eps and x + eps worked out beforehand the results differ in
    the last bit, and the sign of the next gradient amplifies that. Written so, PGD equals foolbox bit for bit. Since
    x lies in the box, clamping to it afterwards never leaves the ball.
    """
    difference = point - x
    if norm == "linf":
        inside = x + torch.clamp(difference, -eps, eps)
    elif norm == "l2":
        length = torch.linalg.vector_norm(difference.flatten(1), dim=1).clamp_min(1e-12)
        inside = x + difference * per_example(torch.clamp(eps / length, max=1.0), x)
    else:
        inside = x + _l1_ball(difference.flatten(1), eps).reshape(x.shape)
    return torch.clamp(inside, low, high)


def _l1_ball(vectors: Tensor, radius: float) -> Tensor:
    """Return the Euclidean projection of the rows of vectors [n, d] to the l1 ball (Duchi et al. 2008, figure 1)."""
    magnitude = vectors.abs()
    ordered = magnitude.sort(dim=1, descending=True).values
    excess = ordered.cumsum(1) - radius
    counts = torch.arange(1, vectors.shape[1] + 1, device=vectors.device, dtype=vectors.dtype)
    support = (ordered * counts > excess).sum(1, keepdim=True).clamp_min(1)
    threshold = (excess.gather(1, support - 1) / support).clamp_min(0)  # negative: the row is inside already
    return torch.sign(vectors) * (magnitude - threshold).clamp_min(0)


def steepest(gradient: Tensor, x: Tensor, norm: str, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Return the direction of norm one that raises a linear function with this gradient [n, ...] most.

    For l1 that is a single pixel; the n/100 largest are moved together, in proportion to their gradient, leaving out
    those which the box already holds back (at x).
    """
    if norm == "linf":
        return gradient.sign()
    if norm == "l2":
        length = torch.linalg.vector_norm(gradient.flatten(1), dim=1).clamp_min(1e-12)
        return gradient * per_example(1 / length, gradient)
    stuck = ((x <= low) & (gradient < 0)) | ((x >= high) & (gradient > 0))
    free = gradient.masked_fill(stuck, 0).flatten(1)
    kept = max(1, free.shape[1] // SPARSITY)
    least = free.abs().topk(kept, dim=1).values[:, -1:]
    sparse = free * (free.abs() >= least)
    length = sparse.abs().sum(1, keepdim=True).clamp_min(1e-12)
    return (sparse / length).reshape(gradient.shape)
