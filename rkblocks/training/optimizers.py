"""Optimisers over two groups of parameters: weights, which decay, and the coefficients of schemes, which never do.

A coefficient such as beta10 of the Ark block is stored unconstrained; decay would pull the scheme towards the middle of
its domain, which has nothing to do with the size of weights. The published code decays it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rkblocks.blocks import coefficient_parameters
from rkblocks.training.config import Optimizer


def optimizer(settings: Optimizer, model: nn.Module) -> torch.optim.Optimizer:
    """SGD or Adam over the model's parameters, `weight_decay` on all but scheme coefficients."""
    coefficients = coefficient_parameters(model)
    known = {id(parameter) for parameter in coefficients}
    weights = [parameter for parameter in model.parameters() if id(parameter) not in known]
    groups: list[dict[str, Any]] = [{"params": weights, "weight_decay": settings.weight_decay}]
    if coefficients:
        groups.append({"params": coefficients, "weight_decay": 0.0})
    if settings.name == "adam":
        first, second = settings.betas
        return torch.optim.Adam(groups, lr=settings.lr, betas=(first, second))
    nesterov = settings.nesterov and settings.momentum > 0
    return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum, nesterov=nesterov)
