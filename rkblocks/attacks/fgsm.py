"""The fast gradient sign method (Goodfellow et al. 2015): one step of length eps from the clean image."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from rkblocks.attacks.pgd import pgd
from rkblocks.attacks.search import Observer
from rkblocks.attacks.streams import Streams
from rkblocks.settings.threat import Threat


def single_step(threat: Threat) -> Threat:
    """Return the threat model as FGSM uses it: one step of length eps, no random start, no restart."""
    return replace(threat, steps=1, step=threat.eps, restarts=1, random_start=False)


def fgsm(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    streams: Streams,
    *,
    definition: str = "final",
    observe: Observer | None = None,
) -> Tensor:
    """Return adversarial examples [n, ...]; norm, eps, loss and bounds of the threat count. For l2 the step is along
    the gradient.

    The clean image is no iterate of its own, so both definitions agree here.
    """
    return pgd(model, x, y, single_step(threat), streams, definition="final", observe=observe)
