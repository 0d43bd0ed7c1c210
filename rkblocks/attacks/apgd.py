"""Auto-PGD (Croce & Hein 2020, algorithm 1): momentum, a step size that halves by itself, returns to the best point.

For linf and l2. (In l1 the method needs other steps, Croce & Hein 2021; AutoAttack has them.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from rkblocks.attacks.geometry import per_example
from rkblocks.attacks.losses import input_gradient, labels_of, objective
from rkblocks.attacks.projection import project, steepest
from rkblocks.attacks.search import Inner, Observer, Watch, repeat, starting_point
from rkblocks.attacks.streams import Streams
from rkblocks.attacks.targeted import goals
from rkblocks.attacks.threat import Threat

MOMENTUM = 0.75  # alpha of eq. (1): the share of the new step
IMPROVING = 0.75  # rho: fewer improving steps than this share since the last checkpoint halve the step


def own_step(threat: Threat) -> Threat:
    """Return the threat model as APGD uses it: its first step is 2 eps long, whatever was asked for."""
    return replace(threat, step=2 * threat.eps)


def apgd(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    streams: Streams,
    *,
    definition: str = "final",
    observe: Observer | None = None,
) -> Tensor:
    """Return adversarial examples [n, ...]: under `any` the first misclassified iterate of each example, else (and
    under `final` always) its iterate of highest loss.

    With targets there is a search for each target class (APGD-T where the loss is dlr).
    """
    return repeat(model, x, goals(model, x, y, threat), threat, streams, _search(model, threat, definition), observe)


def checkpoints(steps: int) -> list[int]:
    """Return the steps after which the step sizes are looked at (section 3.1): intervals of 22 % of the steps, each 3 %
    shorter than the one before, at least 6 %.
    """
    interval, least, shrink = (max(int(share * steps), 1) for share in (0.22, 0.06, 0.03))
    found = [interval]
    while found[-1] < steps:
        interval = max(interval - shrink, least)
        found.append(found[-1] + interval)
    return [at for at in found if at <= steps]


@dataclass
class _State:
    """What the search knows about each example still in the batch; every field is [k, ...]."""

    rows: Tensor  # its place in the batch
    x: Tensor
    previous: Tensor
    gradient: Tensor
    best: Tensor
    best_gradient: Tensor
    best_loss: Tensor
    loss: Tensor
    step: Tensor  # [k], length of its step
    improved: Tensor  # [k], number of steps since the checkpoint that raised the loss
    checked_loss: Tensor  # [k], best loss at the last checkpoint
    halved: Tensor  # [k], whether the step was halved there

    def keep(self, chosen: Tensor) -> None:
        """Drop the other examples."""
        for name, value in vars(self).items():
            setattr(self, name, value[chosen])


def _search(model: nn.Module, threat: Threat, definition: str) -> Inner:
    def search(anchor: Tensor, goal: Tensor, streams: Streams, watch: Watch | None) -> Tensor:
        looked_at, labels = set(checkpoints(threat.steps)), labels_of(goal)
        result = starting_point(anchor, threat, streams)
        state = _begin(result, threat)
        since = 0
        for step in range(threat.steps + 1):
            if step:
                state.previous, state.x = state.x, _move(state, anchor[state.rows], threat, first=step == 1)
            logits, state.gradient = _evaluate(model, state.x, goal[state.rows], threat.loss, step < threat.steps)
            if watch:
                watch(step, state.rows, logits)
            broken = logits.argmax(1) != labels[state.rows]
            if definition == "any" and bool(broken.any()):
                result[state.rows[broken]] = state.x[broken]
                state.keep(~broken)
                if not len(state.rows):
                    return result
                logits = logits[~broken]
            _remember(state, objective(threat.loss, logits, goal[state.rows]).detach(), first=not step)
            since += step > 0
            if step in looked_at:
                _adapt(state, since)
                since = 0
        result[state.rows] = state.best
        return result

    return search


def _begin(start: Tensor, threat: Threat) -> _State:
    n, zeros = len(start), torch.zeros(len(start), device=start.device, dtype=start.dtype)
    return _State(
        rows=torch.arange(n, device=start.device),
        x=start,
        previous=start,
        gradient=torch.zeros_like(start),
        best=start,
        best_gradient=torch.zeros_like(start),
        best_loss=zeros,
        loss=zeros,
        step=zeros + float(threat.length),
        improved=zeros.long(),
        checked_loss=zeros,
        halved=torch.ones_like(zeros, dtype=torch.bool),
    )


def _evaluate(model: nn.Module, x: Tensor, goal: Tensor, loss: str, gradient: bool) -> tuple[Tensor, Tensor]:
    """Return logits and gradient at x; the last iterate needs no gradient, and gets zeros."""
    if gradient:
        return input_gradient(model, x, goal, loss)
    with torch.no_grad():
        return model(x), torch.zeros_like(x)


def _move(state: _State, anchor: Tensor, threat: Threat, first: bool) -> Tensor:
    """Return the next iterates (eq. 1): three quarters of the projected step, one of the last change."""
    low, high = (float(bound) for bound in threat.bounds)
    eps, x = float(threat.eps), state.x
    ahead = x + per_example(state.step, x) * steepest(state.gradient, x, threat.norm, low, high)
    ahead = project(anchor, ahead, eps, threat.norm, low, high)
    if first:
        return ahead
    blend = x + MOMENTUM * (ahead - x) + (1 - MOMENTUM) * (x - state.previous)
    return project(anchor, blend, eps, threat.norm, low, high)


def _remember(state: _State, loss: Tensor, first: bool) -> None:
    """Take note of the losses at state.x: the best point, and whether the step raised the loss."""
    if first:
        state.best, state.best_gradient = state.x.clone(), state.gradient.clone()
        state.best_loss = state.checked_loss = state.loss = loss.clone()
        return
    state.improved = state.improved + (loss > state.loss)
    state.loss = loss
    better = loss > state.best_loss
    state.best = torch.where(per_example(better, state.x), state.x, state.best)
    state.best_gradient = torch.where(per_example(better, state.x), state.gradient, state.best_gradient)
    state.best_loss = torch.where(better, loss, state.best_loss)


def _adapt(state: _State, since: int) -> None:
    """At a checkpoint: halve the step and return to the best point where too few of the steps `since` the last one
    raised the loss (condition 1), or where neither step nor best loss have changed since (condition 2).
    """
    rarely = state.improved <= IMPROVING * since
    stuck = ~state.halved & (state.best_loss <= state.checked_loss)
    halve = rarely | stuck
    state.step = torch.where(halve, state.step / 2, state.step)
    state.x = torch.where(per_example(halve, state.x), state.best, state.x)
    state.gradient = torch.where(per_example(halve, state.x), state.best_gradient, state.gradient)
    state.halved, state.checked_loss = halve, state.best_loss.clone()
    state.improved = torch.zeros_like(state.improved)
