"""Norm balls: distance, and the uniform random point. One function per norm, chosen by name."""

from __future__ import annotations

import torch
from torch import Tensor

from rkblocks.attacks.streams import Streams


def per_example(values: Tensor, like: Tensor) -> Tensor:
    """Return values [n] shaped to multiply like [n, ...] example by example."""
    return values.reshape(-1, *[1] * (like.dim() - 1))


def distance(a: Tensor, b: Tensor, norm: str) -> Tensor:
    """Return the distances [n] between the examples of a and b, both [n, ...]."""
    difference = (a - b).flatten(1)
    order = {"linf": float("inf"), "l2": 2.0, "l1": 1.0}[norm]
    length: Tensor = torch.linalg.vector_norm(difference, ord=order, dim=1)
    return length


def uniform_in_ball(like: Tensor, radius: float, norm: str, streams: Streams) -> Tensor:
    """Return one uniform random point of the norm ball around zero for each example of `like`, same shape."""
    if norm == "linf":
        return (streams.uniform(like, "start") * 2 - 1) * radius
    size = like[0].numel() if len(like) else 1
    depth = streams.uniform(like.flatten(1)[:, :1], "radius").pow(1 / size)  # radius of a uniform point: U^(1/n)
    if norm == "l2":
        direction = streams.normal(like, "start")
        length = torch.linalg.vector_norm(direction.flatten(1), dim=1)
    else:
        # On the l1 sphere: exponential magnitudes over their sum, each with a fair sign (Barthe et al. 2005).
        signed = streams.uniform(like, "start") * 2 - 1
        direction = torch.sign(signed) * -torch.log1p(-signed.abs())
        length = direction.abs().flatten(1).sum(1)
    scale = radius * depth[:, 0] / length.clamp_min(torch.finfo(like.dtype).tiny)
    return direction * per_example(scale, like)
