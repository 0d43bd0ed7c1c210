"""The steps of Auto-PGD in l1 (Croce & Hein 2021, "Mind the box"): few pixels at a time, and fewer as the
change becomes sparser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from rkblocks.attacks.climb import Climber
from rkblocks.attacks.projection import project, steepest
from rkblocks.settings.threat import Threat

FIRST_SHARE: Final = 0.2  # of the pixels, which the first steps move
EVERY: Final = 0.04  # of the steps: the distance of the checkpoints
FEWER: Final = 1.5  # a step moves this factor fewer pixels than the best point has changed
SPARSER: Final = 0.95  # below this share of the pixels changed at the last checkpoint, the step is long again
SHORTER: Final = 1.5  # otherwise the step is shortened by this factor
SHORTEST: Final = 10  # down to this fraction of the first


@dataclass
class Sparse(Climber):
    """A climber whose step moves as many pixels as suit the sparsity of its best point."""

    pixels: Tensor  # [k], how many a step moves
    changed: Tensor  # [k], how many the best point differed in at the last checkpoint

    @classmethod
    def begin(cls, start: Tensor, threat: Threat, anchor: Tensor, first: bool) -> Sparse:
        """Return a climber at its start [n, ...]: that of the attack (`first`), or where another climb ended."""
        size = start[0].numel() if len(start) else 1
        changed = _changed(start, anchor)
        pixels = torch.full_like(changed, FIRST_SHARE * size) if first else changed / FEWER
        return cls.at(start, threat, pixels=pixels, changed=torch.full_like(changed, size) if first else changed)

    @staticmethod
    def checkpoints(steps: int) -> list[int]:
        """Return every 25th part of the steps."""
        every = max(int(EVERY * steps), 1)
        return list(range(every, steps + 1, every))

    def ahead(self, anchor: Tensor, threat: Threat, first: bool) -> Tensor:
        """Return the next iterates: the pixels of largest gradient moved alike, then projected to ball and box."""
        low, high = (float(bound) for bound in threat.bounds)
        up = steepest(self.gradient, self.x, self.step, threat.norm, low, high, self.pixels.floor().clamp_min(1))
        return project(anchor, self.x + up, float(threat.eps), threat.norm, low, high)

    def adapt(self, anchor: Tensor, threat: Threat, since: int) -> None:
        """Where the best point has become sparser, go back to it with a long step; elsewhere shorten the step."""
        changed = _changed(self.best, anchor)
        sparser = changed < SPARSER * self.changed
        whole = float(threat.length)
        self.step = torch.where(sparser, whole, (self.step / SHORTER).clamp_min(whole / SHORTEST))
        self.return_to_best(sparser)
        self.pixels, self.changed = changed / FEWER, changed


def _changed(point: Tensor, anchor: Tensor) -> Tensor:
    """Return in how many pixels each point differs from its anchor, [n] as floats."""
    return (point != anchor).flatten(1).sum(1).to(point.dtype)
