"""The one way to run an attack of the registry: inputs checked, the model frozen and restored, the result checked."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import torch
from torch import Tensor, nn

from rkblocks.attacks.averaged import Averaged
from rkblocks.attacks.checked_forward import CheckedForward
from rkblocks.attacks.guard import check_aims, check_arguments, check_inputs, check_result, frozen
from rkblocks.attacks.shortcuts import shortcuts
from rkblocks.attacks.streams import Streams, as_streams
from rkblocks.attacks.trials import Observer, Problem
from rkblocks.diagnostics import fail
from rkblocks.settings.attacks import Attack, lookup
from rkblocks.settings.threat import Threat


def run(
    name: str,
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    generator: Streams | torch.Generator | None = None,
    *,
    definition: str = "final",
    mode: str = "eval",
    observe: Observer | None = None,
    source: nn.Module | None = None,
    aims: Tensor | None = None,
) -> Tensor:
    """Return adversarial examples of the named attack, of the shape and dtype of x.

    model: maps images [n, C, H, W] in the box to logits [n, classes] (normalisation inside); left exactly as it was
    found: mode, requires_grad, gradients. generator: a torch generator, or ExampleStreams for results that do not
    depend on the batches. definition: final or any (see pgd). mode: eval, train or keep. source: the model that
    attack `transfer` makes its examples on, in eval mode, restored as well. aims: the classes that `targeted` and
    `apgd` aim at, in turn, instead of those of largest clean logit: integers [n] or [n, k], none an image's own label.
    Raises RkblocksError RK807 (postcondition violated), RK808 (unfit inputs), RK809 (no gradient), RK810 (source
    missing or unwanted), RK814 (the model's output is no logits, or NaN), RK822 (an argument of another type), and what
    lookup raises.
    """
    attack, effective = lookup(name, threat, definition)
    if (source is not None) != attack.transfers:
        fail(
            "RK810",
            f"attack {name} {'needs' if attack.transfers else 'has no use for'} a source model",
            help="pass source=model to attack 'transfer', and to no other",
        )
    check_arguments(mode, generator, model=model, **({} if source is None else {"source": source}))
    check_inputs(x, y, effective)
    y = y.long()
    judged = CheckedForward(model, y, own=attack.module is None)
    problem = Problem(
        Averaged(judged, effective.eot) if effective.eot else judged,
        x,
        y,
        effective,
        as_streams(generator),
        definition,
        observe,
        None if aims is None else check_aims(aims, y, name, "targets" in attack.options),
        None if source is None else CheckedForward(source, y),
    )
    other = (model, "keep") if source is None else (source, "eval")
    with frozen(model, mode), frozen(*other), shortcuts(x, definition):
        x_adv = function_of(name, attack)(problem).detach()
    for one in (judged, problem.source):
        if isinstance(one, CheckedForward):
            one.conclude()
    check_result(x, x_adv, effective, name)
    return x_adv


def search(
    name: str,
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    generator: Streams | torch.Generator | None = None,
    *,
    mode: str = "eval",
) -> Tensor:
    """Return the last iterates of `run`, without a look at images, logits and result, for which a GPU is waited for."""
    attack, effective = lookup(name, threat)
    with frozen(model, mode):
        return function_of(name, attack)(Problem(model, x, y, effective, as_streams(generator))).detach()


def function_of(name: str, attack: Attack) -> Callable[[Problem], Tensor]:
    """Return the function of an attack: found by the attack's name, where the registry names its module."""
    found = attack.function
    if isinstance(found, str):
        found = getattr(import_module(f"rkblocks.attacks.{found}"), name)
    return found


def fgsm(
    model: nn.Module, x: Tensor, y: Tensor, threat: Threat, generator: Streams | torch.Generator | None = None
) -> Tensor:
    """Return FGSM examples, checked: run("fgsm", …)."""
    return run("fgsm", model, x, y, threat, generator)


def pgd(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    generator: Streams | torch.Generator | None = None,
    *,
    definition: str = "final",
    mode: str = "eval",
) -> Tensor:
    """Return PGD examples, checked: run("pgd", …)."""
    return run("pgd", model, x, y, threat, generator, definition=definition, mode=mode)


def noise(
    model: nn.Module, x: Tensor, y: Tensor, threat: Threat, generator: Streams | torch.Generator | None = None
) -> Tensor:
    """Return images with uniform noise from the ball, checked: run("noise", …)."""
    return run("noise", model, x, y, threat, generator)
