"""A check of certificates: what is proved of an image, no attack may refute."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import torch

from rkblocks.attacks import Threat
from rkblocks.evaluation.certify import certificate_of
from rkblocks.evaluation.health.evidence import Evidence
from rkblocks.evaluation.health.registry import Finding, check
from rkblocks.settings.plan import Item

QUERIES = 500


@check("no attack breaks a certified image")
def no_attack_breaks_a_certified_image(evidence: Evidence) -> Finding:
    """PGD, APGD and Square in l2, at the median certified radius, on each image whose radius is larger; and every l2
    row of the evaluation. One image is a bug of rkblocks, or a false premise.
    """
    certificate = evidence.once("certificate", lambda: certificate_of(evidence.sample))
    if certificate is None:
        return None
    broken = tried = 0
    for row in evidence.rows:
        if row.item is not None and row.item.threat.norm == "l2":
            sure = certificate.radii > float(row.item.threat.eps)
            tried += int(sure.sum())
            broken += int((sure & ~row.correct[evidence.places]).sum())
    positive = certificate.radii[certificate.radii > 0]
    eps = Fraction(round(float(positive.median()) * 1000), 1000) if len(positive) else Fraction(0)
    sure = certificate.radii > float(eps)
    if eps and bool(sure.any()):
        threat = Threat("l2", eps, steps=40, step=eps / 10)
        chosen = evidence.sample.only(torch.nonzero(sure)[:, 0])
        items = [Item("pgd", threat, "any"), Item("apgd", threat, "any")]
        if evidence.images.dim() == 4:
            items.append(Item("square", replace(threat, queries=QUERIES), "any"))
        for item in items:
            found = evidence.measured(chosen, item)
            tried += len(found.correct)
            broken += int((~found.correct).sum())
    figure = f"{broken} of {tried} certified images broken (PGD, APGD, Square in l2, eps {eps})"
    return broken == 0, figure, "a certificate is false: report it as a bug of rkblocks, with the run folder"
