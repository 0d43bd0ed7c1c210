"""What an attack raises: one loss per example, from logits [n, classes] and labels [n]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from rkblocks.attacks.checked_forward import no_gradient
from rkblocks.diagnostics import fail

Loss = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy [n].

    Its gradient vanishes in float32 once the logits are far apart: then use the margin.
    """
    return F.cross_entropy(logits, labels, reduction="none")


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the best wrong logit minus the right one [n]: positive exactly where the example is broken (Carlini &
    Wagner 2017).
    """
    right = logits.gather(1, labels[:, None])[:, 0]
    wrong = logits.scatter(1, labels[:, None], float("-inf")).amax(1)
    return wrong - right


def dlr(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the difference-of-logits ratio [n], which no rescaling of the logits changes (Croce & Hein 2020, eq.

    6).
    """
    if logits.shape[1] < 3:
        fail(
            "RK805",
            f"loss dlr needs three classes or more, the model has {logits.shape[1]}",
            help="choose loss 'margin'",
        )
    ordered = logits.sort(dim=1, descending=True).values
    spread = (ordered[:, 0] - ordered[:, 2]).clamp_min(torch.finfo(logits.dtype).tiny)
    return margin(logits, labels) / spread


LOSS: Final[dict[str, Loss]] = {"ce": cross_entropy, "margin": margin, "dlr": dlr}


def targeted_cross_entropy(logits: Tensor, goal: Tensor) -> Tensor:
    """Return minus the cross-entropy [n] of the target; goal [n, 2] holds label and target."""
    return -F.cross_entropy(logits, goal[:, 1], reduction="none")


def targeted_margin(logits: Tensor, goal: Tensor) -> Tensor:
    """Return the target's logit minus the best other [n]: positive where it is reached (Carlini & Wagner 2017)."""
    return -margin(logits, goal[:, 1])


def targeted_dlr(logits: Tensor, goal: Tensor) -> Tensor:
    """Return the targeted difference-of-logits ratio [n] (Croce & Hein 2020, eq. 7): target against label, not against
    the other classes.
    """
    if logits.shape[1] < 4:
        fail(
            "RK805",
            f"loss dlr with targets needs four classes or more, the model has {logits.shape[1]}",
            help="choose loss 'margin'",
        )
    ordered = logits.sort(dim=1, descending=True).values
    spread = ordered[:, 0] - (ordered[:, 2] + ordered[:, 3]) / 2
    lead = logits.gather(1, goal[:, 1:]) - logits.gather(1, goal[:, :1])
    return lead[:, 0] / spread.clamp_min(torch.finfo(logits.dtype).tiny)


TARGETED_LOSS: Final[dict[str, Loss]] = {"ce": targeted_cross_entropy, "margin": targeted_margin, "dlr": targeted_dlr}


def labels_of(goal: Tensor) -> Tensor:
    """Return the labels [n] of a goal: the goal itself, or the first column where it holds label and target."""
    return goal if goal.dim() == 1 else goal[:, 0]


def objective(loss: str, logits: Tensor, goal: Tensor) -> Tensor:
    """Return the value [n] that the attack raises: away from the labels (goal [n]), or to targets (goal [n, 2])."""
    return (LOSS if goal.dim() == 1 else TARGETED_LOSS)[loss](logits, goal)


def input_gradient(model: torch.nn.Module, x: Tensor, goal: Tensor, loss: str) -> tuple[Tensor, Tensor]:
    """Return (logits, gradient of the summed loss for x). Only the input's gradient is formed, no parameter's.

    Raises RkblocksError RK809 where no gradient reaches the input at all.
    """
    point = x.detach().requires_grad_(True)
    with torch.enable_grad():
        logits = model(point)
        value = objective(loss, logits, goal).sum()
        if not value.requires_grad:
            no_gradient()
        (gradient,) = torch.autograd.grad(value, point, allow_unused=True)
        if gradient is None:
            no_gradient()
    return logits.detach(), gradient
