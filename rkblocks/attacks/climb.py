"""The climb of Auto-PGD (Croce & Hein 2020, algorithm 1): from a start, remembering the best point, with steps that
adapt at checkpoints. How a step is taken and adapted is a rule of its own: halving.py for linf and l2, sparse.py for
l1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from rkblocks.attacks.geometry import per_example
from rkblocks.attacks.losses import input_gradient, labels_of, objective
from rkblocks.attacks.search import Watch
from rkblocks.settings.threat import Threat


@dataclass
class Climber(ABC):
    """What a climb knows about each example still in the batch; every field is [k, ...]."""

    rows: Tensor  # its place in the batch
    x: Tensor
    previous: Tensor
    gradient: Tensor
    best: Tensor
    best_gradient: Tensor
    best_loss: Tensor
    loss: Tensor
    step: Tensor  # [k], length of its step

    @staticmethod
    @abstractmethod
    def checkpoints(steps: int) -> list[int]:
        """Return the steps after which `adapt` is called."""

    @abstractmethod
    def ahead(self, anchor: Tensor, threat: Threat, first: bool) -> Tensor:
        """Return the next iterates, in ball and box around the anchors [k, ...]."""

    @abstractmethod
    def adapt(self, anchor: Tensor, threat: Threat, since: int) -> None:
        """Choose the step anew at a checkpoint, `since` steps after the last one; maybe return to the best point."""

    @classmethod
    def at(cls, start: Tensor, threat: Threat, **own: Any) -> Self:
        """Return a climber at its start, with a step of the threat model's length and a rule's own fields."""
        n, zeros = len(start), torch.zeros(len(start), device=start.device, dtype=start.dtype)
        rows, flat = torch.arange(n, device=start.device), torch.zeros_like(start)
        return cls(rows, start, start, flat, start, flat, zeros, zeros, zeros + float(threat.length), **own)

    def keep(self, chosen: Tensor) -> None:
        """Drop the other examples."""
        for name, value in vars(self).items():
            setattr(self, name, value[chosen])

    def remember(self, loss: Tensor, first: bool) -> None:
        """Take note of the losses [k] at x, and of the best point so far."""
        if first:
            self.best, self.best_gradient = self.x.clone(), self.gradient.clone()
            self.best_loss = self.loss = loss.clone()
            return
        self.loss = loss
        better = loss > self.best_loss
        self.best = torch.where(per_example(better, self.x), self.x, self.best)
        self.best_gradient = torch.where(per_example(better, self.x), self.gradient, self.best_gradient)
        self.best_loss = torch.where(better, loss, self.best_loss)

    def return_to_best(self, chosen: Tensor) -> None:
        """Put these examples [k] (a mask) back to their best point."""
        self.x = torch.where(per_example(chosen, self.x), self.best, self.x)
        self.gradient = torch.where(per_example(chosen, self.x), self.best_gradient, self.gradient)


def climb(
    model: nn.Module, anchor: Tensor, goal: Tensor, state: Climber, threat: Threat, stop: bool, watch: Watch | None
) -> Tensor:
    """Return the point of highest loss for each example; with `stop`, the first misclassified one, where there is one.

    The examples of `state` are those of the batch, each at its start.
    """
    result, looked_at, labels = state.x.clone(), set(state.checkpoints(threat.steps)), labels_of(goal)
    since = 0
    for step in range(threat.steps + 1):
        if step:
            state.previous, state.x = state.x, state.ahead(anchor[state.rows], threat, first=step == 1)
        logits, state.gradient = _evaluate(model, state.x, goal[state.rows], threat.loss, step < threat.steps)
        if watch:
            watch(step, state.rows, logits)
        if stop:
            broken = logits.argmax(1) != labels[state.rows]
            if bool(broken.any()):
                result[state.rows[broken]] = state.x[broken]
                state.keep(~broken)
                if not len(state.rows):
                    return result
                logits = logits[~broken]
        state.remember(objective(threat.loss, logits, goal[state.rows]).detach(), first=not step)
        since += step > 0
        if step in looked_at:
            state.adapt(anchor[state.rows], threat, since)
            since = 0
    result[state.rows] = state.best
    return result


def _evaluate(model: nn.Module, x: Tensor, goal: Tensor, loss: str, gradient: bool) -> tuple[Tensor, Tensor]:
    """Return logits and gradient at x; the last iterate needs no gradient, and gets zeros."""
    if gradient:
        return input_gradient(model, x, goal, loss)
    with torch.no_grad():
        return model(x), torch.zeros_like(x)
