"""Expectation over the randomness of a model (Athalye et al. 2018, section 4.2): each pass of an attack is the mean of
several of the model.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Averaged(nn.Module):
    """The mean of the logits of `passes` forward passes: their gradient is the mean of the gradients."""

    def __init__(self, model: nn.Module, passes: int) -> None:
        super().__init__()
        self.model, self.passes = model, passes

    def forward(self, x: Tensor) -> Tensor:
        """Return mean logits [n, classes]."""
        return torch.stack([self.model(x) for _ in range(self.passes)]).mean(0)
