"""The learning rate as a pure function of how far training has come; nothing to save, nothing to restore."""

from __future__ import annotations

from rkblocks.runs.config import Config

WARM_UP = 0.3  # share of a one-cycle training in which the rate rises


def learning_rate(config: Config, epoch: int, step: int, steps_per_epoch: int) -> float:
    """The rate of step `step` (from 0) of epoch `epoch` (from 0)."""
    rate, schedule = config.optimizer.lr, config.schedule
    if schedule.kind == "steps":
        return rate * schedule.gamma ** sum(epoch >= milestone for milestone in schedule.milestones)
    if schedule.kind == "one-cycle":
        done = (epoch * steps_per_epoch + step + 1) / (config.training.epochs * steps_per_epoch + 1)
        return rate * min(done / WARM_UP, (1 - done) / (1 - WARM_UP))
    return rate
