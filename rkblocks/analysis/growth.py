"""Perturbation growth along the whole depth: eq. 17 of Kim et al. 2020 for groups, blocks, stages and residuals.

    group      |g(x) - g(x')| / |x - x'|             output of a group against its input (Figure 4)
    block      |y - y'| / |x - x'|                   output of a block against its input
    stage      |u_i - u_i'| / |x - x'|               argument of F at stage i > 1 against the input of the block
    residual   |F(u_i) - F(u_i')| / |u_i - u_i'|     F at stage i against its argument

The ratio of each pair comes first, then the mean; the norms go over all entries of the feature maps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from rkblocks.analysis.record import Passage, visit_blocks
from rkblocks.analysis.sample import KINDS, Sample
from rkblocks.evaluation.growth import NORMS, growth_ratios, pair_ratios, summary

Ratios = dict[tuple[str, str, float], Tensor]
"""By level, place and norm: the ratio [n] of every pair."""


def depth_ratios(model: torch.nn.Module, x: Tensor, x_perturbed: Tensor, norms: Iterable[float] = NORMS) -> Ratios:
    """Return the ratios of blocks, stages and residuals, and of groups where the model has a `trace`.

    x, x_perturbed: images [n, C, H, W]; both go through the network in one batch, in eval mode.
    """
    chosen, found = tuple(norms), Ratios()
    if hasattr(model, "trace"):
        for (group, p), values in pair_ratios(model, x, x_perturbed, chosen).items():
            found["group", group, p] = values

    def visit(passage: Passage) -> None:
        start = _difference(passage.x)
        for p in chosen:
            found["block", passage.name, p] = growth_ratios(start, _difference(passage.y), p)
            for stage in passage.stages:
                place, u = f"{passage.name} stage {stage.number + 1}", _difference(stage.u)
                if stage.number:
                    found["stage", place, p] = growth_ratios(start, u, p)
                found["residual", place, p] = growth_ratios(u, _difference(stage.f), p)

    visit_blocks(model, torch.cat([x, x_perturbed]), visit)
    return found


def growth(sample: Sample, norms: Iterable[float] = NORMS) -> list[dict[str, Any]]:
    """Return the rows of all levels, places and norms, for adversarial and for random perturbations.

    Keys: perturbation, level, place, p, mean, deviation, largest, pairs, zeros.
    """
    chosen = tuple(norms)
    rows = []
    for kind in KINDS:
        gathered: dict[tuple[str, str, float], list[Tensor]] = {}
        done = 0
        for x, other in sample.pairs(kind):
            for key, ratios in depth_ratios(sample.model, x, other, chosen).items():
                gathered.setdefault(key, []).append(ratios.cpu())
            done += len(x)
            sample.tell(f"growth, {kind}", done, len(sample))
        for (level, place, p), parts in gathered.items():
            row = summary(place, p, torch.cat(parts)).to_dict()
            rows.append({"perturbation": kind, "level": level, "place": row.pop("group"), **row})
    return rows


def _difference(both: Tensor) -> Tensor:
    """Return the difference [n, ...] of the two halves of a batch, perturbed minus clean."""
    clean, perturbed = both.chunk(2)
    return perturbed - clean
