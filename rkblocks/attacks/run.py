"""The one way to run an attack of the registry: inputs checked, the model frozen and given back as it was, the result
checked against the threat model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module

import torch
from torch import Tensor, nn

from rkblocks.attacks.checked_forward import CheckedForward
from rkblocks.attacks.projection import distance, eight_bit
from rkblocks.attacks.shortcuts import shortcuts
from rkblocks.attacks.streams import Streams, as_streams
from rkblocks.attacks.trials import Observer, Problem
from rkblocks.diagnostics import fail, typed, unfit_argument
from rkblocks.settings.attacks import Attack, lookup
from rkblocks.settings.threat import Threat, fraction_text


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


class Averaged(nn.Module):
    """The mean of the logits of `passes` forward passes: their gradient is the mean of the gradients."""

    def __init__(self, model: nn.Module, passes: int) -> None:
        super().__init__()
        self.model, self.passes = model, passes

    def forward(self, x: Tensor) -> Tensor:
        """Return mean logits [n, classes]."""
        return torch.stack([self.model(x) for _ in range(self.passes)]).mean(0)


@contextmanager
def frozen(model: nn.Module, mode: str = "eval") -> Iterator[None]:
    """Keep the model in `mode` (eval, train, or keep for as it is) and its parameters without gradients; restore both
    exactly.

    The published code attacks in train mode during training, which updates BatchNorm's running statistics with every
    attack step; eval is the default here (ROBUSTNESS.md). Gradients that already lie in the parameters stay
    untouched.
    """
    modes = [(module, module.training) for module in model.modules()]
    flags = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    try:
        if mode != "keep":
            model.train(mode == "train")
        for parameter, _ in flags:
            parameter.requires_grad_(False)
        yield
    finally:
        for module, training in modes:
            module.training = training
        for parameter, required in flags:
            parameter.requires_grad_(required)


def check_arguments(mode: object, generator: object, **models: object) -> None:
    """Raise RkblocksError RK822 for a model, mode or source of randomness that is none."""
    modules = dict.fromkeys(models, ((nn.Module,), "a torch.nn.Module"))
    typed(models, modules, "wrap a function in a module whose forward calls it")
    if mode not in ("eval", "train", "keep"):
        unfit_argument("mode", mode, "eval, train or keep", "leave mode out for 'eval'")
    if not (generator is None or isinstance(generator, torch.Generator) or hasattr(generator, "uniform")):
        help = "pass torch.Generator().manual_seed(0), or ExampleStreams.of(0, range(len(x)))"
        unfit_argument("generator", generator, "a torch.Generator, streams or None", help)


def check_inputs(x: Tensor, y: Tensor, threat: Threat) -> None:
    """Raise RkblocksError RK808 unless x is a finite float batch inside the box and y its integer labels [n]."""
    for name, value in (("images", x), ("labels", y)):
        if not isinstance(value, Tensor):
            fail("RK808", f"{name} are a {type(value).__name__}; expected a tensor", help="use torch.as_tensor(...)")
    if not x.is_floating_point() or x.dim() < 2:
        fail(
            "RK808",
            f"images are {x.dtype} of shape {tuple(x.shape)}; expected floats [n, ...]",
            help="scale uint8 images: x.float() / 255",
        )
    if y.shape != x.shape[:1] or y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        fail(
            "RK808",
            f"labels are {y.dtype} of shape {tuple(y.shape)}; expected integers [{len(x)}]",
            help="pass one class index per image",
        )
    if y.device != x.device:
        fail("RK808", f"images are on {x.device}, labels on {y.device}; expected one device", help="y.to(x.device)")
    low, high = threat.box
    if not bool(((x >= low) & (x <= high)).all()):  # a NaN fails both comparisons
        fail(
            "RK808",
            f"some pixels lie outside [{low:g}, {high:g}] or are not numbers",
            help="keep images in the box and let the model's first layer normalise them",
        )
    if threat.rounded and not torch.equal(x, eight_bit(x)):
        fail(
            "RK808",
            "some pixels are no multiples of 1/255, but the attack is to keep to 8-bit images",
            help="attack images as they were read, uint8 over 255, or leave out rounded",
        )


def check_aims(aims: Tensor, y: Tensor, attack: str, targeted: bool) -> Tensor:
    """Return the target classes [n, k]; raises RkblocksError RK813 unless they are wrong classes of each image, for an
    attack that has targets.
    """
    if not targeted:
        fail("RK813", f"attack {attack} aims at no class, so aims have no use", help="choose attack 'apgd', 'targeted'")
    classes = isinstance(aims, Tensor) and not (
        aims.is_floating_point() or aims.is_complex() or aims.dtype == torch.bool
    )
    if not classes or aims.dim() not in (1, 2) or len(aims) != len(y) or (not aims[:1].numel() and len(y)):
        found = f"{aims.dtype} of shape {tuple(aims.shape)}" if isinstance(aims, Tensor) else type(aims).__name__
        fail(
            "RK813", f"aims are {found}; expected integers [{len(y)}] or [{len(y)}, k]", help="give each image a class"
        )
    wanted = aims.to(y.device).long().reshape(len(y), -1)
    if bool((wanted == y[:, None]).any()):
        fail("RK813", "an image is to be aimed at its own label", help="give each image classes other than its own")
    return wanted


def check_result(x: Tensor, x_adv: Tensor, threat: Threat, attack: str) -> None:
    """Raise RkblocksError RK807 unless x_adv is finite, of x's shape and dtype, in the eps ball and exactly in the box.

    The ball may be exceeded by rounding alone: x + d is rounded to the grid of x, so a pixel is off by at most an ulp
    or two.
    """
    if x_adv.shape != x.shape or x_adv.dtype != x.dtype or x_adv.requires_grad:
        _violated(
            attack, f"it returned {x_adv.dtype} of shape {tuple(x_adv.shape)} for {x.dtype} of shape {tuple(x.shape)}"
        )
    low, high = threat.box
    if not bool(((x_adv >= low) & (x_adv <= high)).all()):
        _violated(attack, f"it left the box [{low:g}, {high:g}], or returned values that are not numbers")
    if threat.rounded and not torch.equal(x_adv, eight_bit(x_adv)):
        _violated(attack, "it returned pixels that are no multiples of 1/255")
    eps, ulp = float(threat.eps), torch.finfo(x.dtype).eps * max(1.0, abs(low), abs(high))
    size = x[0].numel() if len(x) else 1
    slack = {"linf": 2 * ulp, "l2": 2 * ulp * size**0.5, "l1": 2 * ulp * size}[threat.norm] + 1e-5 * eps * (
        threat.norm != "linf"
    )
    farthest = float(distance(x, x_adv, threat.norm).max()) if len(x) else 0.0
    if farthest > eps + slack:
        _violated(
            attack, f"it moved an image by {farthest:.9g} in {threat.norm}, more than eps = {fraction_text(threat.eps)}"
        )


def _violated(attack: str, what: str) -> None:
    fail(
        "RK807",
        f"attack {attack} broke its threat model: {what}",
        help="no number of this attack may be used; mend the attack or the model",
    )
