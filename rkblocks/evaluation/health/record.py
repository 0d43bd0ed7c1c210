"""Checks of the record: is everything written down that the numbers depend on, and does it still hold?"""

from __future__ import annotations

from rkblocks.evaluation.health.evidence import Evidence
from rkblocks.evaluation.health.registry import Finding, check
from rkblocks.evaluation.measure import entry
from rkblocks.evaluation.subject import state_hash
from rkblocks.intervals import wilson

THREAT = ("norm", "eps", "step", "steps", "restarts", "random_start", "loss", "bounds")
ENTRY = ("n", "weights", "versions")


@check("clean accuracy first")
def clean_accuracy_first(evidence: Evidence) -> Finding:
    """The first row is clean, better than chance, of the same images as all others, and no attack does better."""
    clean, *others = evidence.rows
    n, right = len(clean.correct), int(clean.correct.sum())
    chance = 1 / evidence.classes
    best = max((int(row.correct.sum()) for row in others), default=0)
    figure = f"clean {clean.accuracy:.4f} of {n} images, chance {chance:.4f}"
    if clean.item is not None or any(len(row.correct) != n for row in others):
        return False, figure, "measure clean images first, and the same images under every attack"
    if wilson(right, n)[0] <= chance:
        return (
            False,
            figure,
            "the model does no better than chance: there is nothing to attack; check its labels",
        )
    figure += f", under attack {best / n:.4f} at most" if others else ""
    advice = "an attack raises the accuracy: check its labels and its sign"
    return best <= right + evidence.slack(n), figure, advice


@check("threat model recorded")
def threat_model_recorded(evidence: Evidence) -> Finding:
    """Every row has its whole threat model, n, seed, weights and versions; the weights are still those named."""
    subject = evidence.subject
    entries = [entry(row, seed=evidence.seed, weights=subject.weights) for row in evidence.rows]
    missing = {name for found in entries for name in ENTRY if not found[name]}
    missing |= {name for found in entries if found["threat"] for name in THREAT if found["threat"].get(name) is None}
    if missing:
        return False, f"not recorded: {', '.join(sorted(missing))}", "make the subject with of_model or of_run"
    if subject.state and state_hash(subject.model) != subject.state:
        advice = "take state out of the model's forward pass: no number can be tied to weights that move"
        return False, "the model changed while it was evaluated", advice
    attacked = len(entries) - 1
    rows = f"{attacked} row{'s' * (attacked != 1)} with {', '.join(THREAT)}"
    return True, f"{rows}; seed {evidence.seed}, weights {subject.weights[:8]}", ""
