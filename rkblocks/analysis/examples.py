"""Adversarial images to look at: the first of the sample, whether the attack succeeded or not."""

from __future__ import annotations

from typing import Any

import torch

from rkblocks.analysis.sample import Sample
from rkblocks.attacks import frozen

IMAGES = 6


def examples(sample: Sample, images: int = IMAGES) -> list[dict[str, Any]]:
    """Return one entry for each of the first images.

    Keys: index: in its split; label; clean, adversarial: the predictions; clean_confidence, adversarial_confidence:
    their softmax probabilities; largest: largest change of a pixel; clean_image, adversarial_image: pixels [C][H][W] in
    [0, 1].
    """
    few = sample.first(images)
    x, other = few.images(), few.perturbed("adversarial")
    with torch.no_grad(), frozen(few.model):
        clean, adversarial = few.model(x).softmax(1).max(1), few.model(other).softmax(1).max(1)
    return [
        {
            "index": int(few.subject.indices[k]),
            "label": int(few.subject.labels[k]),
            "clean": int(clean.indices[k]),
            "clean_confidence": float(clean.values[k]),
            "adversarial": int(adversarial.indices[k]),
            "adversarial_confidence": float(adversarial.values[k]),
            "largest": float((other[k] - x[k]).abs().max()),
            "clean_image": _pixels(x[k]),
            "adversarial_image": _pixels(other[k]),
        }
        for k in range(len(x))
    ]


def _pixels(image: torch.Tensor) -> list[list[list[float]]]:
    return [[[round(value, 4) for value in row] for row in channel] for channel in image.tolist()]
