"""The attack of TRADES, on a divergence, which the library of attacks does not have."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from rkblocks.attacks import Threat, frozen
from rkblocks.attacks.guard import check_result
from rkblocks.attacks.projected_gradient import advance
from rkblocks.attacks.streams import Streams, as_streams
from rkblocks.training.losses import divergence

SMALL = 0.001  # deviation of the normal noise at which TRADES starts


def ascend(model: nn.Module, x: Tensor, start: Tensor, threat: Threat, rise: Callable[[Tensor], Tensor]) -> Tensor:
    """The last of `threat.steps` steps of steepest ascent from `start`, each projected to the ball around x [n, ...].

    model: frozen by the caller. rise: from logits to what grows, [n].
    """
    point = start
    for _ in range(threat.steps):
        point = point.detach().requires_grad_(True)
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(rise(model(point)).sum(), point)
        point = advance(point.detach(), x, gradient, threat)
    return point


def divergent(
    model: nn.Module,
    x: Tensor,
    threat: Threat,
    generator: Streams | torch.Generator,
    mode: str,
    checked: bool = True,
) -> Tensor:
    """TRADES' examples: PGD on KL(p(x) || p(point)), without labels (Zhang et al. 2019, algorithm 1).

    It starts at normal noise of deviation 0.001, since the gradient at x itself is zero; the threat's random start is
    not used. The model is in `mode` meanwhile, and given back as it was. checked: whether the result is looked at.
    """
    start = (x + SMALL * as_streams(generator).normal(x, "start")).clamp(0, 1)
    with frozen(model, mode):
        with torch.no_grad():
            clean = model(x)
        found = ascend(model, x, start, threat, lambda logits: divergence(clean, logits))
    if checked:
        check_result(x, found, threat, "pgd")
    return found
