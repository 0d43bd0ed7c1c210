"""A model under attack, looked at while it answers: no forward pass is added, and no bit of an answer is changed."""

from __future__ import annotations

import math
from typing import Final, NoReturn

import torch
from torch import Tensor, nn

from rkblocks.diagnostics import fail

OVERFLOW: Final = "the weights or a layer overflow, or training diverged: a number of such a model means nothing"
AT_ONCE: Final = 64  # forward passes that are looked at together


def logits_of(model: nn.Module, x: Tensor) -> Tensor:
    """Return model(x), logits [n, classes]; raises RkblocksError RK808 where its weights and x are of different types
    or devices, RK814 where it returns anything else.
    """
    try:
        logits: Tensor = model(x)
    except RuntimeError as error:
        _explain(model, x, error)
        raise
    _check_shape(logits, x)
    return logits


class CheckedForward(nn.Module):
    """The model, whose outputs are judged on their way to the attack.

    Every output must be logits [rows, classes] of the rows given, with a gradient where one is asked for. On the first
    one of the whole batch no logit may be NaN, and every label must be one of the classes; both are looked at then. Of
    the others the largest logit and pixel are kept on the device, and looked at by `conclude`, which comes every so
    many passes and after the last. own: NaN pixels are an error too, which an attack that is not ours may try and drop.
    """

    def __init__(self, model: nn.Module, labels: Tensor, own: bool = True) -> None:
        super().__init__()
        self.model, self.own = model, own
        self._labels: Tensor | None = labels
        self._peaks: list[tuple[Tensor, Tensor]] = []  # of pixels and logits, pass by pass; NaN where one is NaN
        self._passes, self._infinite = 0, 0  # looked at; number of the first with an infinite logit

    def forward(self, x: Tensor) -> Tensor:
        """Return model(x); raises RkblocksError RK808, RK809 or RK814."""
        logits = logits_of(self.model, x)
        if torch.is_grad_enabled() and x.requires_grad and not logits.requires_grad:
            no_gradient()
        if self._labels is not None and len(x) >= len(self._labels):
            _check_values(logits, self._labels)
            self._labels = None
        if logits.numel() and x.numel():
            self._peaks.append((x.detach().amax(), logits.detach().amax()))
            if len(self._peaks) == AT_ONCE:
                self.conclude()
        return logits

    def conclude(self) -> None:
        """Look at the outputs so far (a GPU is waited for): raises RkblocksError RK814 where a logit was NaN."""
        peaks, self._peaks = self._peaks, []
        if not peaks:
            return
        pixels, logits = (torch.stack(part).tolist() for part in zip(*peaks, strict=True))
        for pixel, logit in zip(pixels, logits, strict=True):
            self._passes += 1
            if math.isnan(logit) and (self.own or not math.isnan(pixel)):
                _explain_pass(self._passes, math.isnan(pixel), self._infinite)
            if logit == math.inf:
                self._infinite = self._infinite or self._passes


def predicted(logits: Tensor, images: str) -> Tensor:
    """Return the largest logit's class [n]; raises RkblocksError RK814 where a logit of these images is NaN."""
    wrong = int(logits.isnan().any(1).sum())
    if wrong:
        fail("RK814", f"the logits of {wrong} of {len(logits)} {images} are NaN", help=OVERFLOW)
    return logits.argmax(1)


def no_gradient() -> NoReturn:
    """Raise RkblocksError RK809."""
    fail(
        "RK809",
        "the model's output does not depend on its input by any differentiable path",
        help="a detach or no_grad inside the model hides the gradient; remove it, or attack without gradients",
    )


def _explain(model: nn.Module, x: Tensor, error: RuntimeError) -> None:
    """Raise RkblocksError RK808 where the model could not compute since its weights are of another type or device."""
    for parameter in model.parameters():
        if parameter.is_floating_point() and (parameter.dtype, parameter.device) != (x.dtype, x.device):
            fail(
                "RK808",
                f"the model has {parameter.dtype} weights on {parameter.device} and fails on images of {x.dtype} on "
                f"{x.device}: {' '.join(str(error).split())[:200]}",
                help="convert the images or the model: x.to(parameter.device, parameter.dtype)",
            )


def _check_shape(logits: object, x: Tensor) -> None:
    if isinstance(logits, Tensor) and logits.dim() == 2 and len(logits) == len(x) and logits.is_floating_point():
        return
    found = f"{logits.dtype} of shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
    fail(
        "RK814",
        f"the model returned {found} for {len(x)} images; expected floats [{len(x)}, classes]",
        help="return the logits alone, a row for each image: wrap the model in one that picks them, such as "
        "out['logits'], out.logits or out[0]",
    )


def _check_values(logits: Tensor, labels: Tensor) -> None:
    classes = logits.shape[1]
    inside, sound = (labels >= 0) & (labels < classes), ~logits.isnan().any(1)
    if bool((inside & sound).all()):  # one look, since a GPU is waited for
        return
    check_labels(labels, classes)
    fail(
        "RK814",
        f"the logits of {int((~sound).sum())} of {len(logits)} images are NaN before any step was taken",
        help=OVERFLOW,
    )


def check_labels(labels: Tensor, classes: int) -> None:
    """Raise RkblocksError RK808 unless every label is one of the classes."""
    inside = (labels >= 0) & (labels < classes)
    if not bool(inside.all()):
        wrong = labels[~inside][0].item()
        help = f"count the classes from 0 to {classes - 1}"
        fail("RK808", f"a label is {wrong}, and the model tells {classes} classes apart", help=help)


def _explain_pass(number: int, stepped: bool, infinite: int) -> NoReturn:
    """Raise RkblocksError RK814 for the forward pass of this number; stepped: the images were NaN already."""
    before = f"; pass {infinite} had infinite logits" if infinite else ""
    if stepped:
        fail(
            "RK814",
            f"a gradient was NaN, and so are images in forward pass {number} of the attack{before}",
            help="a layer overflows, or has no derivative there: mend it, or attack without gradients (square)",
        )
    fail("RK814", f"logits are NaN in forward pass {number} of the attack{before}", help=OVERFLOW)
