"""Projected gradient descent (Madry et al. 2018; paper section 4.3), for every norm and loss of the threat model.

Two definitions of success. `final`: the last iterate is the adversarial example, as in the paper's tables. `any`: the
first iterate that is misclassified is kept and the example attacked no further, which is both stronger and cheaper.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rkblocks.attacks.losses import input_gradient, labels_of
from rkblocks.attacks.projection import project, steepest
from rkblocks.attacks.search import Inner, Observer, Watch, repeat, starting_point
from rkblocks.attacks.streams import Streams
from rkblocks.settings.threat import Threat

Turn = Callable[[Tensor, Tensor], Tensor]
"""Called as turn(gradient, rows): the direction that a step takes instead of the gradient of these rows."""


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
    return repeat(model, x, [y], threat, streams, ascent(model, threat, definition), observe)


def ascent(model: nn.Module, threat: Threat, definition: str, turned: Callable[[Tensor], Turn] | None = None) -> Inner:
    """Return one search of PGD from a starting point of its own; turned(anchor) makes the directions of its steps."""
    climb = _last_iterate if definition == "final" else _first_broken

    def search(anchor: Tensor, goal: Tensor, streams: Streams, watch: Watch | None) -> Tensor:
        start = starting_point(anchor, threat, streams)
        return climb(model, anchor, goal, start, threat, watch, turned(anchor) if turned else None)

    return search


def advance(x: Tensor, anchor: Tensor, gradient: Tensor, threat: Threat) -> Tensor:
    """Return the next iterate: a step of steepest ascent from x, projected to ball and box around the anchor."""
    low, high = (float(bound) for bound in threat.bounds)
    moved = x + steepest(gradient, x, float(threat.length), threat.norm, low, high)
    return project(anchor, moved, float(threat.eps), threat.norm, low, high)


def _last_iterate(
    model: nn.Module,
    anchor: Tensor,
    goal: Tensor,
    start: Tensor,
    threat: Threat,
    watch: Watch | None,
    turn: Turn | None,
) -> Tensor:
    x, rows = start, torch.arange(len(anchor), device=anchor.device)
    for step in range(threat.steps):
        logits, gradient = input_gradient(model, x, goal, threat.loss)
        if watch:
            watch(step, rows, logits)
        x = advance(x, anchor, turn(gradient, rows) if turn else gradient, threat)
    if watch:
        with torch.no_grad():
            watch(threat.steps, rows, model(x))
    return x


def _first_broken(
    model: nn.Module,
    anchor: Tensor,
    goal: Tensor,
    start: Tensor,
    threat: Threat,
    watch: Watch | None,
    turn: Turn | None,
) -> Tensor:
    """Return for each example the first misclassified iterate, else the last one; broken examples leave the batch at
    once.
    """
    result, x, labels = start.clone(), start, labels_of(goal)
    rows = torch.arange(len(anchor), device=anchor.device)
    for step in range(threat.steps):
        logits, gradient = input_gradient(model, x, goal[rows], threat.loss)
        if watch:
            watch(step, rows, logits)
        holds = logits.argmax(1) == labels[rows]
        if not holds.all():
            result[rows[~holds]] = x[~holds]
            rows, x, gradient = rows[holds], x[holds], gradient[holds]
            if not len(rows):
                return result
        x = advance(x, anchor[rows], turn(gradient, rows) if turn else gradient, threat)
    result[rows] = x
    if watch:
        with torch.no_grad():
            watch(threat.steps, rows, model(x))
    return result
