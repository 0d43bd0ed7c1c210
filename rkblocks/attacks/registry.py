"""The registry: every attack with the threat model that it makes of a given one, its source and its options.

To add an attack: write a function of (model, x, y, threat, streams, *, definition, observe) that returns x_adv, in a
module of its own, and enter it below. It may count on a frozen model and checked inputs, and what it returns is
checked (run.run).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from torch import Tensor

from rkblocks.attacks.apgd import apgd, own_step
from rkblocks.attacks.autoattack import autoattack, standard
from rkblocks.attacks.deepfool import deepfool, minimal
from rkblocks.attacks.fgsm import fgsm, single_step
from rkblocks.attacks.momentum import momentum
from rkblocks.attacks.noise import gaussian, no_step, noise
from rkblocks.attacks.pgd import pgd
from rkblocks.attacks.square import no_gradient, square
from rkblocks.attacks.targeted import targeted
from rkblocks.attacks.transfer import transfer
from rkblocks.settings.threat import NORMS, OPTIONAL, Threat

#: What a search by gradient steps reads.
SEARCH: Final = ("steps", "step", "restarts", "random_start", "loss", "eot")


@dataclass(frozen=True)
class Attack:
    """An attack: its function, and what there is to know before running it.

    effective: the threat model that it makes of a given one. gradients: whether it follows gradients. does, reference:
    one line each. options: the fields of the threat model that it reads besides norm, eps and bounds. defaults: the
    value of an optional field that is not given. norms: those it knows. extra, module: what must be installed.
    transfers: whether it needs a source model. per_example: whether the outcome of an example is the same whatever
    else is in the batch.
    """

    function: Callable[..., Tensor]
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


ATTACKS: Final[dict[str, Attack]] = {
    "fgsm": Attack(
        fgsm,
        single_step,
        does="one step of length eps from the clean image",
        reference="Goodfellow et al. 2015",
        options=("loss", "eot"),
    ),
    "pgd": Attack(
        pgd,
        as_given,
        does="projected steepest ascent, with optional random start",
        reference="Madry et al. 2018",
    ),
    "momentum": Attack(
        momentum,
        as_given,
        does="PGD along an accumulated gradient",
        reference="Dong et al. 2018 (MI-FGSM)",
        options=(*SEARCH, "decay"),
        defaults={"decay": "1"},
    ),
    "targeted": Attack(
        targeted,
        as_given,
        does="PGD toward wrong classes in turn, those of largest clean logit or the least likely one",
        reference="Kurakin et al. 2017; loss dlr: Croce & Hein 2020, eq. 7",
        options=(*SEARCH, "targets"),
        defaults={"targets": 9},
    ),
    "apgd": Attack(
        apgd,
        own_step,
        does="PGD with momentum and a step size that halves by itself; with targets, toward each in turn",
        reference="Croce & Hein 2020 (APGD, APGD-T); in l1, Croce & Hein 2021",
        options=("steps", "restarts", "random_start", "loss", "targets", "eot"),
    ),
    "deepfool": Attack(
        deepfool,
        minimal,
        does="the nearest misclassified point, by steps to the nearest plane where a class takes over",
        reference="Moosavi-Dezfooli et al. 2016",
        options=("steps", "eot"),
    ),
    "square": Attack(
        square,
        no_gradient,
        gradients=False,
        does="random search by squares, without gradients; at most `queries` forward passes",
        reference="Andriushchenko et al. 2020; in l1, Croce & Hein 2021",
        options=("queries", "restarts", "eot"),
        defaults={"queries": 5000},
    ),
    "transfer": Attack(
        transfer,
        as_given,
        does="PGD on another model, the source; with a decay, with momentum",
        reference="Papernot et al. 2016",
        options=(*SEARCH, "decay", "source"),
        transfers=True,
    ),
    "autoattack": Attack(
        autoattack,
        standard,
        does="the standard ensemble: APGD-CE, APGD-T, FAB-T, Square with 5000 queries",
        reference="Croce & Hein 2020, by pyautoattack",
        options=(),
        extra="autoattack",
        module="pyautoattack",
        per_example=False,
    ),
    "noise": Attack(
        noise,
        no_step,
        gradients=False,
        does="uniform points of the ball, `restarts` draws",
        options=("restarts",),
    ),
    "gaussian": Attack(
        gaussian,
        no_step,
        gradients=False,
        does="Gaussian noise of about the length eps, projected to the ball, `restarts` draws",
        options=("restarts",),
    ),
}
