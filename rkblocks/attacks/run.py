"""The registry of attacks and the one way to run them.

To add an attack: write a function of (model, x, y, threat, streams, *, definition, observe) that returns x_adv, and
enter it below with the threat model that it really uses. It may count on a frozen model and checked inputs, and what
it returns is checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from rkblocks.attacks.fgsm import fgsm as _fgsm
from rkblocks.attacks.fgsm import single_step
from rkblocks.attacks.guard import check_inputs, check_result, frozen
from rkblocks.attacks.noise import no_step
from rkblocks.attacks.noise import noise as _noise
from rkblocks.attacks.pgd import Observer
from rkblocks.attacks.pgd import pgd as _pgd
from rkblocks.attacks.streams import Streams, as_streams
from rkblocks.attacks.threat import Threat
from rkblocks.diagnostics import fail


@dataclass(frozen=True)
class Attack:
    """An attack: its function, the threat model that it makes of a given one, and whether it follows gradients."""

    function: Callable[..., Tensor]
    effective: Callable[[Threat], Threat]
    gradients: bool = True


ATTACKS: Final[dict[str, Attack]] = {
    "fgsm": Attack(_fgsm, single_step),
    "pgd": Attack(_pgd, lambda threat: threat),
    "noise": Attack(_noise, no_step, gradients=False),
}

DEFINITIONS: Final = ("final", "any")


def lookup(name: str, threat: Threat, definition: str = "final") -> tuple[Attack, Threat]:
    """Return the attack of this name and the threat model it will use.

    Raises RkblocksError RK801, RK804 or RK811 if unfit.
    """
    if name not in ATTACKS:
        fail("RK801", f"there is no attack {name!r}; expected one of {', '.join(ATTACKS)}", help="choose --attack pgd")
    if definition not in DEFINITIONS:
        fail(
            "RK811",
            f"definition is {definition!r}; expected final or any",
            help="'final' as in the paper's tables, or 'any'",
        )
    attack = ATTACKS[name]
    effective = attack.effective(threat)
    if attack.gradients and not effective.steps:
        fail(
            "RK804", f"attack {name} with 0 steps does nothing", help="give at least one step, or choose attack 'noise'"
        )
    return attack, effective


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
) -> Tensor:
    """Return adversarial examples of the named attack, of the shape and dtype of x.

    model: maps images [n, C, H, W] in the box to logits [n, classes] (normalisation inside); left exactly as it was
    found: mode, requires_grad, gradients. generator: a torch generator, or ExampleStreams for results that do not
    depend on the batches. definition: final or any (see pgd). mode: eval, train or keep. Raises RkblocksError RK801
    (no such attack), RK807 (postcondition violated), RK808 (unfit inputs), RK809 (no gradient).
    """
    attack, effective = lookup(name, threat, definition)
    check_inputs(x, y, threat)
    with frozen(model, mode):
        x_adv = attack.function(
            model, x, y, effective, as_streams(generator), definition=definition, observe=observe
        ).detach()
    check_result(x, x_adv, effective, name)
    return x_adv


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
