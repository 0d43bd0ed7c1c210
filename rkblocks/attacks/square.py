"""The Square attack (Andriushchenko et al. 2020): random search by square patches, which sees logits and no gradient.

It finds what gradient attacks miss where gradients are masked. linf: algorithm 2, l2: algorithm 3 of the paper; l1:
Croce & Hein 2021, "Mind the box". Inputs that are no images are searched as images of about square shape (folded.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn

from rkblocks.attacks.folded import Folded
from rkblocks.attacks.geometry import per_example
from rkblocks.attacks.losses import margin
from rkblocks.attacks.patches import Patch, patch_side, squares, stripes, tiles, windows
from rkblocks.attacks.projection import project
from rkblocks.attacks.search import Observer, Watch, repeat
from rkblocks.attacks.streams import Streams
from rkblocks.settings.threat import Threat

CHUNK = 64  # queries whose random numbers are drawn at once
#: How a search begins and what a query changes, by norm.
CHANGES: Final[dict[str, tuple[Callable[..., Tensor], Callable[..., Tensor]]]] = {
    "linf": (stripes, squares),
    "l2": (tiles, windows),
    "l1": (partial(tiles, norm="l1"), partial(windows, norm="l1")),
}


def no_gradient(threat: Threat) -> Threat:
    """Return the threat model as Square uses it: no gradient step, a random start, the margin loss."""
    return replace(threat, steps=0, step=Fraction(0), random_start=True, loss="margin")


def square(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    streams: Streams,
    *,
    definition: str = "final",
    observe: Observer | None = None,
) -> Tensor:
    """Return adversarial examples [n, ...] after at most `queries` forward passes of each example and restart.

    A broken example is queried no further, whatever the definition; an observer sees every query.
    """
    if x.dim() != 4:
        folded = Folded(model, x)
        found = square(folded, folded.images(x), y, threat, streams, definition=definition, observe=observe)
        return folded.inputs(found)
    low, high = (float(bound) for bound in threat.bounds)
    eps, queries = float(threat.eps), int(threat.queries or 1)
    begin, change = CHANGES[threat.norm]

    def fit(anchor: Tensor, point: Tensor) -> Tensor:
        return project(anchor, point, eps, "l1", low, high) if threat.norm == "l1" else point.clamp(low, high)

    def search(anchor: Tensor, labels: Tensor, own: Streams, watch: Watch | None) -> Tensor:
        result = fit(anchor, begin(anchor, eps, own))
        rows = torch.arange(len(anchor), device=anchor.device)
        value = torch.full((len(anchor),), float("-inf"), device=anchor.device, dtype=anchor.dtype)
        candidate, numbers = result, anchor.new_empty(len(anchor), 0)
        for query in range(queries):
            if query:
                if query % CHUNK == 1:
                    like = anchor.new_empty(len(rows), CHUNK, Patch.NUMBERS + anchor.shape[1])
                    numbers = own.select(rows).uniform(like, f"queries {query}")
                patch = Patch(numbers[:, (query - 1) % CHUNK], patch_side(query, queries, anchor, threat.norm))
                candidate = fit(anchor[rows], change(anchor[rows], result[rows], patch, eps))
            with torch.no_grad():
                logits = model(candidate)
            if watch:
                watch(query, rows, logits)
            found = margin(logits, labels[rows]).to(anchor.dtype)
            broken = logits.argmax(1) != labels[rows]
            better = (found > value[rows]) | broken
            result[rows] = torch.where(per_example(better, candidate), candidate, result[rows])
            value[rows] = torch.where(better, found, value[rows])
            if bool(broken.any()):
                rows, numbers = rows[~broken], numbers[~broken]
                if not len(rows):
                    break
        return result

    return repeat(model, x, [y], threat, streams, search, observe)
