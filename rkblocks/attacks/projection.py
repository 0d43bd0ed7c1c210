"""Norm balls: distance, the uniform random point, projection to ball and box, and the step of steepest ascent."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import torch
from torch import Tensor

from rkblocks.attacks.streams import Streams
from rkblocks.settings.threat import LEVELS


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


SPARSITY = 100  # an l1 step moves the n/100 pixels of largest gradient, at least one


def project(x: Tensor, point: Tensor, eps: float, norm: str, box: tuple[float, float] = (0.0, 1.0)) -> Tensor:
    """Return `point` [n, ...] moved into the eps ball around `x`, then into the box: in linf and l1 the nearest point
    of both.

    The form x + clip(point - x) matters: with bounds x - eps and x + eps worked out beforehand the results differ in
    the last bit, and the sign of the next gradient amplifies that. Written so, PGD equals foolbox bit for bit. Since
    x lies in the box, clamping to it afterwards never leaves the ball. In l1 that would give away the budget of the
    pixels cut off, which others could spend; there ball and box are met at once.
    """
    (low, high), difference = box, point - x
    if norm == "linf":
        inside = x + torch.clamp(difference, -eps, eps)
    elif norm == "l2":
        length = torch.linalg.vector_norm(difference.flatten(1), dim=1).clamp_min(1e-12)
        inside = x + difference * per_example(torch.clamp(eps / length, max=1.0), x)
    else:
        room = torch.where(difference > 0, high - x, x - low)
        inside = x + _l1_ball(difference.flatten(1), room.flatten(1), eps).reshape(x.shape)
    return torch.clamp(inside, low, high)


def eight_bit(x: Tensor) -> Tensor:
    """Return images in [0, 1] rounded to the nearest multiples of 1/255."""
    return torch.round(x * LEVELS) / LEVELS


def project_rounded(x: Tensor, point: Tensor, eps: Fraction) -> Tensor:
    """Return the 8-bit image nearest to `point` [n, ...] in the linf ball of eps around the 8-bit images x, and in the
    box [0, 1].

    The published code projects and then rounds, so a pixel may leave a ball whose eps is no multiple of 1/255 by half a
    level: at eps 3/10 it moves 77 levels, where 76.5 are allowed. Here it moves 76.
    """
    level, most = torch.round(x * LEVELS), floor(LEVELS * eps)
    moved = level + torch.clamp(torch.round(point * LEVELS) - level, -most, most)
    return torch.clamp(moved, 0, LEVELS) / LEVELS


def _l1_ball(vectors: Tensor, room: Tensor, radius: float) -> Tensor:
    """Return the vectors d of l1 norm at most radius nearest to the rows of vectors [n, d], where no |d_i| is more than
    its room (Croce & Hein 2021, section 2).

    They are sign(v) clip(|v| - t, 0, room) with the least t >= 0 that meets the radius. Their norm falls with t, and
    linearly between the points |v_i| (where pixel i begins to move) and |v_i| - room_i (where it has no room left):
    from the largest of them down, the pixels moving are counted and the norm is summed up until it is too long.
    """
    magnitude = vectors.abs()
    bends, order = torch.cat([magnitude, magnitude - room], 1).sort(dim=1, descending=True)
    moving = (1 - 2 * (order >= vectors.shape[1]).to(vectors.dtype)).cumsum(1)  # below each bend
    norms = torch.zeros_like(bends)
    norms[:, 1:] = ((bends[:, :-1] - bends[:, 1:]) * moving[:, :-1]).cumsum(1)  # at each bend
    last = (norms <= radius).sum(1, keepdim=True) - 1
    missing = (radius - norms.gather(1, last)) / moving.gather(1, last).clamp_min(1)
    threshold = (bends.gather(1, last) - missing).clamp_min(0)  # negative: the row is inside already
    return torch.sign(vectors) * torch.minimum((magnitude - threshold).clamp_min(0), room)


def steepest(
    gradient: Tensor,
    x: Tensor,
    length: float | Tensor,
    norm: str,
    box: tuple[float, float] = (0.0, 1.0),
    pixels: Tensor | None = None,
) -> Tensor:
    """Return the step from x [n, ...], of this length (a number, or one for each example, [n]), that raises a linear
    function with this gradient most.

    For l1 it stays in the box, see sparse_step; pixels [n] is the number it moves, n/100 unless given.
    """
    far = per_example(length, x) if isinstance(length, Tensor) else length
    if norm == "linf":
        return far * gradient.sign()
    if norm == "l2":
        size = torch.linalg.vector_norm(gradient.flatten(1), dim=1).clamp_min(1e-12)
        return far * (gradient * per_example(1 / size, gradient))
    if pixels is None:
        pixels = x.new_full((len(x),), max(1, x[0].numel() // SPARSITY if len(x) else 1))
    room = torch.where(gradient > 0, box[1] - x, x - box[0])
    whole = length if isinstance(length, Tensor) else torch.full_like(pixels, length)
    return sparse_step(gradient.flatten(1), room.flatten(1), whole, pixels).reshape(x.shape)


def sparse_step(gradient: Tensor, room: Tensor, length: Tensor, pixels: Tensor) -> Tensor:
    """Return steps [n, d] of l1 norm `length` [n] along the pixels of largest gradient, in equal parts for so many
    `pixels` [n], none beyond its room [n, d]. What one has no room for goes to the next.

    With one pixel it is the step of steepest ascent in ball and box (Croce & Hein 2021); more than one, as they and
    Tramer & Boneh (2019, section 4.2) choose, make up for a gradient that changes along the step.
    """
    most = torch.minimum(room, (length / pixels)[:, None]) * (gradient != 0)
    order = gradient.abs().sort(dim=1, descending=True, stable=True).indices
    share = most.gather(1, order)
    left = (length[:, None] - (share.cumsum(1) - share)).clamp_min(0)
    steps = torch.zeros_like(gradient).scatter(1, order, torch.minimum(share, left))
    return gradient.sign() * steps
