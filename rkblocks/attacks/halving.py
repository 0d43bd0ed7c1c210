"""The steps of Auto-PGD in linf and l2 (Croce & Hein 2020, section 3): momentum, and a length that halves by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from rkblocks.attacks.climb import Climber
from rkblocks.attacks.projection import project, steepest
from rkblocks.settings.threat import Threat

MOMENTUM: Final = 0.75  # alpha of eq. (1): the share of the new step
IMPROVING: Final = 0.75  # rho: fewer improving steps than this share since the last checkpoint halve the step


@dataclass
class Halving(Climber):
    """A climber whose step halves where it does no good."""

    improved: Tensor  # [k], number of steps since the checkpoint that raised the loss
    checked_loss: Tensor  # [k], best loss at the last checkpoint
    halved: Tensor  # [k], whether the step was halved there

    @classmethod
    def begin(cls, start: Tensor, threat: Threat) -> Halving:
        """Return a climber at its start [n, ...]."""
        zeros = torch.zeros(len(start), device=start.device, dtype=start.dtype)
        halved = torch.ones_like(zeros, dtype=torch.bool)
        return cls.at(start, threat, improved=zeros.long(), checked_loss=zeros, halved=halved)

    @staticmethod
    def checkpoints(steps: int) -> list[int]:
        """Return the steps after which the step sizes are looked at (section 3.1): intervals of 22 % of the steps, each
        3 % shorter than the one before, at least 6 %.
        """
        interval, least, shrink = (max(int(share * steps), 1) for share in (0.22, 0.06, 0.03))
        found = [interval]
        while found[-1] < steps:
            interval = max(interval - shrink, least)
            found.append(found[-1] + interval)
        return [at for at in found if at <= steps]

    def ahead(self, anchor: Tensor, threat: Threat, first: bool) -> Tensor:
        """Return the next iterates (eq. 1): three quarters of the projected step, one of the last change."""
        low, high = (float(bound) for bound in threat.bounds)
        eps, x = float(threat.eps), self.x
        moved = x + steepest(self.gradient, x, self.step, threat.norm, low, high)
        moved = project(anchor, moved, eps, threat.norm, low, high)
        if first:
            return moved
        blend = x + MOMENTUM * (moved - x) + (1 - MOMENTUM) * (x - self.previous)
        return project(anchor, blend, eps, threat.norm, low, high)

    def remember(self, loss: Tensor, first: bool) -> None:
        """Take note of the losses, and whether the step raised them."""
        self.improved = self.improved + (loss > self.loss) * (not first)
        super().remember(loss, first)
        if first:
            self.checked_loss = self.best_loss

    def adapt(self, anchor: Tensor, threat: Threat, since: int) -> None:
        """Halve the step and return to the best point where too few of the steps raised the loss (condition 1), or
        where neither step nor best loss have changed since the last checkpoint (condition 2).
        """
        rarely = self.improved <= IMPROVING * since
        stuck = ~self.halved & (self.best_loss <= self.checked_loss)
        halve = rarely | stuck
        self.step = torch.where(halve, self.step / 2, self.step)
        self.return_to_best(halve)
        self.halved, self.checked_loss = halve, self.best_loss.clone()
        self.improved = torch.zeros_like(self.improved)
