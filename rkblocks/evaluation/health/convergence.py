"""Checks that search further on a sample: did the attack finish, and would a stronger one find more?"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import torch

from rkblocks.attacks import fraction_text
from rkblocks.evaluation.health.evidence import Evidence
from rkblocks.evaluation.health.registry import Finding, check
from rkblocks.settings.plan import Item

LADDER = (20, 40, 100)  # numbers of steps at which convergence is looked at
RESTARTS = 5
HALVINGS = 6  # of eps, until something stands
PLAIN = ("pgd", "momentum")  # searches that go on from iterate to iterate and end with the last
SWEEP_STEPS = 20  # six radii are searched: enough of them, so long as they reach the rim


@check("more steps change nothing")
def more_steps_change_nothing(evidence: Evidence) -> Finding:
    """PGD-20, 40 and 100, and twice the steps in use: none may break more images than the evaluation's own search.

    (MNIST, Table 1: 0.58 with 20 steps, 0.18 with 30.)
    """
    item = evidence.probe
    if item is None:
        return None
    own = item.threat.steps
    counts = sorted({*LADDER, own, 2 * own})
    outcomes = {steps: evidence.outcome(replace(item, threat=replace(item.threat, steps=steps))) for steps in counts}
    name = item.attack.upper()
    curve = ", ".join(f"{name}-{steps} {outcome.accuracy:.3f}" for steps, outcome in outcomes.items())
    right = {steps: int(outcome.correct.sum()) for steps, outcome in outcomes.items()}
    ok = all(right[own] - right[steps] <= evidence.slack() for steps in counts if steps > own)
    advice = f"the attack had not finished: give it {counts[-1]} steps or more"
    return ok, f"{curve} on {evidence.n} images; the evaluation has {own}", advice


@check("restarts change nothing")
def restarts_change_nothing(evidence: Evidence) -> Finding:
    """Five starts instead of one must not break many more images, unless the evaluation has as many anyway."""
    item = evidence.probe
    if item is None or not item.threat.random_start:
        return None
    used = max(i.threat.restarts for i in evidence.items if i.attack == item.attack)
    starts = max(RESTARTS, used)
    before = evidence.outcome(item)
    after = evidence.outcome(replace(item, threat=replace(item.threat, restarts=starts)))
    ok = used >= RESTARTS or int(before.correct.sum()) - int(after.correct.sum()) <= evidence.slack()
    figure = f"1 start {before.accuracy:.3f}, {starts} starts {after.accuracy:.3f}; the evaluation uses {used}"
    return ok, figure, f"one start misses much: use --restarts {RESTARTS}"


@check("loss flat at the end")
def loss_flat_at_the_end(evidence: Evidence) -> Finding:
    """Of the whole rise of the loss the last quarter of the steps may bring a tenth at most."""
    item = evidence.probe
    if item is None or item.attack not in PLAIN or item.threat.steps < 4:
        return None
    loss = evidence.trace(replace(item, definition="final")).loss
    quarter = item.threat.steps - item.threat.steps // 4
    total, last = float(loss[-1] - loss[0]), float(loss[-1] - loss[quarter])
    if not total > 0:
        figure = f"the loss went from {float(loss[0]):.3g} to {float(loss[-1]):.3g}"
        return False, figure, "the attack raises no loss: look at the gradients"
    figure = f"the last quarter of the steps brought {last / total:z.1%} of the rise"
    return last <= 0.1 * total, figure, "the loss still rises: give the attack more steps"


@check("no silent success")
def no_silent_success(evidence: Evidence) -> Finding:
    """Images that were adversarial on the way but not at the end: the final iterate does not count them."""
    item = evidence.probe
    if item is None or item.attack not in PLAIN:
        return None
    trace = evidence.trace(replace(item, definition="final"))
    count = int((trace.ever_broken & ~trace.finally_broken & evidence.clean.correct).sum())
    figure = f"{count} of {evidence.n} images {'was' if count == 1 else 'were'} broken on the way, not at the end"
    counted = item.definition == "any"
    figure += "; any iterate counts" if counted else ""
    return counted or count <= evidence.slack(), figure, "keep the best iterate: --definition any"


@check("something stands")
def something_stands(evidence: Evidence) -> Finding:
    """Where no image stands every row the numbers tell no two networks apart: a note, with a radius that does."""
    item, rows = evidence.probe, [row.correct for row in evidence.rows]
    stand, n = int(torch.stack(rows).all(0).sum()), len(rows[0])
    if item is None:
        return None
    if stand or not int(rows[0].sum()):
        return True, f"{stand} of {n} images stand every row", ""
    for halvings in range(1, HALVINGS + 1):
        eps = item.threat.eps / 2**halvings
        right = int(evidence.outcome(Item("pgd", item.threat.with_eps(eps), "any")).correct.sum())
        if right:
            text = fraction_text(eps)
            figure = f"no image stands every row; at eps {text} {right} of {evidence.n} stand PGD-{item.threat.steps}"
            return None, figure, f"to tell networks apart evaluate them with --eps {text}"
    return None, f"no image stands every row, nor PGD at eps {fraction_text(eps)}", "the network has no robustness"


@check("larger eps breaks all")
def larger_eps_breaks_all(evidence: Evidence) -> Finding:
    """Accuracy must fall with eps, and to chance or below once the ball holds the whole box (any iterate counts)."""
    item = evidence.probe
    if item is None:
        return None
    curve = eps_sweep(evidence, item)
    points = ", ".join(f"{fraction_text(eps)}: {right / evidence.n:.2f}" for eps, right in curve)
    chance = 1 / evidence.classes
    limit = evidence.n * chance + 2 * math.sqrt(evidence.n * chance * (1 - chance))
    falls = all(later <= earlier + evidence.slack() for (_, earlier), (_, later) in pairwise(curve))
    if not falls:
        return False, points, "accuracy rises with eps: the attack fails"
    left = curve[-1][1]
    if evidence.slack() < left <= limit:  # no more than chance leaves right: a note
        return None, points, "some stay right in the largest ball: they hardly depend on the image, or the attack fails"
    return left <= limit, points, "even the largest ball leaves images right: the attack fails"


def eps_sweep(evidence: Evidence, item: Item) -> list[tuple[Fraction, int]]:
    """Return (eps, images still correct) for 0, 1/2, 1, 2 and 4 times the budget, and for a ball that holds the whole
    box.
    """
    low, high = item.threat.bounds
    pixels = evidence.images[0].numel()
    whole = (high - low) * {"linf": 1, "l2": math.isqrt(pixels - 1) + 1, "l1": pixels}[item.threat.norm]
    radii = {item.threat.eps * factor for factor in (0, Fraction(1, 2), 1, 2, 4)}
    ascending = sorted({eps for eps in radii if eps < whole} | {whole})
    brief = replace(item.threat, steps=min(item.threat.steps, SWEEP_STEPS))
    base = brief if brief.reach >= brief.eps else item.threat
    outcomes = [evidence.outcome(Item("pgd", base.with_eps(eps), "any")) for eps in ascending]
    return [(eps, int(outcome.correct.sum())) for eps, outcome in zip(ascending, outcomes, strict=True)]
