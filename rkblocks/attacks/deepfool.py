"""DeepFool (Moosavi-Dezfooli, Fawzi & Frossard 2016, algorithm 2): the nearest misclassified point, for every norm.

Step by step the model is taken for linear, and the point moves to the nearest of the planes where another class takes
over: in the dual norm, that is |z_k - z_y| / |grad(z_k - z_y)| away. The others search a ball; this one measures its
radius.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from rkblocks.attacks.checked_forward import no_gradient
from rkblocks.attacks.projection import distance, per_example, project, steepest
from rkblocks.attacks.trials import Observer, Problem
from rkblocks.settings.threat import Threat

RIVALS: Final = 9  # classes of largest logit whose planes are looked at
OVERSHOOT: Final = 1.02  # of a step, to get across the plane
HALVINGS: Final = 12  # of the way back to the boundary, at the end
DUAL: Final = {"linf": 1.0, "l2": 2.0, "l1": float("inf")}


def deepfool(problem: Problem) -> Tensor:
    """Return the nearest misclassified points found [n, ...], those beyond eps projected to the ball; `definition` and
    `streams` change nothing.
    """
    x, threat = problem.x, problem.threat
    found = nearest(problem.model, x, problem.y, threat, problem.observe)
    return project(x, found, float(threat.eps), threat.norm, threat.box)


def nearest(model: nn.Module, x: Tensor, y: Tensor, threat: Threat, observe: Observer | None = None) -> Tensor:
    """Return the nearest misclassified points found in the box [n, ...], however far; where none was found in `steps`
    steps, the last iterate. Misclassified images are returned as they are. eps is not looked at.
    """
    low, high = threat.box
    found, rows = x.clone(), torch.arange(len(x), device=x.device)
    for number in range(threat.steps + 1):
        part, labels = found[rows], y[rows]
        lead, slopes, logits = _planes(model, part, labels)
        if observe:
            observe(0, number, rows, logits)
        standing = logits.argmax(1) == labels
        rows, part = rows[standing], part[standing]
        if not len(rows) or number == threat.steps:
            break
        lead, slopes = lead[standing], slopes[standing]
        size = torch.linalg.vector_norm(slopes.flatten(2), ord=DUAL[threat.norm], dim=2)
        far = torch.where(size > 0, lead / size, torch.inf)
        length, chosen = far.min(1)
        slope = slopes[torch.arange(len(rows), device=x.device), chosen]
        length = torch.where(length.isfinite(), OVERSHOOT * length, 0) + torch.finfo(x.dtype).eps
        one = torch.ones_like(length)  # in l1 the pixel of largest slope, then the next
        moved = part + steepest(slope, part, length, threat.norm, threat.box, one)
        found[rows] = moved.clamp(low, high)
    return _back(model, x, y, found)


def _planes(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return how far the label leads each rival [n, k], gradients of rival minus label [n, k, ...], and logits."""
    point = x.detach().requires_grad_(True)
    with torch.enable_grad():
        logits = model(point)
        wrong = logits.detach().scatter(1, y[:, None], float("-inf"))
        rivals = wrong.topk(min(RIVALS, logits.shape[1] - 1), dim=1).indices
        difference = logits.gather(1, rivals) - logits.gather(1, y[:, None])
        slopes = []
        for k in range(difference.shape[1]):
            if not difference.requires_grad:
                no_gradient()
            (slope,) = torch.autograd.grad(difference[:, k].sum(), point, retain_graph=True, allow_unused=True)
            slopes.append(no_gradient() if slope is None else slope)
    return -difference.detach(), torch.stack(slopes, 1), logits.detach()


def _back(model: nn.Module, x: Tensor, y: Tensor, found: Tensor) -> Tensor:
    """Return the misclassified points nearest to the images on the way to what was found, by bisection."""
    with torch.no_grad():
        broken = model(found).argmax(1) != y
        near, far = torch.zeros_like(y, dtype=x.dtype), torch.ones_like(y, dtype=x.dtype)
        for _ in range(HALVINGS):
            middle = (near + far) / 2
            crossed = model(x + per_example(middle, x) * (found - x)).argmax(1) != y
            near, far = torch.where(crossed, near, middle), torch.where(crossed, middle, far)
        closer = x + per_example(far, x) * (found - x)
        good = broken & (model(closer).argmax(1) != y)
    return torch.where(per_example(good, x), closer, found)


def distances(model: nn.Module, x: Tensor, y: Tensor, threat: Threat) -> Tensor:
    """Return the distance [n] of each image to the nearest misclassified point found: an upper bound of its robust
    radius; inf where none was found in `steps` steps.
    """
    point = nearest(model, x, y, threat)
    with torch.no_grad():
        broken = model(point).argmax(1) != y
    return torch.where(broken, distance(x, point, threat.norm), torch.inf)
