"""Random noise from the same ball: the weakest attack. A model that falls to it more than to PGD is masking
gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from rkblocks.attacks.projection import project
from rkblocks.attacks.streams import Streams
from rkblocks.attacks.trials import Problem, starting_point


def noise(problem: Problem) -> Tensor:
    """Return x plus uniform noise from the ball, clamped to the box: the first of `restarts` draws that is
    misclassified, else the last.
    """
    return _first_of(problem, lambda part, own: starting_point(part, problem.threat, own))


def gaussian(problem: Problem) -> Tensor:
    """Return x plus Gaussian noise, projected to ball and box: the first of `restarts` draws that is misclassified,
    else the last.

    Its standard deviation is eps for linf; for l2 and l1 such that the noise has about the length eps before it is
    projected.
    """
    x, threat = problem.x, problem.threat
    eps, size = float(threat.eps), x[0].numel() if len(x) else 1
    deviation = {"linf": eps, "l2": eps / math.sqrt(size), "l1": eps * math.sqrt(math.pi / 2) / size}[threat.norm]

    def draw(part: Tensor, own: Streams) -> Tensor:
        return project(part, part + deviation * own.normal(part, "gaussian"), eps, threat.norm, threat.box)

    return _first_of(problem, draw)


def _first_of(problem: Problem, draw: Callable[[Tensor, Streams], Tensor]) -> Tensor:
    x, threat, observe = problem.x, problem.threat, problem.observe
    found, pending = x.clone(), torch.arange(len(x), device=x.device)
    for number in range(threat.restarts):
        candidate = draw(x[pending], problem.streams.fork(f"restart {number}").select(pending))
        found[pending] = candidate
        if threat.restarts == 1 and observe is None:
            return found
        with torch.no_grad():
            logits = problem.model(candidate)
        if observe is not None:
            observe(number, 0, pending, logits)
        pending = pending[logits.argmax(1) == problem.y[pending]]
        if not len(pending):
            break
    return found
