"""Inputs of any shape as images: for an attack that changes squares of pixels."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn


class Folded(nn.Module):
    """A model of inputs like `like` [n, ...], as one of images [n, C, H, W] that hold the same numbers.

    Vectors [n, d] are laid out in rows of about sqrt(d), the last one filled up with zeros that the model never sees;
    of an input with more axes the last two are height and width. A norm of a change is that of the change of the image,
    or less.
    """

    def __init__(self, model: nn.Module, like: Tensor) -> None:
        super().__init__()
        self.model, self._shape = model, like.shape[1:]
        if like.dim() == 2:
            width = max(math.isqrt(like.shape[1] - 1) + 1, 1)
            self._grid = (1, -(-like.shape[1] // width), width)
        else:
            self._grid = (math.prod(like.shape[1:-2]), *like.shape[-2:])

    def images(self, x: Tensor) -> Tensor:
        """Return inputs [n, ...] as images [n, C, H, W]."""
        flat = x.flatten(1)
        return F.pad(flat, (0, math.prod(self._grid) - flat.shape[1])).reshape(-1, *self._grid)

    def inputs(self, images: Tensor) -> Tensor:
        """Return images as the inputs [n, ...] that they hold."""
        return images.flatten(1)[:, : math.prod(self._shape)].reshape(-1, *self._shape)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits [n, classes] of the inputs that the images hold."""
        logits: Tensor = self.model(self.inputs(images))
        return logits
