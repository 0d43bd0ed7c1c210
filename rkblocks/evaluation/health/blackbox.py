"""Checks with attacks of another kind: what follows no gradient, or another model's, must not find what PGD misses.

Each counts, per image, what the other attack breaks and no gradient attack of the evaluation with the same ball does.
An attack that the evaluation has run anyway is counted on all images, otherwise it is run on images of the sample that
still stand.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from rkblocks.attacks import ATTACKS, Threat
from rkblocks.evaluation.health.evidence import Evidence
from rkblocks.evaluation.health.registry import Finding, check
from rkblocks.evaluation.measure import Measurement
from rkblocks.evaluation.plan import LEAST_CLASSES, Item

QUERIES = 500  # Square on the sample; masked gradients show long before its 5000
ENSEMBLE = 25  # standing images that APGD-T is run on where the evaluation has no AutoAttack
BOX = ("square", "transfer", "autoattack")
WHITE = tuple(name for name, attack in ATTACKS.items() if attack.gradients and name not in BOX)


@check("Square breaks nothing more")
def square_breaks_nothing_more(evidence: Evidence) -> Finding:
    """Square sees no gradient (Andriushchenko et al. 2020); where it beats PGD, the gradients are masked."""
    probe = evidence.probe
    if probe is None or probe.threat.norm not in ATTACKS["square"].norms or evidence.images.dim() != 4:
        return None
    item = Item("square", replace(probe.threat, restarts=1, queries=QUERIES), "any")
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
    probe = evidence.probe
    if probe is None:
        return None
    if _rows(evidence, ("autoattack",), probe.threat):
        return _broken_alone(evidence, Item("autoattack", probe.threat, "any"), "AutoAttack")
    if "autoattack" in evidence.missing:
        absent = evidence.missing["autoattack"]
        return False, f"not run: {absent.reason}", absent.help
    if probe.threat.norm not in ATTACKS["apgd"].norms:
        return None
    loss = "dlr" if evidence.classes >= LEAST_CLASSES else "margin"
    targets = min(9, evidence.classes - 1)
    part = Item("apgd", replace(probe.threat, steps=100, restarts=1, loss=loss, targets=targets), "any")
    found = _broken_alone(evidence, part, f"APGD-T (100 steps, {targets} targets, {loss})", at_most=ENSEMBLE)
    return None if found is None else (found[0], f"{found[1]}; the whole ensemble: --preset standard", found[2])


def _rows(evidence: Evidence, attacks: tuple[str, ...], threat: Threat) -> list[Measurement]:
    """Return the rows of the evaluation with one of these attacks in the ball of this threat model."""
    ball = threat.norm, threat.eps
    rows = [row for row in evidence.rows if row.item and row.item.attack in attacks]
    return [row for row in rows if row.item and (row.item.threat.norm, row.item.threat.eps) == ball]


def _broken_alone(
    evidence: Evidence,
    item: Item,
    name: str,
    sources: dict[str, torch.nn.Module] | None = None,
    at_most: int = 10**6,
) -> Finding:
    """Return the finding on what `item` breaks of the images that stand after every gradient attack of its ball."""
    white = _rows(evidence, WHITE, item.threat)
    if not white:
        return None
    standing = torch.stack([evidence.rows[0].correct, *(row.correct for row in white)]).all(0)
    done = _rows(evidence, (item.attack,), item.threat) if item.attack in BOX else []
    if done:
        broken = torch.stack([~row.correct for row in done]).any(0)
        alone, tried, n = int((standing & broken).sum()), int(standing.sum()), len(standing)
    else:
        positions = torch.nonzero(standing[evidence.places])[:at_most, 0]
        tried, n, alone = len(positions), min(evidence.n, at_most), 0
        if tried:
            chosen = replace(evidence.sample.only(positions), sources=sources or {})
            alone = int((~evidence.measured(chosen, item).correct).sum())
    figure = f"{name} breaks {alone} of {tried} images that gradient attacks leave standing"
    advice = "PGD misses what this finds: a short search or masked gradients; attack harder, report the lower number"
    return alone <= evidence.slack(n), figure, advice
