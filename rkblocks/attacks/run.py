"""The one way to run an attack of the registry: inputs checked, the model frozen and restored, the result checked."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Final

import torch
from torch import Tensor, nn

from rkblocks.attacks.averaged import Averaged
from rkblocks.attacks.guard import check_aims, check_arguments, check_inputs, check_result, frozen
from rkblocks.attacks.judged import Judged
from rkblocks.attacks.registry import ATTACKS, Attack
from rkblocks.attacks.search import Observer
from rkblocks.attacks.shortcuts import shortcuts
from rkblocks.attacks.streams import Streams, as_streams
from rkblocks.diagnostics import fail
from rkblocks.extras import require
from rkblocks.settings.threat import Threat

DEFINITIONS: Final = ("final", "any")


def lookup(name: str, threat: Threat, definition: str = "final") -> tuple[Attack, Threat]:
    """Return the attack of this name and the threat model as it uses it (registry.Attack.fitted).

    Raises RkblocksError RK801, RK804, RK810, RK811, RK812 or RK819 if unfit, RK901 or RK902 where a package that it
    needs is missing.
    """
    if not isinstance(threat, Threat):
        found = f"the threat model is a {type(threat).__name__}"
        fail("RK819", f"{found}; expected attacks.Threat", help='Threat("linf", eps="8/255")')
    if not isinstance(name, str) or name not in ATTACKS:
        near = get_close_matches(str(name), ATTACKS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        fail(
            "RK801",
            f"there is no attack {name!r}; expected one of {', '.join(ATTACKS)}",
            help=f"{hint}rkblocks evaluate --list-attacks says what each does",
        )
    if definition not in DEFINITIONS:
        fail(
            "RK811",
            f"definition is {definition!r}; expected final or any",
            help="'final' as in the paper's tables, or 'any'",
        )
    attack = ATTACKS[name]
    if threat.norm not in attack.norms:
        fail(
            "RK812",
            f"attack {name} does not know the norm {threat.norm}; it knows {', '.join(attack.norms)}",
            help=f"choose norm {attack.norms[0]}, or another attack",
        )
    if attack.transfers and not threat.source:
        fail(
            "RK810",
            f"attack {name} makes its examples on another model, but the threat model names no source",
            help="name it, Threat(source=...), and hand over the model: attacks.run(..., source=model)",
        )
    if attack.module and attack.extra:
        require(attack.module, attack.extra, f"attack {name}")
    effective = attack.fitted(threat)
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
    missing or unwanted), RK814 (the model's output is no logits, or NaN), RK819 (an argument of another type), and what
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
    check_inputs(x, y, threat)
    y = y.long()
    judged = Judged(model, y, own=attack.module is None)
    more: dict[str, Any] = {} if source is None else {"source": Judged(source, y)}
    if aims is not None:
        more["aims"] = check_aims(aims, y, name, "targets" in attack.options)
    other = (model, "keep") if source is None else (source, "eval")
    with frozen(model, mode), frozen(*other), shortcuts(x, definition):
        x_adv = attack.function(
            Averaged(judged, effective.eot) if effective.eot else judged,
            x,
            y,
            effective,
            as_streams(generator),
            definition=definition,
            observe=observe,
            **more,
        ).detach()
    for one in (judged, *more.values()):
        if isinstance(one, Judged):
            one.conclude()
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
