"""Checks that need no search of their own: the budget, and the order in which the rows of the evaluation must come."""

from __future__ import annotations

import math
from fractions import Fraction

import torch

from rkblocks.attacks import ATTACKS, fraction_text
from rkblocks.evaluation.health.evidence import ITERATIVE, Evidence
from rkblocks.evaluation.health.registry import Finding, check
from rkblocks.evaluation.measure import Measurement
from rkblocks.settings.plan import Item


@check("every attack was run")
def every_attack_was_run(evidence: Evidence) -> Finding:
    """A row that this model or its images do not let run is no evidence. AutoAttack has rows that stand in for it."""
    lost = [row for row in evidence.unrun if row.attack != "autoattack"]
    if not lost:
        return True, f"{len(evidence.rows) - 1} of {len(evidence.rows) - 1} rows", ""
    figure = f"{len(lost)} of {len(evidence.rows) - 1 + len(lost)} rows were not: {lost[0].row}: {lost[0].reason}"
    return False, figure, lost[0].help


@check("an iterative attack was run")
def an_iterative_attack_was_run(evidence: Evidence) -> Finding:
    """Noise, one step, or a search without gradients alone show nothing: PGD-20 takes .96 to .17 on an ordinary
    network.

    Whether the iterative attack has converged is for the checks of the search.
    """
    labels = [i.label for i in evidence.items if i.attack in ITERATIVE and i.threat.steps > 1 and i.threat.eps]
    advice = "add one that follows the model's gradient for many steps: --preset standard, or --attack pgd --steps 100"
    if labels:
        return True, f"{len(labels)} of {len(evidence.items)} rows, {labels[-1]}", ""
    ran = ", ".join(item.label for item in evidence.items) or "no attack"
    return False, f"the evaluation has {ran} alone", advice


@check("the ball leaves a choice")
def the_ball_leaves_a_choice(evidence: Evidence) -> Finding:
    """A ball that holds the middle of the box around every image (linf eps 1/2 in a box of width 1) turns all images
    into the same one: no model can do better there than chance, whatever its training.
    """
    threats = [item.threat for item in evidence.items]
    if not threats:
        return None
    pixels = evidence.images[0].numel()

    def middle(norm: str) -> float:
        return {"linf": 1.0, "l2": math.sqrt(pixels), "l1": float(pixels)}[norm] / 2

    def share(index: int) -> float:
        low, high = threats[index].bounds
        return float(threats[index].eps / (high - low)) / middle(threats[index].norm)

    threat = threats[max(range(len(threats)), key=share)]
    low, high = threat.bounds
    limit = middle(threat.norm) * float(high - low)
    figure = (
        f"{threat.norm} eps {fraction_text(threat.eps)}, the middle of the box is within {limit:.4g} of every image"
    )
    advice = f"every image can be turned into the same grey one; pixels lie in [{low}, {high}]: is eps meant over 255?"
    return float(threat.eps) < limit, figure, advice


@check("reachability")
def reachability(evidence: Evidence) -> Finding:
    """Steps * step must reach the rim of the ball (paper's MNIST table with step 0.01: 20 steps reach 0.2 of 0.3)."""
    items = [item for item in evidence.items if ATTACKS[item.attack].gradients]
    if not items:
        return None
    searching = [item for item in items if item.attack != "fgsm"] or items  # one step of eps always gets there
    worst = min(searching, key=lambda item: item.threat.reach - item.threat.eps)
    threat = worst.threat
    reach = f"{threat.steps} x {fraction_text(threat.stride)} = {fraction_text(threat.reach)}"
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


@check("the most thorough row is the lowest")
def the_most_thorough_row_is_the_lowest(evidence: Evidence) -> Finding:
    """No row may leave fewer images than the one with most effort in its ball: AutoAttack, then any iterate before the
    last, then steps times restarts and targets. Where one does, the headline is `worst`, and more effort may lower it.
    """
    rows = [row for row in evidence.rows if row.item and row.item.attack in ITERATIVE and row.item.threat.eps]
    if not rows:
        return None
    most = max(map(_effort, rows))
    thorough = min((row for row in rows if _effort(row) == most), key=lambda row: row.accuracy)
    assert thorough.item is not None
    same = [row for row in rows if row.item and _ball(row.item) == _ball(thorough.item)]
    lowest = min(same, key=lambda row: row.accuracy)
    assert lowest.item is not None
    figure = f"{thorough.item.label} {thorough.accuracy:.4f}"
    if lowest is thorough:
        return True, f"{figure}, of {len(same)} row{'s' * (len(same) != 1)}", ""
    figure += f", lowest {lowest.item.label} {lowest.accuracy:.4f}"
    ok = int(thorough.correct.sum()) <= int(lowest.correct.sum()) + evidence.slack(len(lowest.correct), 0.005)
    advice = f"the attack with most effort is not the strongest: run loss {lowest.item.threat.loss} with as much effort"
    return ok, figure, f"{advice}; report images that stand every row"


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


def _effort(row: Measurement) -> tuple[bool, bool, int]:
    assert row.item is not None
    item, threat = row.item, row.item.threat
    searches = threat.restarts * (threat.targets if isinstance(threat.targets, int) else 1)
    return item.attack == "autoattack", item.definition == "any", threat.steps * searches


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
