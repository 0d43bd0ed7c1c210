"""What the Square attack changes (Andriushchenko et al. 2020; l1: Croce & Hein 2021): its start, its patches, and how
their side shrinks.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from rkblocks.attacks.streams import Streams

SHARE = 0.8  # of the image in the first patch: p of the paper's section 5.1, the value of AutoAttack
#: The share is halved after each of these queries out of 10000; other budgets are rescaled (section 3.2).
HALVINGS: Final = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
#: How fast a bump falls from its centre, by norm: exponent of the levels of a pyramid.
DECAY: Final = {"l2": 2, "l1": 4}


def patch_side(query: int, queries: int, images: Tensor, norm: str) -> int:
    """Return the side of the patch of query number 1, 2, … ; in l2 and l1 it is odd and at least 3 where the image
    allows.
    """
    height, width = images.shape[-2:]
    at = (query - 1) * 10_000 // queries
    share = SHARE / 2 ** sum(at > halving for halving in HALVINGS)
    side = max(round(math.sqrt(share * height * width)), 1 if norm == "linf" else 3)
    side += norm != "linf" and side % 2 == 0
    return min(side, height, width)


class Patch:
    """Random patches of one side, one for each image, from uniform numbers [k, NUMBERS + channels]."""

    NUMBERS: Final = 5  # two corners, one orientation; then a sign for each channel

    def __init__(self, numbers: Tensor, side: int) -> None:
        self.side, self._numbers = side, numbers
        self.upright = numbers[:, 4] < 0.5
        self.signs = (1 - 2 * (numbers[:, self.NUMBERS :] < 0.5).to(numbers.dtype))[:, :, None, None]

    def inside(self, height: int, width: int, corner: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return where the patch at its first or second corner (0, 1) lies: mask [k, 1, h, w], and the rows [k, h, 1]
        and columns [k, 1, w] of the patch that each pixel has (of use inside only).
        """
        u = self._numbers[:, 2 * corner : 2 * corner + 2]
        top = (u[:, 0] * (height - self.side + 1)).long().clamp_max(height - self.side)
        left = (u[:, 1] * (width - self.side + 1)).long().clamp_max(width - self.side)
        rows = torch.arange(height, device=u.device)[None, :, None] - top[:, None, None]
        columns = torch.arange(width, device=u.device)[None, None, :] - left[:, None, None]
        mask = (rows >= 0) & (rows < self.side) & (columns >= 0) & (columns < self.side)
        return mask[:, None], rows.clamp(0, self.side - 1), columns.clamp(0, self.side - 1)


def stripes(anchor: Tensor, eps: float, streams: Streams) -> Tensor:
    """Return the linf start: vertical stripes of width one, each channel of each stripe at plus or minus eps."""
    signs = 1 - 2 * (streams.uniform(anchor[:, :, :1], "stripes") < 0.5).to(anchor.dtype)
    return anchor + eps * signs


def squares(anchor: Tensor, best: Tensor, patch: Patch, eps: float) -> Tensor:
    """Return `best` with a square of each image at plus or minus eps, by channel."""
    height, width = anchor.shape[-2:]
    mask, _, _ = patch.inside(height, width, corner=0)
    return torch.where(mask, anchor + eps * patch.signs, best)


def tiles(anchor: Tensor, eps: float, streams: Streams, norm: str = "l2") -> Tensor:
    """Return the start in l2 and l1: five by five bumps of random orientation and sign, in l2 of length eps together,
    in l1 of length one each.
    """
    channels, height, width = anchor.shape[1:]
    side = max(min(height, width) // 5, 1)
    tall, wide = min(5, height // side), min(5, width // side)
    numbers = streams.uniform(anchor.new_empty(len(anchor), tall * wide, 1 + channels), "tiles")
    shape = bump(side, anchor, norm)
    turned = torch.where((numbers[:, :, :1, None] < 0.5), shape, shape.T)[:, :, None]  # [n, tiles, 1, side, side]
    signed = turned * (1 - 2 * (numbers[:, :, 1:, None, None] < 0.5).to(anchor.dtype))
    grid = signed.reshape(-1, tall, wide, channels, side, side).permute(0, 3, 1, 4, 2, 5)
    delta = torch.zeros_like(anchor)
    top, left = (height - side * tall) // 2, (width - side * wide) // 2
    delta[:, :, top : top + side * tall, left : left + side * wide] = grid.reshape(
        -1, channels, side * tall, side * wide
    )
    return anchor + (_of_length(delta, eps) if norm == "l2" else delta)


def windows(anchor: Tensor, best: Tensor, patch: Patch, eps: float, norm: str = "l2") -> Tensor:
    """Return `best` with the change in one window moved to another and bent by a bump; what is left of eps goes there
    too. In l2 it is scaled to length eps, in l1 it is for the caller to project.
    """
    delta, channels = best - anchor, anchor.shape[1]
    shape = bump(patch.side, anchor, norm)
    height, width = anchor.shape[-2:]
    target, rows, columns = patch.inside(height, width, corner=0)
    source, _, _ = patch.inside(height, width, corner=1)
    bumps = torch.where(patch.upright[:, None, None], shape[rows, columns], shape[columns, rows])[:, None] * target
    held = delta * target
    fresh = bumps * patch.signs + held / _norm(held, (2, 3), norm).clamp_min(1e-12)
    there = _norm(delta * (target | source), (2, 3), norm)
    if norm == "l2":
        budget = ((eps**2 - _norm(delta, (1, 2, 3), norm) ** 2).clamp_min(0) / channels + there**2).sqrt()
    else:
        budget = (eps - _norm(delta, (1, 2, 3), norm)).clamp_min(0) + channels * there  # more than fits, if colours
    fresh = fresh / _norm(fresh, (2, 3), norm).clamp_min(1e-12) * budget
    moved = torch.where(target, fresh, delta.masked_fill(source, 0))
    return anchor + (_of_length(moved, eps) if norm == "l2" else moved)


def bump(side: int, like: Tensor, norm: str = "l2") -> Tensor:
    """Return the pattern [side, side] of length one: a pyramid above its negative (the paper's eta, section 3.4)."""
    upper, lower = side // 2, side - side // 2
    found = torch.cat([_pyramid(upper, side, like, norm), -_pyramid(lower, side, like, norm)])
    return found / _norm(found, (0, 1), norm)


def _pyramid(height: int, width: int, like: Tensor, norm: str) -> Tensor:
    """Return [height, width] of length one, falling from its centre: 1 / (k + 1)^decay summed over k >= distance."""
    levels = max(height // 2, width // 2) + 1
    weights = 1 / torch.arange(1, levels + 1, device=like.device, dtype=like.dtype) ** DECAY[norm]
    tail = weights.flip(0).cumsum(0).flip(0)
    down = (torch.arange(height, device=like.device) - height // 2).abs()
    across = (torch.arange(width, device=like.device) - width // 2).abs()
    found = tail[torch.maximum(down[:, None], across[None, :])]
    return found / _norm(found, (0, 1), norm).clamp_min(1e-12)


def _norm(values: Tensor, dims: tuple[int, ...], norm: str) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(values, ord={"l2": 2, "l1": 1}[norm], dim=dims, keepdim=True)
    return length


def _of_length(delta: Tensor, eps: float) -> Tensor:
    return delta * (eps / _norm(delta, (1, 2, 3), "l2").clamp_min(1e-12))
