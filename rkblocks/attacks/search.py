"""Several searches for each example: restarts and targets one after the other, as long as the example still holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from rkblocks.attacks.geometry import uniform_in_ball
from rkblocks.attacks.losses import LOSS, labels_of
from rkblocks.attacks.streams import Streams
from rkblocks.settings.threat import Threat

Observer = Callable[[int, int, Tensor, Tensor], None]
"""Called as observe(search, step, rows, logits): the logits of iterate number `step` (0 is the start) of these rows.
"""
Watch = Callable[[int, Tensor, Tensor], None]
"""An observer of one search: watch(step, rows, logits), rows of the batch that the search was given."""
Inner = Callable[[Tensor, Tensor, Streams, Watch | None], Tensor]
"""One search: inner(anchor, goal, streams, watch) returns a point of the ball around each anchor."""


def repeat(
    model: nn.Module,
    x: Tensor,
    goals: Sequence[Tensor],
    threat: Threat,
    streams: Streams,
    inner: Inner,
    observe: Observer | None = None,
) -> Tensor:
    """Return for each example the first misclassified point that a search ends with, else its point of highest loss.

    Searches: `restarts` times one for each goal (labels [n], or labels and targets [n, 2], all with the same labels).
    A further search goes only to examples that are not broken yet. Of a single search the result is returned as it
    is, without looking at it. Points of different targets are compared by their margin.
    """
    attempts = [goal for _ in range(threat.restarts) for goal in goals]
    labels, loss = labels_of(goals[0]), LOSS[threat.loss if goals[0].dim() == 1 else "margin"]
    best, best_loss = x.clone(), torch.full((len(x),), float("-inf"), device=x.device, dtype=x.dtype)
    pending = torch.arange(len(x), device=x.device)
    for number, goal in enumerate(attempts):
        own = streams.fork(f"restart {number}").select(pending)
        found = inner(x[pending], goal[pending], own, _renumbered(observe, number, pending))
        if len(attempts) == 1:
            return found
        with torch.no_grad():
            logits = model(found)
        broken = logits.argmax(1) != labels[pending]
        height = loss(logits, labels[pending]).to(x.dtype).masked_fill(broken, float("inf"))
        better = height > best_loss[pending]
        best[pending[better]], best_loss[pending[better]] = found[better], height[better]
        pending = pending[~broken]
        if not len(pending):
            break
    return best


class Counter:
    """An observer that counts the forward passes of each example: `counts` [n] holds them after the attack."""

    def __init__(self, n: int) -> None:
        self.counts = torch.zeros(n, dtype=torch.long)

    def __call__(self, search: int, step: int, rows: Tensor, logits: Tensor) -> None:
        self.counts[rows.cpu()] += 1


def starting_point(x: Tensor, threat: Threat, streams: Streams) -> Tensor:
    """Return x, or with a random start a uniform point of the ball around it, clamped to the box."""
    if not threat.random_start:
        return x
    low, high = (float(bound) for bound in threat.bounds)
    return (x + uniform_in_ball(x, float(threat.eps), threat.norm, streams)).clamp(low, high)


def _renumbered(observe: Observer | None, search: int, pending: Tensor) -> Watch | None:
    """Return the observer for one search, speaking of the rows of the whole batch."""
    if observe is None:
        return None
    return lambda step, rows, logits: observe(search, step, pending[rows], logits)
