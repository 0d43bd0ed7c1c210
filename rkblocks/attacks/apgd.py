"""Auto-PGD: PGD that chooses its steps itself (Croce & Hein 2020; in l1, Croce & Hein 2021, "Mind the box")."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Final

from torch import Tensor, nn

from rkblocks.attacks.climb import climb
from rkblocks.attacks.halving import Halving
from rkblocks.attacks.projection import project
from rkblocks.attacks.search import Inner, Observer, Watch, repeat, starting_point
from rkblocks.attacks.sparse import Sparse
from rkblocks.attacks.streams import Streams
from rkblocks.attacks.targeted import goals
from rkblocks.settings.threat import LARGEST, Threat

WIDER: Final = (3, 2, 1)  # in l1, the radii of the climbs in units of eps
SHORT: Final = 3  # tenths of the steps, which each climb but the last one gets


def own_step(threat: Threat) -> Threat:
    """Return the threat model as APGD uses it: its first step is 2 eps long, in l1 eps, whatever was asked for."""
    return replace(threat, step=threat.eps if threat.norm == "l1" else 2 * threat.eps)


def apgd(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    threat: Threat,
    streams: Streams,
    *,
    definition: str = "final",
    observe: Observer | None = None,
    aims: Tensor | None = None,
) -> Tensor:
    """Return adversarial examples [n, ...]: under `any` the first misclassified iterate of each example, else (and
    under `final` always) its iterate of highest loss.

    With targets there is a search for each target class (APGD-T where the loss is dlr). In l1 iterates count in the
    last climb alone, since the others leave the ball; an observer sees all.
    """
    aimed = goals(model, x, y, threat, aims)
    return repeat(model, x, aimed, threat, streams, _search(model, threat, definition), observe)


def climbs(threat: Threat) -> list[Threat]:
    """Return the threat models of the climbs, one after the other: in l1 the balls of radius 3 eps, 2 eps and eps, with
    30, 30 and 40 % of the steps, where there are steps for all; otherwise one.
    """
    if threat.norm != "l1":
        return [threat]
    short = SHORT * threat.steps // 10
    steps = (short, short, threat.steps - 2 * short)
    radii = [min(times * threat.eps, Fraction(LARGEST)) for times in WIDER]
    return [own_step(replace(threat, eps=eps, steps=n)) for eps, n in zip(radii, steps, strict=True) if n]


def _search(model: nn.Module, threat: Threat, definition: str) -> Inner:
    def search(anchor: Tensor, goal: Tensor, streams: Streams, watch: Watch | None) -> Tensor:
        parts, passes = climbs(threat), 0
        point = starting_point(anchor, parts[0], streams)
        for number, part in enumerate(parts):
            if number:
                low, high = (float(bound) for bound in part.bounds)
                point = project(anchor, point, float(part.eps), part.norm, low, high)
            sparse = part.norm == "l1"
            state = Sparse.begin(point, part, anchor, not number) if sparse else Halving.begin(point, part)
            stop = definition == "any" and part is parts[-1]
            point = climb(model, anchor, goal, state, part, stop, _later(watch, passes))
            passes += part.steps + 1
        return point

    return search


def _later(watch: Watch | None, passes: int) -> Watch | None:
    """Return the observer of a climb before which there were so many forward passes."""
    return watch and (lambda step, rows, logits: watch(passes + step, rows, logits))
