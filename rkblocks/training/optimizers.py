"""How weights are moved: the optimiser, what decays, and the learning rate.

Weights decay; the coefficients of schemes never do unless asked (the published code decays them).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from rkblocks.blocks import parameter_groups
from rkblocks.runs.config import Config, Optimizer

WARM_UP = 0.3  # share of a one-cycle training in which the rate rises


def optimizer(settings: Optimizer, model: nn.Module) -> torch.optim.Optimizer:
    """SGD or Adam over the model's parameters, `weight_decay` on those that `decayed` names."""
    groups = decay_groups(settings, model)
    if settings.name == "adam":
        first, second = settings.betas
        return torch.optim.Adam(groups, lr=settings.lr, betas=(first, second))
    nesterov = settings.nesterov and settings.momentum > 0
    return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum, nesterov=nesterov)


def decay_groups(settings: Optimizer, model: nn.Module) -> list[dict[str, Any]]:
    """Parameter groups with their weight decay; every parameter of the model is in one of them.

    - network: all decay but the coefficients of schemes.
    - weights: of these, tensors of two dimensions and more: no biases, no scale or shift of a normalisation.
    - published: all, coefficients as well.
    """
    decay = settings.weight_decay
    if settings.decayed == "published":
        return [{"params": list(model.parameters()), "weight_decay": decay}]
    groups = parameter_groups(model, decay)
    if settings.decayed == "weights":
        everything, *coefficients = groups
        vectors = [p for p in everything["params"] if p.dim() < 2]
        everything["params"] = [p for p in everything["params"] if p.dim() >= 2]
        groups = [everything, {"params": vectors, "weight_decay": 0.0}, *coefficients]
    return groups


def learning_rate(config: Config, epoch: int, step: int, steps_per_epoch: int) -> float:
    """The rate of step `step` (from 0) of epoch `epoch` (from 0): nothing to save, nothing to restore."""
    rate, schedule = config.optimizer.lr, config.schedule
    if schedule.kind == "steps":
        return rate * schedule.gamma ** sum(epoch >= milestone for milestone in schedule.milestones)
    if schedule.kind == "one-cycle":
        done = (epoch * steps_per_epoch + step + 1) / (config.training.epochs * steps_per_epoch + 1)
        return rate * min(done / WARM_UP, (1 - done) / (1 - WARM_UP))
    return rate
