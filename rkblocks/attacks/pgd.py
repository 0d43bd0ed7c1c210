"""Projected gradient descent (Madry et al. 2018; paper section 4.3), for every norm and loss of the threat model.

Two definitions of success. `final`: the last iterate is the adversarial example, as in the paper's tables. `any`: the
first iterate that is misclassified is kept and the example attacked no further, which is both stronger and cheaper.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rkblocks.attacks.geometry import uniform_in_ball
from rkblocks.attacks.losses import LOSS, input_gradient
from rkblocks.attacks.projection import project, steepest
from rkblocks.attacks.streams import Streams
from rkblocks.attacks.threat import Threat

Observer = Callable[[int, int, Tensor, Tensor], None]
"""Called as observe(restart, step, rows, logits): the logits of iterate number `step` (0 is the start) of these rows.
"""


def pgd(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    streams: Streams,
    *,
    definition: str = "final",
    observe: Observer | None = None,
) -> Tensor:
    """Return adversarial examples [n, ...] for a model that the caller has frozen (see run.run).

    A further restart goes only to examples that are not broken yet; of an example never broken the point of highest
    loss is kept. With one restart and `final` there are exactly `steps` forward and input-only backward passes.
    """
    best, best_loss = x.clone(), torch.full((len(x),), float("-inf"), device=x.device, dtype=x.dtype)
    pending = torch.arange(len(x), device=x.device)
    for restart in range(threat.restarts):
        anchor, labels, own = x[pending], y[pending], streams.fork(f"restart {restart}").select(pending)
        start = starting_point(anchor, threat, own)
        watch = _renumbered(observe, restart, pending)
        if definition == "final":
            found = _last_iterate(model, anchor, labels, start, threat, watch)
            if threat.restarts == 1:
                return found
        else:
            found = _first_broken(model, anchor, labels, start, threat, watch)
        with torch.no_grad():
            logits = model(found)
        broken = logits.argmax(1) != labels
        loss = LOSS[threat.loss](logits, labels).to(x.dtype).masked_fill(broken, float("inf"))
        better = loss > best_loss[pending]
        best[pending[better]], best_loss[pending[better]] = found[better], loss[better]
        pending = pending[~broken]
        if not len(pending):
            break
    return best


def starting_point(x: Tensor, threat: Threat, streams: Streams) -> Tensor:
    """Return x, or with a random start a uniform point of the ball around it, clamped to the box."""
    if not threat.random_start:
        return x
    low, high = (float(bound) for bound in threat.bounds)
    return (x + uniform_in_ball(x, float(threat.eps), threat.norm, streams)).clamp(low, high)


def advance(x: Tensor, anchor: Tensor, gradient: Tensor, threat: Threat) -> Tensor:
    """Return the next iterate: a step of steepest ascent from x, projected to ball and box around the anchor."""
    low, high = (float(bound) for bound in threat.bounds)
    moved = x + float(threat.length) * steepest(gradient, x, threat.norm, low, high)
    return project(anchor, moved, float(threat.eps), threat.norm, low, high)


def _last_iterate(
    model: nn.Module,
    anchor: Tensor,
    y: Tensor,
    start: Tensor,
    threat: Threat,
    watch: Callable[[int, Tensor, Tensor], None] | None,
) -> Tensor:
    x, rows = start, torch.arange(len(anchor), device=anchor.device)
    for step in range(threat.steps):
        logits, gradient = input_gradient(model, x, y, threat.loss)
        if watch:
            watch(step, rows, logits)
        x = advance(x, anchor, gradient, threat)
    if watch:
        with torch.no_grad():
            watch(threat.steps, rows, model(x))
    return x


def _first_broken(
    model: nn.Module,
    anchor: Tensor,
    y: Tensor,
    start: Tensor,
    threat: Threat,
    watch: Callable[[int, Tensor, Tensor], None] | None,
) -> Tensor:
    """Return for each example the first misclassified iterate, else the last one; broken examples leave the batch at
    once.
    """
    result, x = start.clone(), start
    rows = torch.arange(len(anchor), device=anchor.device)
    for step in range(threat.steps):
        logits, gradient = input_gradient(model, x, y[rows], threat.loss)
        if watch:
            watch(step, rows, logits)
        holds = logits.argmax(1) == y[rows]
        if not holds.all():
            result[rows[~holds]] = x[~holds]
            rows, x, gradient = rows[holds], x[holds], gradient[holds]
            if not len(rows):
                return result
        x = advance(x, anchor[rows], gradient, threat)
    result[rows] = x
    if watch:
        with torch.no_grad():
            watch(threat.steps, rows, model(x))
    return result


def _renumbered(
    observe: Observer | None, restart: int, pending: Tensor
) -> Callable[[int, Tensor, Tensor], None] | None:
    """Return the observer for one restart, speaking of the rows of the whole batch."""
    if observe is None:
        return None
    return lambda step, rows, logits: observe(restart, step, pending[rows], logits)
