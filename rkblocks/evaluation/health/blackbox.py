"""Checks with attacks of another kind: what follows no gradient, or another model's, must not find what PGD misses.

Each counts, per image, what the other attack breaks and no gradient attack of the evaluation with the same ball does.
An attack that the evaluation has run anyway is counted on all images, otherwise it is run on images of the sample that
still stand.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import takewhile
from typing import Final

import torch
from torch import Tensor, nn

from rkblocks.attacks import ATTACKS, Threat
from rkblocks.evaluation.health.evidence import Evidence
from rkblocks.evaluation.health.registry import Finding, check
from rkblocks.evaluation.measure import Measurement
from rkblocks.evaluation.subject import Subject
from rkblocks.intervals import smallest_found
from rkblocks.settings.plan import Item

QUERIES: Final = 500  # Square on the sample; masked gradients show long before its 5000
#: Standing images that APGD-T is run on where the evaluation has no AutoAttack: as many as it takes to find a MISS nine
#: times out of ten with 4 of them broken, as happens to an ordinary network where the evaluation has PGD-20 alone.
ENSEMBLE: Final = 266
MISS: Final = 0.03
STEPS: Final = 50  # for each of its targets
LEAST_CLASSES: Final = (
    4  # that the targeted loss dlr needs (Croce & Hein 2020, eq. 7: it looks at the four largest logits)
)
BOX: Final = ("square", "transfer", "autoattack")
WHITE: Final = tuple(name for name, attack in ATTACKS.items() if attack.gradients and name not in BOX)
ADVICE: Final = "PGD misses what this finds: a short search or masked gradients; attack harder, report the lower number"


@check("Square breaks nothing more")
def square_breaks_nothing_more(evidence: Evidence) -> Finding:
    """Square sees no gradient (Andriushchenko et al. 2020); where it beats PGD, the gradients are masked."""
    ball = evidence.ball
    if ball is None or ball.norm not in ATTACKS["square"].norms:
        return None
    item = Item("square", replace(ball, restarts=1, queries=QUERIES), "any")
    return _broken_alone(evidence, item, f"Square with {QUERIES} queries")


@check("transfer breaks nothing more")
def transfer_breaks_nothing_more(evidence: Evidence) -> Finding:
    """Examples made on another network of the same task must not beat PGD on this one (Athalye et al. 2018)."""
    probe, source = evidence.probe, evidence.source
    if probe is None or source is None:
        return None
    name, model = source
    item = Item("transfer", replace(probe.threat, source=name), "any")
    return _broken_alone(evidence, item, f"transfer from {name}", {name: model})


@check("AutoAttack agrees")
def autoattack_agrees(evidence: Evidence) -> Finding:
    """The standard ensemble (Croce & Hein 2020) must break hardly more than the gradient attacks of the evaluation.

    An evaluation without an AutoAttack row is held against APGD-T alone, the part of the ensemble that breaks most.
    """
    ball = evidence.ball
    if ball is None:
        return None
    if _rows(evidence, ("autoattack",), ball):
        return _broken_alone(evidence, Item("autoattack", ball, "any"), "AutoAttack")
    if "autoattack" in evidence.missing:
        absent = evidence.missing["autoattack"]
        return False, f"not run: {absent.reason}", absent.help
    if ball.norm not in ATTACKS["apgd"].norms or evidence.gradient is None:
        return None
    classes = len(evidence.subject.occurring) or evidence.classes
    plain = classes == evidence.classes >= LEAST_CLASSES  # a class that never wins makes the ratio of dlr what it likes
    loss, targets = "dlr" if plain else "margin", max(1, min(9, classes - 1))
    part = Item("apgd", replace(ball, steps=STEPS, restarts=1, random_start=True, loss=loss, targets=targets), "any")
    standing, _ = _standing(evidence, ball)
    drawn = torch.randperm(int(standing.sum()), generator=torch.Generator().manual_seed(evidence.seed))[:ENSEMBLE]
    chosen = evidence.subject.only(torch.nonzero(standing)[:, 0][drawn.sort().values])
    found = _counted(
        evidence, part, f"APGD-T ({STEPS} steps, {targets} targets, {loss})", chosen, tolerated(len(chosen))
    )
    if found is None or found[0] is None:
        return found
    return found[0], f"{found[1]}; the whole ensemble: --preset standard", found[2]


def tolerated(n: int) -> int:
    """Return how many of n images may be broken so that a MISS is still found nine times out of ten; 1 where n is too
    few for that.
    """
    return max(sum(1 for _ in takewhile(lambda k: smallest_found(n, k) <= MISS, range(1, n))), 1)


def _ball(item: Item) -> tuple[str, Fraction]:
    return item.threat.norm, item.threat.eps


def _rows(evidence: Evidence, attacks: tuple[str, ...], threat: Threat) -> list[Measurement]:
    """Return the rows of the evaluation with one of these attacks in the ball of this threat model."""
    rows = [row for row in evidence.rows if row.item and row.item.attack in attacks]
    return [row for row in rows if row.item and _ball(row.item) == (threat.norm, threat.eps)]


def _standing(evidence: Evidence, ball: Threat) -> tuple[Tensor, str]:
    """Return which images stand after every gradient attack in this ball, or are right without one; in words."""
    white = _rows(evidence, WHITE, ball)
    words = "that gradient attacks leave standing" if white else "that are right when clean"
    return torch.stack([evidence.rows[0].correct, *(row.correct for row in white)]).all(0), words


def _broken_alone(evidence: Evidence, item: Item, name: str, sources: dict[str, nn.Module] | None = None) -> Finding:
    """Return the finding on what `item` breaks of the images that stand after every gradient attack of its ball."""
    standing, words = _standing(evidence, item.threat)
    done = _rows(evidence, (item.attack,), item.threat)
    if not done:
        chosen = evidence.sample.only(torch.nonzero(standing[evidence.places])[:, 0])
        return _counted(evidence, item, name, replace(chosen, sources=sources or {}), evidence.slack())
    broken = torch.stack([~row.correct for row in done]).any(0)
    alone, tried = int((standing & broken).sum()), int(standing.sum())
    if not tried:
        return _nothing()
    return alone <= evidence.slack(len(standing)), f"{name} breaks {alone} of {tried} images {words}", ADVICE


def _counted(evidence: Evidence, item: Item, name: str, chosen: Subject, allowed: int) -> Finding:
    """Return the finding on what `item` breaks of some images that stand, of which it may break so many."""
    tried = len(chosen)
    if not tried:
        return _nothing()
    alone = int((~evidence.measured(chosen, item).correct).sum())
    words = _standing(evidence, item.threat)[1]
    power = f"a miss of {smallest_found(tried, allowed):.1%} is found 9 times of 10"
    return alone <= allowed, f"{name} breaks {alone} of {tried} images {words}; {power}", ADVICE


def _nothing() -> Finding:
    return None, "nothing to test: no image stands", "look at a smaller eps, where something stands"
