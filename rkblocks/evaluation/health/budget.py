"""Checks that need no search of their own: the budget, and the order in which the rows of the evaluation must come."""

from __future__ import annotations

from fractions import Fraction

import torch

from rkblocks.attacks import ATTACKS, fraction_text
from rkblocks.evaluation.health.evidence import Evidence
from rkblocks.evaluation.health.registry import Finding, check
from rkblocks.evaluation.measure import Measurement
from rkblocks.evaluation.plan import Item


@check("reachability")
def reachability(evidence: Evidence) -> Finding:
    """Steps * step must reach the rim of the ball (paper's MNIST table with step 0.01: 20 steps reach 0.2 of 0.3)."""
    items = [item for item in evidence.items if ATTACKS[item.attack].gradients]
    if not items:
        return None
    searching = [item for item in items if item.attack != "fgsm"] or items  # one step of eps always gets there
    worst = min(searching, key=lambda item: item.threat.reach - item.threat.eps)
    threat = worst.threat
    reach = f"{threat.steps} x {fraction_text(threat.length)} = {fraction_text(threat.reach)}"
    relation = ">=" if threat.reach >= threat.eps else "<"
    advice = f"raise the steps or the step of {worst.label}: it cannot get to the rim of its ball"
    return threat.reach >= threat.eps, f"{reach} {relation} eps {fraction_text(threat.eps)}", advice


@check("iterative beats single step")
def iterative_beats_single_step(evidence: Evidence) -> Finding:
    """PGD with the same ball must not leave more images correct than FGSM; if it does the gradients mislead beyond
    the first step.
    """
    pairs = _pairs(evidence, "fgsm")
    if not pairs:
        return None
    single, iterated = pairs
    figure = f"PGD {iterated.accuracy:.4f}, FGSM {single.accuracy:.4f}"
    slack = evidence.slack(len(single.correct), 0.005)
    ok = int(iterated.correct.sum()) <= int(single.correct.sum()) + slack
    return ok, figure, "gradients mislead PGD: try a smaller step, the margin loss, restarts; suspect gradient masking"


@check("noise is weaker")
def noise_is_weaker(evidence: Evidence) -> Finding:
    """Random noise of the same eps must not break more images than PGD."""
    pairs = _pairs(evidence, "noise")
    if pairs:
        random, searched = pairs
    elif evidence.probe:
        random = evidence.outcome(Item("noise", evidence.probe.threat, evidence.probe.definition))
        searched = evidence.outcome(evidence.probe)
    else:
        return None
    figure = f"noise {random.accuracy:.4f}, PGD {searched.accuracy:.4f}"
    ok = int(searched.correct.sum()) <= int(random.correct.sum()) + evidence.slack(len(random.correct), 0.005)
    return ok, figure, "PGD does worse than noise, so its gradients are useless: suspect gradient masking"


@check("weaker attacks break nothing more")
def weaker_break_nothing_more(evidence: Evidence) -> Finding:
    """Per image: what noise or FGSM breaks the strongest PGD of the same ball should break as well."""
    strongest = evidence.strongest()
    if strongest is None or strongest.item is None:
        return None
    clean, ball = evidence.rows[0].correct, _ball(strongest.item)
    simple = ("noise", "fgsm")
    weaker = [row for row in evidence.rows if row.item and row.item.attack in simple and _ball(row.item) == ball]
    if not weaker:
        return None
    broken = torch.stack([~row.correct & clean for row in weaker]).any(0)
    count, n = int((broken & strongest.correct).sum()), len(clean)
    figure = f"{count} of {n} images {'is' if count == 1 else 'are'} broken by a weaker attack alone"
    advice = "PGD misses what simpler attacks find: more restarts, the margin loss, --definition any"
    return count <= evidence.slack(n), figure, advice


def _ball(item: Item) -> tuple[str, Fraction]:
    return item.threat.norm, item.threat.eps


def _pairs(evidence: Evidence, attack: str) -> tuple[Measurement, Measurement] | None:
    """Return the row of this attack and the strongest PGD row of the same ball, if there are both."""
    for weak in evidence.rows:
        if weak.item is None or weak.item.attack != attack:
            continue
        rows = [
            row
            for row in evidence.rows
            if row.item and row.item.attack == "pgd" and _ball(row.item) == _ball(weak.item)
        ]
        if rows:
            return weak, min(rows, key=lambda row: row.accuracy)
    return None
