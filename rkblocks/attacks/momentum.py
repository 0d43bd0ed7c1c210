"""Momentum: PGD whose steps follow an accumulated gradient (MI-FGSM, Dong et al. 2018, algorithm 1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rkblocks.attacks.geometry import per_example
from rkblocks.attacks.pgd import Turn, ascent
from rkblocks.attacks.search import Observer, repeat
from rkblocks.attacks.streams import Streams
from rkblocks.settings.threat import Threat


def momentum(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    streams: Streams,
    *,
    definition: str = "final",
    observe: Observer | None = None,
) -> Tensor:
    """Return adversarial examples [n, ...]; the decay of the threat is the paper's mu. In linf with decay 0 it is PGD,
    bit for bit.
    """
    inner = ascent(model, threat, definition, lambda anchor: accumulated(anchor, float(threat.decay or 0)))
    return repeat(model, x, [y], threat, streams, inner, observe)


def accumulated(anchor: Tensor, decay: float) -> Turn:
    """Return the directions g <- decay g + gradient / |gradient|_1 (eq. 6), which start at g = 0 for each example."""
    total = torch.zeros_like(anchor)

    def turn(gradient: Tensor, rows: Tensor) -> Tensor:
        length = gradient.flatten(1).abs().sum(1).clamp_min(torch.finfo(gradient.dtype).tiny)
        total[rows] = decay * total[rows] + gradient / per_example(length, gradient)
        return total[rows]

    return turn
