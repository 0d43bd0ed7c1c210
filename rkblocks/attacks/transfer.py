"""Transfer: examples made on one model, the source, and tried on another (Papernot et al. 2016; Dong et al. 2018).

What a source's examples break and PGD on the model itself does not is a sign of masked gradients.
"""

from __future__ import annotations

from torch import Tensor, nn

from rkblocks.attacks.momentum import accumulated
from rkblocks.attacks.pgd import ascent
from rkblocks.attacks.search import Observer, repeat
from rkblocks.attacks.streams import Streams
from rkblocks.settings.threat import Threat


def transfer(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    streams: Streams,
    *,
    source: nn.Module,
    definition: str = "final",
    observe: Observer | None = None,
) -> Tensor:
    """Return last iterates of PGD on the source, with momentum where the threat has a decay; the first of `restarts`
    that breaks the model, else the one of highest loss on it.

    Both definitions agree: an iterate that just breaks the source would transfer less. The observer sees the logits of
    the source.
    """
    decay = threat.decay
    turned = (lambda anchor: accumulated(anchor, float(decay))) if decay else None
    return repeat(model, x, [y], threat, streams, ascent(source, threat, "final", turned), observe)
