"""Targeted PGD: each search climbs toward one wrong class (after Croce & Hein 2020, section 5: APGD-T's targets)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rkblocks.attacks.pgd import ascent
from rkblocks.attacks.search import Observer, repeat
from rkblocks.attacks.streams import Streams
from rkblocks.settings.threat import LEAST_LIKELY, Threat


def targeted(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    streams: Streams,
    *,
    definition: str = "final",
    observe: Observer | None = None,
    aims: Tensor | None = None,
) -> Tensor:
    """Return adversarial examples [n, ...], one search for each restart and target class of the threat.

    An example counts as broken where it is misclassified, as whatever class: targets only guide the searches.
    """
    aimed = goals(model, x, y, threat, aims)
    return repeat(model, x, aimed, threat, streams, ascent(model, threat, definition), observe)


def goals(model: nn.Module, x: Tensor, y: Tensor, threat: Threat, aims: Tensor | None = None) -> list[Tensor]:
    """Return the goals [n, 2] of label and target: the wrong classes by falling clean logit, as many as the threat has
    targets (all where there are fewer), or the least likely one. Without targets, the labels [n]. aims: the targets
    themselves, [n, k], instead.
    """
    if aims is not None:
        return [torch.stack([y, target], dim=1) for target in aims.unbind(1)]
    if threat.targets is None:
        return [y]
    with torch.no_grad():
        logits = model(x)
    if threat.targets == LEAST_LIKELY:
        ranked = logits.scatter(1, y[:, None], float("inf")).argmin(1)[:, None]
    else:
        wrong = logits.scatter(1, y[:, None], float("-inf"))
        ranked = wrong.topk(min(int(threat.targets), logits.shape[1] - 1), dim=1).indices
    return [torch.stack([y, target], dim=1) for target in ranked.unbind(1)]
