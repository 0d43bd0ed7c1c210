"""The Square attack (Andriushchenko et al. 2020): random search by square patches, which sees logits and no gradient.

It finds what gradient attacks miss where gradients are masked. linf: algorithm 2, l2: algorithm 3 of the paper; l1:
Croce & Hein 2021, "Mind the box". Inputs that are no images are searched as images of about square shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rkblocks.attacks.losses import margin
from rkblocks.attacks.patches import Patch, patch_side, squares, stripes, tiles, windows
from rkblocks.attacks.projection import per_example, project
from rkblocks.attacks.trials import Problem, Trial, repeat

CHUNK = 64  # queries whose random numbers are drawn at once
#: How a search begins and what a query changes, by norm.
CHANGES: Final[dict[str, tuple[Callable[..., Tensor], Callable[..., Tensor]]]] = {
    "linf": (stripes, squares),
    "l2": (tiles, windows),
    "l1": (partial(tiles, norm="l1"), partial(windows, norm="l1")),
}


def square(problem: Problem) -> Tensor:
    """Return adversarial examples [n, ...] after at most `queries` forward passes of each example and restart.

    A broken example is queried no further, whatever the definition; an observer sees every query.
    """
    model, threat = problem.model, problem.threat
    if problem.x.dim() != 4:
        folded = Folded(model, problem.x)
        return folded.inputs(square(replace(problem, model=folded, x=folded.images(problem.x))))
    low, high = threat.box
    eps, queries = float(threat.eps), int(threat.queries or 1)
    begin, change = CHANGES[threat.norm]

    def fit(anchor: Tensor, point: Tensor) -> Tensor:
        return project(anchor, point, eps, "l1", threat.box) if threat.norm == "l1" else point.clamp(low, high)

    def search(trial: Trial) -> Tensor:
        anchor, labels = trial.anchor, trial.goal
        result = fit(anchor, begin(anchor, eps, trial.streams))
        rows = torch.arange(len(anchor), device=anchor.device)
        value = torch.full((len(anchor),), float("-inf"), device=anchor.device, dtype=anchor.dtype)
        candidate, numbers = result, anchor.new_empty(len(anchor), 0)
        for query in range(queries):
            if query:
                if query % CHUNK == 1:
                    like = anchor.new_empty(len(rows), CHUNK, Patch.NUMBERS + anchor.shape[1])
                    numbers = trial.streams.select(rows).uniform(like, f"queries {query}")
                patch = Patch(numbers[:, (query - 1) % CHUNK], patch_side(query, queries, anchor, threat.norm))
                candidate = fit(anchor[rows], change(anchor[rows], result[rows], patch, eps))
            with torch.no_grad():
                logits = model(candidate)
            if trial.watch:
                trial.watch(query, rows, logits)
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

    return repeat(problem, search)


class Folded(nn.Module):
    """A model of inputs like `like` [n, ...], as one of images [n, C, H, W] that hold the same numbers.

    Vectors [n, d] are laid out in rows of about sqrt(d), the last one filled up with zeros that the model never sees;
    of an input with more axes the last two are height and width. A norm of a change is that of the change of the image,
    or less.
    """

    def __init__(self, model: nn.Module, like: Tensor) -> None:
        super().__init__()
        self.model, self._shape = model, like.shape[1:]
        if like.dim() == 2:
            width = max(math.isqrt(like.shape[1] - 1) + 1, 1)
            self._grid = (1, -(-like.shape[1] // width), width)
        else:
            self._grid = (math.prod(like.shape[1:-2]), *like.shape[-2:])

    def images(self, x: Tensor) -> Tensor:
        """Return inputs [n, ...] as images [n, C, H, W]."""
        flat = x.flatten(1)
        return F.pad(flat, (0, math.prod(self._grid) - flat.shape[1])).reshape(-1, *self._grid)

    def inputs(self, images: Tensor) -> Tensor:
        """Return images as the inputs [n, ...] that they hold."""
        return images.flatten(1)[:, : math.prod(self._shape)].reshape(-1, *self._shape)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits [n, classes] of the inputs that the images hold."""
        logits: Tensor = self.model(self.inputs(images))
        return logits
