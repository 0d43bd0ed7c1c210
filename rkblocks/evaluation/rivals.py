"""The classes that an attack aims at, of all that a model tells apart.

A model may have classes that never win and yet lie close behind: they absorb the margin of every loss, and the targets
of largest logit are theirs. So targeted searches aim at the classes that occur as well, among labels or predictions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from rkblocks.evaluation.subject import Subject


def occurring(labels: Tensor, prediction: Tensor) -> tuple[int, ...]:
    """Return the classes that occur among labels [n] or predictions [n], in order."""
    return tuple(torch.cat([labels.cpu(), prediction.cpu()]).unique().tolist())


def aims(subject: Subject, x: Tensor, y: Tensor, targets: int) -> Tensor:
    """Return the target classes [n, k] of each image: the `targets` wrong ones of largest clean logit among those that
    occur, and those of largest clean logit among all where they are others. All there are, where there are fewer.
    """
    wrong = subject.logits(x).scatter(1, y[:, None], float("-inf"))
    first = wrong.topk(min(targets, wrong.shape[1] - 1), dim=1).indices
    if len(subject.occurring) in (0, wrong.shape[1]):
        return first
    never = torch.ones(wrong.shape[1], dtype=torch.bool, device=wrong.device)
    never[list(subject.occurring)] = False
    count = min(targets, max(len(subject.occurring) - 1, 0))
    rivals = wrong.masked_fill(never, float("-inf")).topk(count, dim=1).indices
    return torch.cat([rivals, first], dim=1)  # doubles are kept: how many there are must not depend on the batch
