"""Optimisers of a network: weights decay, the coefficients of schemes never do (the published code decays them)."""

from __future__ import annotations

import torch
from torch import nn

from rkblocks.blocks import parameter_groups
from rkblocks.training.config import Optimizer


def optimizer(settings: Optimizer, model: nn.Module) -> torch.optim.Optimizer:
    """SGD or Adam over the model's parameters, `weight_decay` on all but scheme coefficients."""
    groups = parameter_groups(model, settings.weight_decay)
    if settings.name == "adam":
        first, second = settings.betas
        return torch.optim.Adam(groups, lr=settings.lr, betas=(first, second))
    nesterov = settings.nesterov and settings.momentum > 0
    return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum, nesterov=nesterov)
