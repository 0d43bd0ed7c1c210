"""What a certificate claims against what an attack leaves, over a range of radii; also where the claim is false.

A scheme without guarantee gets the numbers that the same formula would give it.  Where an attack goes below them, the
claim is refuted: that is what the coefficient of the scheme is needed for.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import torch
from torch import nn

from rkblocks.analysis.sample import Sample
from rkblocks.attacks import Threat
from rkblocks.evaluation.certify import claimed
from rkblocks.evaluation.measure import measure, measure_clean
from rkblocks.nets import GroupedNet, bounds
from rkblocks.nets.bounded_layers import UnitHead
from rkblocks.settings.plan import Item

POINTS = 8
STEPS = 40


def certificate(sample: Sample) -> list[dict[str, Any]]:
    """Return a row for each of POINTS radii, up to 1.5 times the largest certified; none for networks without constant.

    Keys: eps; certified: share that the formula claims; attacked: accuracy under PGD-40 in l2; clean; proved: whether
    every block has a guarantee; refuted: number of images that it claims and the attack breaks; n.
    """
    model = sample.model
    if not (
        isinstance(model, GroupedNet) and isinstance(model.head, nn.Sequential) and isinstance(model.head[-1], UnitHead)
    ):
        return []
    found = claimed(sample.subject)
    proved = all(g.holds for _, g in bounds.guarantees(model))
    largest = float(found.radii.max())
    if not largest:
        return []
    clean = measure_clean(sample.subject, sample.batch)
    rows = []
    for k in range(1, POINTS + 1):
        eps = Fraction(max(1, round(1500 * largest * k / POINTS)), 1000)
        item = Item("pgd", Threat("l2", eps, steps=STEPS, step=eps / 10), "any")
        left = measure(sample.subject, item, clean, seed=sample.seed, batch=sample.batch).correct
        sure = found.radii > float(eps)
        rows.append(
            {
                "eps": float(eps),
                "certified": _share(sure),
                "attacked": _share(left),
                "clean": _share(clean.correct),
                "proved": proved,
                "refuted": int((sure & ~left).sum()),
                "n": len(left),
            }
        )
        sample.tell("certificate against attack", k, POINTS)
    return rows


def _share(flags: torch.Tensor) -> float:
    return int(flags.sum()) / len(flags)
