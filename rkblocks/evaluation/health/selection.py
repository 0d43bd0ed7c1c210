"""Checks of where the network comes from: which images chose its weights, and how many seeds stand behind it."""

from __future__ import annotations

from rkblocks.evaluation.health.evidence import Evidence
from rkblocks.evaluation.health.registry import Finding, check
from rkblocks.evaluation.measure import Measurement, measure_clean
from rkblocks.evaluation.subject import Subject
from rkblocks.intervals import SEEDS, THREE_SEEDS, enough_seeds


@check("no selection on the test set")
def no_selection_on_the_test_set(evidence: Evidence) -> Finding:
    """The weights were chosen on images held out of training, not on those evaluated; best and last are both shown."""
    origin, split = evidence.subject.origin, evidence.subject.split
    if origin is None:
        return None
    if split != "test":
        role = "chose the weights" if split == "validation" else "were trained on"
        return False, f"these are the {split} images, which {role}", "evaluate --split test"
    if not origin.held_out:
        advice = "train with data.validation above 0, so that a best epoch can be told without the test images"
        return False, "no images were held out of training", advice
    other = "last" if origin.chosen == "best" else "best"
    twin = evidence.other_weights
    shown = {origin.chosen: _accuracies(evidence, evidence.sample), other: _accuracies(evidence, twin)}
    figure = "; ".join(f"{name}: {shown[name]}" for name in ("best", "last", "average") if name in shown)
    chosen = (
        f"chosen on {origin.held_out} validation images" if origin.choice == "best" else "the last epoch, not chosen"
    )
    return True, f"{chosen}; {figure}, on {evidence.n} images", ""


def _accuracies(evidence: Evidence, sample: Subject) -> str:
    item, clean = evidence.probe, measure_clean(sample, evidence.batch)
    rows: list[tuple[str, Measurement]] = [("clean", clean)]
    if item is not None:
        rows.append(("PGD", evidence.measured(sample, item)))
    return ", ".join(f"{name} {row.accuracy:.3f}" for name, row in rows)


@check(THREE_SEEDS)
def three_seeds(evidence: Evidence) -> Finding:
    """Three networks at least that differ in their training seed alone are evaluated together. Fewer are no fault of
    the numbers, but those of one network: a note.
    """
    origin = evidence.subject.origin
    if origin is None or not origin.seeds:
        return None
    numbers = ", ".join(map(str, origin.seeds))
    figure = f"training seed{'s' * (len(origin.seeds) > 1)} {numbers} of this configuration"
    advice = f"one network says little of its scheme: train {SEEDS} seeds, evaluate all with one command"
    return True if enough_seeds(len(origin.seeds)) else None, figure, advice
