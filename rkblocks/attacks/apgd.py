"""Auto-PGD: PGD that chooses its steps itself (Croce & Hein 2020; in l1, Croce & Hein 2021, "Mind the box").

A climb goes from a start, remembers the best point, and adapts its steps at checkpoints (algorithm 1). How a step is
taken and adapted is a rule of its own: Halving in linf and l2, Sparse in l1.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final, Self

import torch
from torch import Tensor, nn

from rkblocks.attacks.losses import input_gradient, labels_of, objective
from rkblocks.attacks.projection import per_example, project, steepest
from rkblocks.attacks.trials import Inner, Problem, Trial, Watch, goals, repeat, starting_point
from rkblocks.settings.attacks import own_step
from rkblocks.settings.threat import LARGEST, Threat

WIDER: Final = (3, 2, 1)  # in l1, the radii of the climbs in units of eps
SHORT: Final = 3  # tenths of the steps, which each climb but the last one gets
#: Of Halving.
MOMENTUM: Final = 0.75  # alpha of eq. (1): the share of the new step
IMPROVING: Final = 0.75  # rho: fewer improving steps than this share since the last checkpoint halve the step
#: Of Sparse.
FIRST_SHARE: Final = 0.2  # of the pixels, which the first steps move
EVERY: Final = 0.04  # of the steps: the distance of the checkpoints
FEWER: Final = 1.5  # a step moves this factor fewer pixels than the best point has changed
SPARSER: Final = 0.95  # below this share of the pixels changed at the last checkpoint, the step is long again
SHORTER: Final = 1.5  # otherwise the step is shortened by this factor
SHORTEST: Final = 10  # down to this fraction of the first


def apgd(problem: Problem) -> Tensor:
    """Return adversarial examples [n, ...]: under `any` the first misclassified iterate of each example, else (and
    under `final` always) its iterate of highest loss.

    With targets there is a search for each target class (APGD-T where the loss is dlr). In l1 iterates count in the
    last climb alone, since the others leave the ball; an observer sees all.
    """
    return repeat(problem, _search(problem), goals(problem))


def climbs(threat: Threat) -> list[Threat]:
    """Return the threat models of the climbs, one after the other: in l1 the balls of radius 3 eps, 2 eps and eps, with
    30, 30 and 40 % of the steps, where there are steps for all; otherwise one.
    """
    if threat.norm != "l1":
        return [threat]
    short = SHORT * threat.steps // 10
    steps = (short, short, threat.steps - 2 * short)
    radii = [min(times * threat.eps, Fraction(LARGEST)) for times in WIDER]
    return [own_step(replace(threat, eps=eps, steps=n)) for eps, n in zip(radii, steps, strict=True) if n]


def _search(problem: Problem) -> Inner:
    def search(trial: Trial) -> Tensor:
        parts, passes = climbs(problem.threat), 0
        point = starting_point(trial.anchor, parts[0], trial.streams)
        for number, part in enumerate(parts):
            if number:
                point = project(trial.anchor, point, float(part.eps), part.norm, part.box)
            sparse = part.norm == "l1"
            state = Sparse.begin(point, part, trial.anchor, not number) if sparse else Halving.begin(point, part)
            own = replace(trial, watch=_later(trial.watch, passes))
            stop = problem.definition == "any" and part is parts[-1]
            point = climb(problem.model, own, state, part, stop)
            passes += part.steps + 1
        return point

    return search


def _later(watch: Watch | None, passes: int) -> Watch | None:
    """Return the observer of a climb before which there were so many forward passes."""
    return watch and (lambda step, rows, logits: watch(passes + step, rows, logits))


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


def climb(model: nn.Module, trial: Trial, state: Climber, threat: Threat, stop: bool) -> Tensor:
    """Return the point of highest loss for each example; with `stop`, the first misclassified one, where there is one.

    The examples of `state` are those of the trial, each at its start.
    """
    anchor, goal, watch = trial.anchor, trial.goal, trial.watch
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


@dataclass
class Halving(Climber):
    """The rule in linf and l2 (section 3): momentum, and a step that halves where it does no good."""

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
        eps, x = float(threat.eps), self.x
        moved = x + steepest(self.gradient, x, self.step, threat.norm, threat.box)
        moved = project(anchor, moved, eps, threat.norm, threat.box)
        if first:
            return moved
        blend = x + MOMENTUM * (moved - x) + (1 - MOMENTUM) * (x - self.previous)
        return project(anchor, blend, eps, threat.norm, threat.box)

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


@dataclass
class Sparse(Climber):
    """The rule in l1: a step moves few pixels, and fewer as the change of the best point becomes sparser."""

    pixels: Tensor  # [k], how many a step moves
    changed: Tensor  # [k], how many the best point differed in at the last checkpoint

    @classmethod
    def begin(cls, start: Tensor, threat: Threat, anchor: Tensor, first: bool) -> Sparse:
        """Return a climber at its start [n, ...]: that of the attack (`first`), or where another climb ended."""
        size = start[0].numel() if len(start) else 1
        changed = _changed(start, anchor)
        pixels = torch.full_like(changed, FIRST_SHARE * size) if first else changed / FEWER
        return cls.at(start, threat, pixels=pixels, changed=torch.full_like(changed, size) if first else changed)

    @staticmethod
    def checkpoints(steps: int) -> list[int]:
        """Return every 25th part of the steps."""
        every = max(int(EVERY * steps), 1)
        return list(range(every, steps + 1, every))

    def ahead(self, anchor: Tensor, threat: Threat, first: bool) -> Tensor:
        """Return the next iterates: the pixels of largest gradient moved alike, then projected to ball and box."""
        up = steepest(self.gradient, self.x, self.step, threat.norm, threat.box, self.pixels.floor().clamp_min(1))
        return project(anchor, self.x + up, float(threat.eps), threat.norm, threat.box)

    def adapt(self, anchor: Tensor, threat: Threat, since: int) -> None:
        """Where the best point has become sparser, go back to it with a long step; elsewhere shorten the step."""
        changed = _changed(self.best, anchor)
        sparser = changed < SPARSER * self.changed
        whole = float(threat.length)
        self.step = torch.where(sparser, whole, (self.step / SHORTER).clamp_min(whole / SHORTEST))
        self.return_to_best(sparser)
        self.pixels, self.changed = changed / FEWER, changed


def _changed(point: Tensor, anchor: Tensor) -> Tensor:
    """Return in how many pixels each point differs from its anchor, [n] as floats."""
    return (point != anchor).flatten(1).sum(1).to(point.dtype)
