"""AutoAttack (Croce & Hein 2020), standard version, through pyautoattack: APGD-CE, APGD-T, FAB-T, Square."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from rkblocks.attacks.projection import project
from rkblocks.attacks.trials import Problem
from rkblocks.diagnostics import fail
from rkblocks.extras import require
from rkblocks.settings.threat import Threat

TARGETS = 9
NAMES = {"linf": "Linf", "l2": "L2", "l1": "L1"}


def autoattack(problem: Problem) -> Tensor:
    """Return the examples of AutoAttack; of an image that it does not break, the clean image.

    Both definitions agree. With fewer classes than ten there are fewer targets. Its random numbers come from torch's
    global generators, seeded from the streams of the batch's first example and put back afterwards, so outcomes
    depend on the batches. Raises RkblocksError RK818 unless x are float32 images in [0, 1], of four classes or more.
    """
    model, x, threat = problem.model, problem.x, problem.threat
    package = require("pyautoattack", "autoattack", "attack autoattack")
    _check(model, x, threat)
    if not len(x):
        return x.clone()
    seed = int(problem.streams.uniform(x[:, :1].flatten(1)[:, :1].double(), "autoattack")[0, 0] * 2**31)
    with _quiet(x):
        found = package.AutoAttack(
            model, norm=NAMES[threat.norm], eps=float(threat.eps), seed=seed, device=x.device, version="standard"
        )
        classes = _classes(model, x)
        found.apgd_targeted.n_target_classes = min(int(threat.targets or TARGETS), classes - 1)
        found.fab.n_target_classes = min(TARGETS, classes - 1)
        x_adv, _ = found.run_standard_evaluation(x, problem.y, batch_size=len(x))
    return project(x, x_adv, float(threat.eps), threat.norm, threat.box)


def _check(model: nn.Module, x: Tensor, threat: Threat) -> None:
    low, high = threat.bounds
    if low != 0 or high != 1 or x.dtype != torch.float32 or x.dim() != 4:
        fail(
            "RK818",
            f"autoattack was given {x.dtype} of shape {tuple(x.shape)} in the box {low} to "
            f"{high}; expected float32 images [n, C, H, W] in [0, 1]",
            help="scale the images to [0, 1] and let the model's first layer normalise them",
        )
    if len(x) and _classes(model, x) < 4:
        fail(
            "RK818",
            f"autoattack needs four classes or more for its targeted loss, the model has {_classes(model, x)}",
            help="choose attack 'apgd' with loss 'margin', and 'square'",
        )


def _classes(model: nn.Module, x: Tensor) -> int:
    with torch.no_grad():
        return int(model(x[:1]).shape[1])


@contextmanager
def _quiet(x: Tensor) -> Iterator[None]:
    """Put torch's generators and the tracing function back afterwards, and leave its log to those who listen."""
    log = logging.getLogger("auto-attack")
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    tracer = sys.gettrace()
    try:
        with torch.random.fork_rng(devices=[x.device] if x.is_cuda else []):
            yield
    finally:
        sys.settrace(tracer)
