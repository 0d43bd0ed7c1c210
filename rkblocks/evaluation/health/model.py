"""Checks of the model itself: is its output a function of the image alone, are there gradients, and do they tell the
truth?
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from rkblocks.attacks import ExampleStreams, Threat, frozen, run
from rkblocks.attacks.losses import input_gradient, margin
from rkblocks.evaluation.health.evidence import ITERATIVE, Evidence
from rkblocks.evaluation.health.registry import Finding, check
from rkblocks.evaluation.subject import Subject

PROBE_STEP = 1e-3  # of the finite difference: far above float32 rounding of the logits, far below any budget


@check("eps 0 is clean")
def eps_zero_is_clean(evidence: Evidence) -> Finding:
    """An attack without budget must leave exactly the clean predictions."""
    nothing = Threat("linf", Fraction(0), steps=2, step=Fraction(0))
    streams = ExampleStreams.of(evidence.seed, evidence.sample.indices)
    attack = "noise" if evidence.gradient is None else "pgd"
    attacked = run(attack, evidence.subject.model, evidence.images, evidence.sample.labels, nothing, streams)
    found = evidence.logits(attacked).argmax(1).cpu()
    differ = int((found != evidence.clean.prediction).sum())
    return (
        differ == 0 or _averaged(evidence),
        f"{differ} of {evidence.n} predictions differ",
        "the model is not a function of its input: remove randomness",
    )


@check("deterministic")
def deterministic(evidence: Evidence) -> Finding:
    """Two forward passes must agree; a randomised defence needs attacks that average over its randomness."""
    first, second = evidence.logits(evidence.images), evidence.logits(evidence.images)
    gap, scale = float((first - second).abs().max()), float(first.abs().max())
    advice = "remove the randomness, or attack the expectation over it (Athalye et al. 2018, section 4.2): --eot 20"
    return gap <= 1e-5 * scale or _averaged(evidence), f"two passes differ by {gap:.2g}", advice


@check("independent of the batch")
def independent_of_the_batch(evidence: Evidence) -> Finding:
    """The logits of an image must not depend on the images beside it, as with batch statistics in evaluation."""
    whole = evidence.logits(evidence.images)
    apart = torch.cat([evidence.subject.logits(part) for part in torch.split(evidence.images, max(1, evidence.n // 3))])
    gap, scale = float((whole - apart).abs().max()), float(whole.abs().max())
    return (
        gap <= max(1e-3, 4 * torch.finfo(whole.dtype).eps) * scale or _averaged(evidence),
        f"other batches change logits by {gap:.2g}",
        "evaluate with running statistics, not batch statistics",
    )


def _averaged(evidence: Evidence) -> bool | None:
    """Return None, for a note instead of a failure, where the model is random and every gradient attack averages over
    that.
    """
    rows = [item for item in evidence.items if item.attack in ITERATIVE]
    return None if rows and all((item.threat.eot or 1) > 1 for item in rows) else False


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
    gradient = evidence.gradient
    if gradient is None:
        return (
            False,
            "no gradient reaches the input",
            "a detach, a no_grad or rounding in the model hides it: remove it",
        )
    flat = gradient.flatten(1)
    zeros = int(((flat == 0).all(1) | ~flat.isfinite().all(1)).sum())
    figure = f"{zeros} of {evidence.n} images have a zero gradient, or none that is a number"
    return (
        zeros <= evidence.slack(share=0.01) - 1,
        figure,
        "cross-entropy sees no slope: use the margin or dlr loss, attack through rounding",
    )


@check("no part of the gradient is missing")
def no_part_of_the_gradient_is_missing(evidence: Evidence) -> Finding:
    """Pixels whose gradient is exactly zero must do nothing: a small change of them alone may not change the logits, as
    it does where a part of the input is detached. Looked at beside the images, where no maximum is tied; a difference
    of logits that low precision rounds to zero is none, so the cross-entropy has no slope there either, nor has the
    margin in float32.
    """
    if evidence.gradient is None:
        return None
    judge, x = _precise(evidence), evidence.images
    generator = torch.Generator().manual_seed(evidence.seed)
    noise = (torch.rand((2, *x.shape), generator=generator, dtype=torch.float64) * 2 - 1).to(x)
    beside = (x + 10 * PROBE_STEP * noise[0]).clamp(0, 1)
    zero = (evidence.gradients(beside, "margin") == 0) & (evidence.gradients(beside, "ce") == 0) & judge.flat(beside)
    step = PROBE_STEP * noise[1].to(judge.dtype)
    here = judge(beside)
    of_zeros, of_all = ((judge(beside.to(judge.dtype) + step * part) - here).abs().amax(1) for part in (zero, 1))
    wrong = int((of_zeros > 0.05 * of_all).sum())
    share = float(zero.double().mean())
    figure = f"{share:.1%} of the pixels have a zero gradient; on {wrong} of {evidence.n} images they matter"
    advice = "a part of the input is detached or rounded, and no attack sees it: remove that"
    return wrong <= evidence.slack(), figure, advice


@check("gradients tell the truth")
def gradients_tell_the_truth(evidence: Evidence) -> Finding:
    """A tiny step along the gradient must change the margin by what the gradient says; shattered and faked gradients
    do not. The step is taken in float32 at least: in bfloat16 it would be lost in rounding.
    """
    if evidence.gradient is None:
        return None
    judge, y = _precise(evidence), evidence.sample.labels
    gradient = evidence.gradients(evidence.images, "margin").to(judge.dtype)
    direction = gradient.sign() * PROBE_STEP
    x = evidence.images.to(judge.dtype)
    measured = margin(judge(x + direction), y) - margin(judge(x - direction), y)
    predicted = 2 * PROBE_STEP * gradient.flatten(1).abs().sum(1)
    honest = int(((measured > 0.5 * predicted) & (measured < 2 * predicted)).sum())
    figure = f"on {honest} of {evidence.n} images a small step does what the gradient says"
    return (
        honest >= 0.8 * evidence.n,
        figure,
        "gradients are shattered or replaced: attack a smooth stand-in (BPDA) or without gradients",
    )


@dataclass(frozen=True)
class _Judge:
    """The logits of a model at images [n, ...] of this type, batch by batch."""

    subject: Subject
    dtype: torch.dtype
    batch: int
    rounded: bool

    def flat(self, x: Tensor) -> Tensor:
        """Where the margin has no gradient at images [n, ...], by this model where it is a copy; else everywhere."""
        if not self.rounded:
            return torch.ones_like(x, dtype=torch.bool)
        parts = zip(
            torch.split(x.to(self.dtype), self.batch), torch.split(self.subject.labels, self.batch), strict=True
        )
        with frozen(self.subject.model):
            found = [input_gradient(self.subject.model, part, y, "margin")[1] for part, y in parts]
        return torch.cat(found) == 0

    def __call__(self, x: Tensor) -> Tensor:
        return torch.cat([self.subject.logits(part.to(self.dtype)) for part in torch.split(x, self.batch)])


def _precise(evidence: Evidence) -> _Judge:
    """Return the model, or a copy of it in float32 where its images have fewer digits than a small step needs."""
    dtype, subject = evidence.images.dtype, evidence.sample
    rounded = torch.finfo(dtype).eps > PROBE_STEP / 100
    if rounded:
        dtype, subject = torch.float32, replace(subject, model=copy.deepcopy(subject.model).float())
    return _Judge(subject, dtype, evidence.batch, rounded)
