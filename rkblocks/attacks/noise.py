"""Random noise from the same ball: the weakest attack. A model that falls to it more than to PGD is masking
gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import torch
from torch import Tensor, nn

from rkblocks.attacks.projection import project
from rkblocks.attacks.search import Observer, starting_point
from rkblocks.attacks.streams import Streams
from rkblocks.settings.threat import Threat


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
    return _first_of(model, x, y, threat, streams, observe, lambda part, own: starting_point(part, threat, own))


def gaussian(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    streams: Streams,
    *,
    definition: str = "final",
    observe: Observer | None = None,
) -> Tensor:
    """Return x plus Gaussian noise, projected to ball and box: the first of `restarts` draws that is misclassified,
    else the last.

    Its standard deviation is eps for linf; for l2 and l1 such that the noise has about the length eps before it is
    projected.
    """
    low, high = (float(bound) for bound in threat.bounds)
    eps, size = float(threat.eps), x[0].numel() if len(x) else 1
    deviation = {"linf": eps, "l2": eps / math.sqrt(size), "l1": eps * math.sqrt(math.pi / 2) / size}[threat.norm]

    def draw(part: Tensor, own: Streams) -> Tensor:
        return project(part, part + deviation * own.normal(part, "gaussian"), eps, threat.norm, low, high)

    return _first_of(model, x, y, threat, streams, observe, draw)


def _first_of(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    streams: Streams,
    observe: Observer | None,
    draw: Callable[[Tensor, Streams], Tensor],
) -> Tensor:
    found, pending = x.clone(), torch.arange(len(x), device=x.device)
    for number in range(threat.restarts):
        candidate = draw(x[pending], streams.fork(f"restart {number}").select(pending))
        found[pending] = candidate
        if threat.restarts == 1 and observe is None:
            return found
        with torch.no_grad():
            logits = model(candidate)
        if observe is not None:
            observe(number, 0, pending, logits)
        pending = pending[logits.argmax(1) == y[pending]]
        if not len(pending):
            break
    return found
