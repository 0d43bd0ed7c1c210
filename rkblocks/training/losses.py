"""Losses of training, each a mean over the batch, from logits [n, classes] and labels [n]."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The cross-entropy."""
    return functional.cross_entropy(logits, labels)


def margin(logits: Tensor, labels: Tensor, offset: float, temperature: float) -> Tensor:
    """temperature * cross-entropy of (logits - offset at the right class) / temperature (Prach & Lampert 2022).

    For logits with a known Lipschitz constant it asks for margins of about the offset, and no more.
    """
    shifted = logits - offset * functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
    return temperature * functional.cross_entropy(shifted / temperature, labels)


def hinge_kantorovich_rubinstein(logits: Tensor, labels: Tensor, margin: float, weight: float) -> Tensor:
    """The mean over classes of the two-class loss of Serrurier et al. 2021, one class against the others,

        mean(z_j of the others) - mean(z_j of class j) + weight * mean(max(0, margin - s z_j)),

    s = 1 for class j and -1 for the others; a class without examples in the batch has no first part.
    """
    right = functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
    inside, outside = right.sum(0), (1 - right).sum(0)
    transport = (logits * (1 - right)).sum(0) / outside.clamp_min(1) - (logits * right).sum(0) / inside.clamp_min(1)
    transport = torch.where((inside > 0) & (outside > 0), transport, 0)
    hinge = functional.relu(margin - (2 * right - 1) * logits).mean(0)
    return (transport + weight * hinge).mean()


def divergence(clean: Tensor, adversarial: Tensor) -> Tensor:
    """KL(p(clean) || p(adversarial)) of each example [n]; gradients flow to both."""
    log_p, log_q = clean.log_softmax(1), adversarial.log_softmax(1)
    return functional.kl_div(log_q, log_p, reduction="none", log_target=True).sum(1)


def trades(clean: Tensor, adversarial: Tensor, labels: Tensor, beta: float) -> Tensor:
    """TRADES: cross-entropy of the clean logits + beta KL(p(clean) || p(adversarial)).

    Zhang et al. 2019, TRADES for many classes, beta being their 1/lambda (6 for CIFAR-10). As in their code gradients
    flow through both arguments of the divergence.
    """
    return cross_entropy(clean, labels) + beta * divergence(clean, adversarial).mean()


def mart(clean: Tensor, adversarial: Tensor, labels: Tensor, beta: float) -> Tensor:
    """MART: BCE(p(adversarial), y) + beta KL(p(clean) || p(adversarial)) (1 - p_y(clean)), with

        BCE(p, y) = -log p_y - log(1 - max over k != y of p_k).

    Wang et al. 2020, section 3, beta being their lambda (5 for CIFAR-10). 1 - p_k is summed from the other classes, so
    that no small number has to be added inside a logarithm, as their code does (1e-4): values differ by about that.
    """
    columns = labels[:, None]
    log_p = adversarial.log_softmax(1)
    hardest = log_p.scatter(1, columns, float("-inf")).argmax(1, keepdim=True)
    log_rest = log_p.scatter(1, hardest, float("-inf")).logsumexp(1)
    boosted = -log_p.gather(1, columns)[:, 0] - log_rest
    unsure = -torch.expm1(clean.log_softmax(1).gather(1, columns)[:, 0])
    return (boosted + beta * divergence(clean, adversarial) * unsure).mean()
