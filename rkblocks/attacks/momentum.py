"""Momentum: PGD whose steps follow an accumulated gradient (MI-FGSM, Dong et al. 2018, algorithm 1); and transfer:
examples made so, or by plain PGD, on one model, the source, and tried on another (Papernot et al. 2016).

What a source's examples break and PGD on the model itself does not is a sign of masked gradients.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from rkblocks.attacks.geometry import per_example
from rkblocks.attacks.projected_gradient import Turn, ascent
from rkblocks.attacks.trials import Problem, repeat


def momentum(problem: Problem) -> Tensor:
    """Return adversarial examples [n, ...]; the decay of the threat is the paper's mu. In linf with decay 0 it is PGD,
    bit for bit.
    """
    decay = float(problem.threat.decay or 0)
    return repeat(problem, ascent(problem, lambda anchor: accumulated(anchor, decay)))


def transfer(problem: Problem) -> Tensor:
    """Return last iterates of PGD on the source, with momentum where the threat has a decay; the first of `restarts`
    that breaks the model, else the one of highest loss on it.

    Both definitions agree: an iterate that just breaks the source would transfer less. The observer sees the logits of
    the source.
    """
    assert problem.source is not None
    decay, there = problem.threat.decay, replace(problem, model=problem.source, definition="final")
    return repeat(problem, ascent(there, (lambda anchor: accumulated(anchor, float(decay))) if decay else None))


def accumulated(anchor: Tensor, decay: float) -> Turn:
    """Return the directions g <- decay g + gradient / |gradient|_1 (eq. 6), which start at g = 0 for each example."""
    total = torch.zeros_like(anchor)

    def turn(gradient: Tensor, rows: Tensor) -> Tensor:
        length = gradient.flatten(1).abs().sum(1).clamp_min(torch.finfo(gradient.dtype).tiny)
        total[rows] = decay * total[rows] + gradient / per_example(length, gradient)
        return total[rows]

    return turn
