"""What the network is shown in a training step: images, noisy copies of them, or adversarial examples; and the attack
of TRADES, on a divergence, which the library of attacks does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from rkblocks.attacks import Threat, frozen, run
from rkblocks.attacks.projected_gradient import advance
from rkblocks.attacks.run import check_result, search
from rkblocks.attacks.streams import Streams, as_streams
from rkblocks.nets.folded import folded
from rkblocks.runs.config import Config
from rkblocks.training.losses import divergence

Examples = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]]
Sources = Mapping[str, torch.Generator | Streams]
"""Where each use of random numbers, by name, has them from."""


def training_threat(config: Config) -> Threat:
    """The threat model of adversarial training."""
    attack = config.attack
    return Threat(
        norm=attack.norm, eps=attack.eps, steps=attack.steps, step=attack.step, random_start=attack.random_start
    )


def single_step_threat(config: Config) -> Threat:
    """The one step of method "single-step": alpha eps long, from a random point of the ball."""
    return replace(training_threat(config), steps=1, step=config.single_step.alpha * config.attack.eps)


def examples(config: Config, streams: Sources, checked: bool = True) -> Examples:
    """A function of (model, x, y) that gives what to train on, for the method of the configuration.

    - standard: x and y.
    - noise: `copies` of x, one after the other, each with its own uniform noise, clamped to [0, 1].
    - adversarial: PGD examples (Madry et al. 2018). The gradient is formed for the input only and the model is in
      eval mode, so its running statistics see each batch once; attack.mode = "train" is the published way. The loss
      "trades" has an attack of its own, on the divergence from the clean output.
      With attack.fold the attack sees normalisation as constants.
    - single-step: one step of single_step.alpha * eps from a random point of the ball (Wong et al. 2020, algorithm 3).

    checked: whether images, logits and examples are looked at, for which a GPU is waited for.
    """
    method, mode = config.training.method, config.attack.mode
    attack = run if checked else search
    if method == "noise":
        ball, copies = Threat(eps=config.noise.eps), config.noise.copies

        def noisy(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            x, y = x.repeat(copies, 1, 1, 1), y.repeat(copies)
            return attack("noise", model, x, y, ball, streams["noise"]), y

        return noisy
    if method not in ("adversarial", "single-step"):
        return lambda model, x, y: (x, y)
    threat = training_threat(config) if method == "adversarial" else single_step_threat(config)
    seen = folded if config.attack.fold and mode == "eval" else lambda model: model
    if config.training.loss == "trades":
        return lambda model, x, y: (divergent(seen(model), x, threat, streams["attack"], mode, checked), y)
    threat = replace(threat, rounded=config.attack.rounded)
    return lambda model, x, y: (attack("pgd", seen(model), x, y, threat, streams["attack"], mode=mode), y)


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
