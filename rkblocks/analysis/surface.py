"""Slices of the loss surface around images: cross-entropy and prediction over the plane of the gradient direction and
a random direction, each as long as the budget of the attack.

A smooth slope towards the gradient is what PGD needs. A surface that is jagged, flat, or higher along the random
direction than along the gradient is a sign of masked gradients (Tramer et al. 2018, section 4).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rkblocks.analysis.sample import Sample
from rkblocks.attacks import ExampleStreams, Threat, frozen
from rkblocks.attacks.losses import cross_entropy, input_gradient
from rkblocks.attacks.projection import per_example, steepest

IMAGES = 3
POINTS = 21


def surface(sample: Sample, images: int = IMAGES, points: int = POINTS) -> list[dict[str, Any]]:
    """Return the slices around the first images of the sample, points x points each.

    Keys: index: of the image in its split; label; norm, eps: of both directions; axis [points]: from -1 to 1, in units
    of eps; loss, prediction [points][points]: rows along the gradient, columns along the random direction. Points are
    clamped to the box of valid pixels.
    """
    few = sample.first(images)
    x, y = few.images(), few.subject.labels
    with frozen(few.model):
        _, gradient = input_gradient(few.model, x, y, "ce")
        low, high = few.threat.box
        eps = float(few.threat.eps)
        up = steepest(gradient, x, eps, few.threat.norm, few.threat.box) / (eps or 1.0)
        across = random_direction(x, few.threat, few.streams.fork("surface"))
        axis = torch.linspace(-1, 1, points, dtype=x.dtype, device=x.device)
        found = []
        for k in range(len(x)):
            grid = _plane(x[k], up[k], across[k], eps * axis).clamp(low, high)
            loss, prediction = _on_grid(few, grid, y[k])
            found.append(_slice(few, k, axis, loss.reshape(points, points), prediction.reshape(points, points)))
            few.tell("loss surface", k + 1, len(x))
    return found


def random_direction(x: Tensor, threat: Threat, streams: ExampleStreams) -> Tensor:
    """Return a random direction [n, ...] of unit norm: random signs in linf, a direction of the sphere in l2 and l1."""
    if threat.norm == "linf":
        return (streams.uniform(x, "direction") < 0.5).to(x.dtype) * 2 - 1
    normal = streams.normal(x, "direction")
    size = torch.linalg.vector_norm(normal.flatten(1), ord=2 if threat.norm == "l2" else 1, dim=1)
    return normal * per_example(1 / size, normal)


def _plane(x: Tensor, up: Tensor, across: Tensor, steps: Tensor) -> Tensor:
    """Return x + a up + b across for all a, b of steps [p], as [p * p, ...]; a runs slowest."""
    a, b = (s.reshape(-1, *(1,) * x.dim()) for s in (steps, steps))
    return (x + (a * up)[:, None] + (b * across)[None]).flatten(0, 1)


def _on_grid(sample: Sample, grid: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        logits = torch.cat([sample.model(part) for part in torch.split(grid, sample.batch)])
    return cross_entropy(logits, label.expand(len(logits))), logits.argmax(1)


def _slice(sample: Sample, k: int, axis: Tensor, loss: Tensor, prediction: Tensor) -> dict[str, Any]:
    threat = sample.threat.to_dict()
    return {
        "index": int(sample.subject.indices[k]),
        "label": int(sample.subject.labels[k]),
        "norm": threat["norm"],
        "eps": threat["eps"],
        "axis": [round(value, 6) for value in axis.tolist()],
        "loss": [[float(f"{value:.6g}") for value in row] for row in loss.tolist()],
        "prediction": prediction.tolist(),
    }
