"""Checks of the model itself: is its output a function of the image alone, are there gradients, and do they tell the
truth?
"""

from __future__ import annotations

from fractions import Fraction

import torch

from rkblocks.attacks import ExampleStreams, Threat, frozen, run
from rkblocks.attacks.losses import input_gradient, margin
from rkblocks.evaluation.health.evidence import Evidence
from rkblocks.evaluation.health.registry import Finding, check

PROBE_STEP = 1e-3  # of the finite difference: far above float32 rounding of the logits, far below any budget


@check("eps 0 is clean")
def eps_zero_is_clean(evidence: Evidence) -> Finding:
    """An attack without budget must leave exactly the clean predictions."""
    nothing = Threat("linf", Fraction(0), steps=2, step=Fraction(0))
    streams = ExampleStreams.of(evidence.seed, evidence.sample.indices)
    attacked = run("pgd", evidence.subject.model, evidence.images, evidence.sample.labels, nothing, streams)
    found = evidence.logits(attacked).argmax(1).cpu()
    differ = int((found != evidence.clean.prediction).sum())
    return (
        differ == 0,
        f"{differ} of {evidence.n} predictions differ",
        "the model is not a function of its input: remove randomness",
    )


@check("deterministic")
def deterministic(evidence: Evidence) -> Finding:
    """Two forward passes must agree; a randomised defence needs attacks that average over its randomness."""
    first, second = evidence.logits(evidence.images), evidence.logits(evidence.images)
    gap, scale = float((first - second).abs().max()), float(first.abs().max())
    advice = "remove the randomness, or attack the expectation over it (Athalye et al. 2018, section 4.2)"
    return gap <= 1e-5 * scale, f"two passes differ by {gap:.2g}", advice


@check("independent of the batch")
def independent_of_the_batch(evidence: Evidence) -> Finding:
    """The logits of an image must not depend on the images beside it, as with batch statistics in evaluation."""
    whole = evidence.logits(evidence.images)
    with torch.no_grad(), frozen(evidence.subject.model):
        apart = torch.cat(
            [evidence.subject.model(part) for part in torch.split(evidence.images, max(1, evidence.n // 3))]
        )
    gap, scale = float((whole - apart).abs().max()), float(whole.abs().max())
    return (
        gap <= 1e-3 * scale,
        f"other batches change logits by {gap:.2g}",
        "evaluate with running statistics, not batch statistics",
    )


@check("logits, not probabilities")
def logits_not_probabilities(evidence: Evidence) -> Finding:
    """A softmax at the end of the model kills the gradient of the cross-entropy."""
    output = evidence.logits(evidence.images)
    sums = output.sum(1)
    broken = int((~output.isfinite()).any(1).sum())
    if broken:
        figure = f"the outputs of {broken} of {evidence.n} images are no finite numbers"
        return False, figure, "the weights or a layer overflow: no prediction of this model means anything"
    probabilities = bool((output >= 0).all()) and bool(((sums - 1).abs() < 1e-3).all())
    figure = f"outputs from {float(output.min()):.3g} to {float(output.max()):.3g}"
    return not probabilities, figure, "remove the softmax at the end of the model: the losses expect logits"


@check("gradients exist")
def gradients_exist(evidence: Evidence) -> Finding:
    """The share of images whose input gradient is exactly zero, by rounding, saturation or clipping inside the model,
    or is no finite number.
    """
    zeros = 0
    with frozen(evidence.subject.model):
        for x, y in zip(
            torch.split(evidence.images, evidence.batch),
            torch.split(evidence.sample.labels, evidence.batch),
            strict=True,
        ):
            _, gradient = input_gradient(evidence.subject.model, x, y, "ce")
            flat = gradient.flatten(1)
            zeros += int(((flat == 0).all(1) | ~flat.isfinite().all(1)).sum())
    figure = f"{zeros} of {evidence.n} images have a zero gradient, or none that is a number"
    return (
        zeros <= evidence.slack(share=0.01) - 1,
        figure,
        "cross-entropy sees no slope: use the margin or dlr loss, attack through rounding",
    )


@check("gradients tell the truth")
def gradients_tell_the_truth(evidence: Evidence) -> Finding:
    """A tiny step along the gradient must change the margin by what the gradient says; shattered and faked gradients
    do not.
    """
    labels, honest = evidence.sample.labels, 0
    with frozen(evidence.subject.model):
        for x, y in zip(torch.split(evidence.images, evidence.batch), torch.split(labels, evidence.batch), strict=True):
            _, gradient = input_gradient(evidence.subject.model, x, y, "margin")
            direction = gradient.sign() * PROBE_STEP
            with torch.no_grad():
                ahead, behind = evidence.subject.model(x + direction), evidence.subject.model(x - direction)
            measured = margin(ahead, y) - margin(behind, y)
            predicted = 2 * PROBE_STEP * gradient.flatten(1).abs().sum(1)
            honest += int(((measured > 0.5 * predicted) & (measured < 2 * predicted)).sum())
    figure = f"on {honest} of {evidence.n} images a small step does what the gradient says"
    return (
        honest >= 0.8 * evidence.n,
        figure,
        "gradients are shattered or replaced: attack a smooth stand-in (BPDA) or without gradients",
    )
