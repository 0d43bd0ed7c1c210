"""Random noise from the same ball: the weakest attack. A model that falls to it more than to PGD is masking
gradients.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import torch
from torch import Tensor, nn

from rkblocks.attacks.pgd import Observer, starting_point
from rkblocks.attacks.streams import Streams
from rkblocks.attacks.threat import Threat


def no_step(threat: Threat) -> Threat:
    """Return the threat model as noise uses it: a random start and no gradient step; restarts are the number of
    draws.
    """
    return replace(threat, steps=0, step=Fraction(0), random_start=True)


def noise(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    streams: Streams,
    *,
    definition: str = "final",
    observe: Observer | None = None,
) -> Tensor:
    """Return x plus uniform noise from the ball, clamped to the box: the first of `restarts` draws that is
    misclassified, else the last.
    """
    found, pending = x.clone(), torch.arange(len(x), device=x.device)
    for draw in range(threat.restarts):
        candidate = starting_point(x[pending], no_step(threat), streams.fork(f"restart {draw}").select(pending))
        found[pending] = candidate
        if threat.restarts == 1 and observe is None:
            return found
        with torch.no_grad():
            logits = model(candidate)
        if observe is not None:
            observe(draw, 0, pending, logits)
        pending = pending[logits.argmax(1) == y[pending]]
        if not len(pending):
            break
    return found
