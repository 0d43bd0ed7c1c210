"""What every attack is given, a problem; and several trials at it: restarts and targets one after the other, as long as
the example still holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rkblocks.attacks.losses import LOSS, labels_of
from rkblocks.attacks.projection import uniform_in_ball
from rkblocks.attacks.streams import Streams
from rkblocks.settings.threat import LEAST_LIKELY, Threat

Observer = Callable[[int, int, Tensor, Tensor], None]
"""Called as observe(trial, step, rows, logits): the logits of iterate number `step` (0 is the start) of these rows."""
Watch = Callable[[int, Tensor, Tensor], None]
"""An observer of one trial: watch(step, rows, logits), rows of the batch that the trial was given."""


@dataclass(frozen=True)
class Problem:
    """What an attack is to solve: find in the ball around each image a point that the model gets wrong.

    model: frozen, from images to logits [n, classes]. x, y: images [n, ...] in the box, and labels [n]. threat: as the
    attack uses it (`Attack.fitted`). streams: all its random numbers. definition: `final` takes the last iterate for
    the result, as in the paper's tables; `any` the first misclassified one, and attacks the example no further, which
    is both stronger and cheaper. observe: to be called at each forward pass of a search. aims: classes to aim at, [n,
    k]. source: the model that `transfer` makes its examples on.
    """

    model: nn.Module
    x: Tensor
    y: Tensor
    threat: Threat
    streams: Streams
    definition: str = "final"
    observe: Observer | None = None
    aims: Tensor | None = None
    source: nn.Module | None = None


@dataclass(frozen=True)
class Trial:
    """One search for some of the examples: around each anchor [k, ...], for a goal: labels [k], or labels and targets
    [k, 2].
    """

    anchor: Tensor
    goal: Tensor
    streams: Streams
    watch: Watch | None


Inner = Callable[[Trial], Tensor]
"""One search: returns a point of the ball around each anchor of the trial."""


def repeat(problem: Problem, inner: Inner, goals: Sequence[Tensor] = ()) -> Tensor:
    """Return for each example the first misclassified point that a trial ends with, else its point of highest loss.

    Trials: `restarts` times one for each goal (labels [n], or labels and targets [n, 2], all with the same labels;
    none: the labels). A further trial is only for examples that are not broken yet. Of a single one the result is
    returned as it is, without looking at it. Points of different targets are compared by their margin.
    """
    x, threat, goals = problem.x, problem.threat, goals or [problem.y]
    attempts = [goal for _ in range(threat.restarts) for goal in goals]
    labels, loss = labels_of(goals[0]), LOSS[threat.loss if goals[0].dim() == 1 else "margin"]
    best, best_loss = x.clone(), torch.full((len(x),), float("-inf"), device=x.device, dtype=x.dtype)
    pending = torch.arange(len(x), device=x.device)
    for number, goal in enumerate(attempts):
        own = problem.streams.fork(f"restart {number}").select(pending)
        found = inner(Trial(x[pending], goal[pending], own, _renumbered(problem.observe, number, pending)))
        if len(attempts) == 1:
            return found
        with torch.no_grad():
            logits = problem.model(found)
        broken = logits.argmax(1) != labels[pending]
        height = loss(logits, labels[pending]).to(x.dtype).masked_fill(broken, float("inf"))
        better = height > best_loss[pending]
        best[pending[better]], best_loss[pending[better]] = found[better], height[better]
        pending = pending[~broken]
        if not len(pending):
            break
    return best


def goals(problem: Problem) -> list[Tensor]:
    """Return the goals [n, 2] of label and target: the aims of the problem; without any, the wrong classes by falling
    clean logit, as many as the threat has targets (all where there are fewer), or the least likely one. Without
    targets, the labels [n].
    """
    y, targets = problem.y, problem.threat.targets
    if problem.aims is not None:
        return [torch.stack([y, target], dim=1) for target in problem.aims.unbind(1)]
    if targets is None:
        return [y]
    with torch.no_grad():
        logits = problem.model(problem.x)
    if targets == LEAST_LIKELY:
        ranked = logits.scatter(1, y[:, None], float("inf")).argmin(1)[:, None]
    else:
        wrong = logits.scatter(1, y[:, None], float("-inf"))
        ranked = wrong.topk(min(int(targets), logits.shape[1] - 1), dim=1).indices
    return [torch.stack([y, target], dim=1) for target in ranked.unbind(1)]


class Counter:
    """An observer that counts the forward passes of each example: `counts` [n] holds them after the attack."""

    def __init__(self, n: int) -> None:
        self.counts = torch.zeros(n, dtype=torch.long)

    def __call__(self, trial: int, step: int, rows: Tensor, logits: Tensor) -> None:
        self.counts[rows.cpu()] += 1


def starting_point(x: Tensor, threat: Threat, streams: Streams) -> Tensor:
    """Return x, or with a random start a uniform point of the ball around it, clamped to the box."""
    if not threat.random_start:
        return x
    low, high = threat.box
    return (x + uniform_in_ball(x, float(threat.eps), threat.norm, streams)).clamp(low, high)


def _renumbered(observe: Observer | None, trial: int, pending: Tensor) -> Watch | None:
    """Return the observer for one trial, speaking of the rows of the whole batch."""
    if observe is None:
        return None
    return lambda step, rows, logits: observe(trial, step, pending[rows], logits)
