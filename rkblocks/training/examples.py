"""What the network is shown in a training step: the images, noisy copies of them, or adversarial examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from rkblocks.attacks import Threat, run
from rkblocks.attacks.run import search
from rkblocks.attacks.streams import Streams
from rkblocks.nets.folded import folded
from rkblocks.runs.config import Config
from rkblocks.training.ascent import divergent

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
