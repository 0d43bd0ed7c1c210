"""Targeted PGD: each search climbs toward one wrong class (after Croce & Hein 2020, section 5: APGD-T's targets)."""

from __future__ import annotations

import torch
from torch import Tensor

from rkblocks.attacks.projected_gradient import ascent
from rkblocks.attacks.trials import Problem, repeat
from rkblocks.settings.threat import LEAST_LIKELY


def targeted(problem: Problem) -> Tensor:
    """Return adversarial examples [n, ...], one search for each restart and target class of the threat.

    An example counts as broken where it is misclassified, as whatever class: targets only guide the searches.
    """
    return repeat(problem, ascent(problem), goals(problem))


def goals(problem: Problem) -> list[Tensor]:
    """Return the goals [n, 2] of label and target: the aims of the problem; without any, the wrong classes by falling
    clean logit, as many as the threat has targets (all where there are fewer), or the least likely one. Without
    targets, the labels [n].
    """
    y, targets = problem.y, problem.threat.targets
    if problem.aims is not None:
        return [torch.stack([y, target], dim=1) for target in problem.aims.unbind(1)]
    if targets is None:
        return [y]
    with torch.no_grad():
        logits = problem.model(problem.x)
    if targets == LEAST_LIKELY:
        ranked = logits.scatter(1, y[:, None], float("inf")).argmin(1)[:, None]
    else:
        wrong = logits.scatter(1, y[:, None], float("-inf"))
        ranked = wrong.topk(min(int(targets), logits.shape[1] - 1), dim=1).indices
    return [torch.stack([y, target], dim=1) for target in ranked.unbind(1)]
