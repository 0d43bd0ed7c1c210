"""The attacks by name: what each makes of a threat model, what it reads of it, its source. No torch.

To add one: a function of a `rkblocks.attacks.trials.Problem` that returns x_adv, in a module of its own, and an entry
below. It may count on a frozen model and checked inputs, and what it returns is checked (rkblocks.attacks.run).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, Final

from rkblocks.diagnostics import fail, typed
from rkblocks.extras import require
from rkblocks.settings.threat import NORMS, OPTIONAL, OPTIONS, Threat

#: What a search by gradient steps reads.
SEARCH: Final = ("steps", "step", "restarts", "random_start", "loss", "eot")
DEFINITIONS: Final = ("final", "any")


@dataclass(frozen=True)
class Attack:
    """An attack: its function, and what there is to know before running it.

    function: itself, or the module of rkblocks.attacks that has it under the attack's name. effective: the threat model
    that it makes of a given one. gradients: whether it follows gradients. does, reference: one line each. options: the
    fields of the threat model that it reads besides norm, eps and bounds; those that single attacks have are told by
    the field (Option.of). defaults: the value of such a field that is not given. norms: those it knows. extra, module:
    what must be installed. transfers: whether it needs a source model. per_example: whether the outcome of an example
    is the same whatever else is in the batch.
    """

    function: Callable[[Any], Any] | str
    effective: Callable[[Threat], Threat]
    gradients: bool = True
    does: str = ""
    reference: str = ""
    options: tuple[str, ...] = SEARCH
    defaults: Mapping[str, Any] = field(default_factory=dict)
    norms: tuple[str, ...] = NORMS
    extra: str | None = None
    module: str | None = None
    transfers: bool = False
    per_example: bool = True

    @property
    def available(self) -> bool:
        """Whether what it needs is installed."""
        return self.module is None or importlib.util.find_spec(self.module) is not None

    def fitted(self, threat: Threat) -> Threat:
        """Return the threat model as the attack uses it: its own defaults filled in, fields that it does not read
        None.
        """
        given = [name for name in OPTIONAL if getattr(threat, name) is not None]
        unread: dict[str, Any] = {name: None for name in given if name not in self.options}
        unset = {name: value for name, value in self.defaults.items() if getattr(threat, name) is None}
        return self.effective(replace(threat, **unread, **unset))


def as_given(threat: Threat) -> Threat:
    """Return the threat model itself."""
    return threat


def single_step(threat: Threat) -> Threat:
    """Return the threat model of FGSM: one step of length eps, no random start, no restart."""
    return replace(threat, steps=1, step=threat.eps, restarts=1, random_start=False)


def own_step(threat: Threat) -> Threat:
    """Return the threat model of APGD: its first step is 2 eps long, in l1 eps, whatever was asked for."""
    return replace(threat, step=threat.eps if threat.norm == "l1" else 2 * threat.eps)


def minimal(threat: Threat) -> Threat:
    """Return the threat model of DeepFool: its steps are as long as they must be; one search from the image."""
    return replace(threat, step=threat.eps, restarts=1, random_start=False, loss="margin")


def no_step(threat: Threat) -> Threat:
    """Return the threat model of noise: a random start and no gradient step; restarts are the number of draws."""
    return replace(threat, steps=0, step=Fraction(0), random_start=True)


def no_gradient(threat: Threat) -> Threat:
    """Return the threat model of Square: no gradient step, a random start, the margin loss."""
    return replace(no_step(threat), loss="margin")


def standard(threat: Threat) -> Threat:
    """Return the threat model of AutoAttack's standard version: steps, restarts, targets and queries are fixed."""
    restarts, targets = (5, 5) if threat.norm == "l1" else (1, 9)
    fixed: dict[str, Any] = {"restarts": restarts, "targets": targets, "queries": 5000}
    return replace(own_step(threat), steps=100, random_start=True, loss="ce", **fixed)


_ATTACKS: Final[dict[str, Attack]] = {
    "fgsm": Attack(
        "projected_gradient",
        single_step,
        does="one step of length eps from the clean image",
        reference="Goodfellow et al. 2015",
        options=("loss", "eot"),
    ),
    "pgd": Attack(
        "projected_gradient",
        as_given,
        does="projected steepest ascent, with optional random start",
        reference="Madry et al. 2018",
    ),
    "momentum": Attack(
        "projected_gradient",
        as_given,
        does="PGD along an accumulated gradient",
        reference="Dong et al. 2018 (MI-FGSM)",
    ),
    "targeted": Attack(
        "projected_gradient",
        as_given,
        does="PGD toward wrong classes in turn, those of largest clean logit or the least likely one",
        reference="Kurakin et al. 2017; loss dlr: Croce & Hein 2020, eq. 7",
    ),
    "apgd": Attack(
        "apgd",
        own_step,
        does="PGD with momentum and a step size that halves by itself; with targets, toward each in turn",
        reference="Croce & Hein 2020 (APGD, APGD-T); in l1, Croce & Hein 2021",
        options=("steps", "restarts", "random_start", "loss", "eot"),
    ),
    "deepfool": Attack(
        "deepfool",
        minimal,
        does="the nearest misclassified point, by steps to the nearest plane where a class takes over",
        reference="Moosavi-Dezfooli et al. 2016",
        options=("steps", "eot"),
    ),
    "square": Attack(
        "square",
        no_gradient,
        gradients=False,
        does="random search by squares, without gradients; at most `queries` forward passes",
        reference="Andriushchenko et al. 2020; in l1, Croce & Hein 2021",
        options=("restarts", "eot"),
    ),
    "transfer": Attack(
        "projected_gradient",
        as_given,
        does="PGD on another model, the source; with a decay, with momentum",
        reference="Papernot et al. 2016",
        transfers=True,
    ),
    "autoattack": Attack(
        "autoattack",
        standard,
        does="the standard ensemble: APGD-CE, APGD-T, FAB-T, Square with 5000 queries",
        reference="Croce & Hein 2020, by pyautoattack",
        options=(),
        extra="autoattack",
        module="pyautoattack",
        per_example=False,
    ),
    "noise": Attack(
        "draws",
        no_step,
        gradients=False,
        does="uniform points of the ball, `restarts` draws",
        options=("restarts",),
    ),
    "gaussian": Attack(
        "draws",
        no_step,
        gradients=False,
        does="Gaussian noise of about the length eps, projected to the ball, `restarts` draws",
        options=("restarts",),
    ),
}


def _entered(name: str, attack: Attack) -> Attack:
    """The attack with the options that are told by the fields of the threat model, all in the order of the fields."""
    own = {option: one.of[name] for option, one in OPTIONS.items() if name in one.of}
    defaults = {option: value for option, value in own.items() if value is not None}
    options = tuple(option for option in OPTIONS if option in attack.options or option in own)
    return replace(attack, options=options, defaults=defaults)


ATTACKS: Final = {name: _entered(name, attack) for name, attack in _ATTACKS.items()}
"""Every attack by the name that threat models, configurations and the command line use."""


def lookup(name: str, threat: Threat, definition: str = "final") -> tuple[Attack, Threat]:
    """Return the attack of this name and the threat model as it uses it (Attack.fitted).

    Raises RkblocksError RK801, RK804, RK810, RK811, RK812 or RK822 if unfit, RK901 or RK902 where a package that it
    needs is missing.
    """
    typed({"threat": threat}, {"threat": ((Threat,), "attacks.Threat")}, 'Threat("linf", eps="8/255")')
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
    if effective.rounded and threat.norm != "linf":
        fail(
            "RK812",
            f"attack {name} with 8-bit images does not know the norm {threat.norm}; it knows linf",
            help="rounding would leave a ball of another norm: choose norm linf, or leave out rounded",
        )
    if attack.gradients and not effective.steps:
        fail(
            "RK804", f"attack {name} with 0 steps does nothing", help="give at least one step, or choose attack 'noise'"
        )
    return attack, effective
