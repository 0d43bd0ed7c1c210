"""Perturbation growth: how much a group of blocks stretches the difference between an image and its perturbed copy.

PGR(f) = E_x E_x' |f(x) - f(x')|_p / |x - x'|_p, per group (Kim et al. 2020, eq. 17): the ratio of each pair first,
then the mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from rkblocks.attacks import frozen
from rkblocks.diagnostics import fail
from rkblocks.intervals import mean_deviation

NORMS = (1.0, 2.0, math.inf)


class Traced(Protocol):
    """A network that tells the inputs and outputs of its groups (rkblocks.nets.GroupedNet)."""

    def trace(self, x: Tensor) -> list[tuple[str, Tensor, Tensor]]:
        """Return (group, input, output) for each group at the images x."""


@dataclass(frozen=True)
class GroupGrowth:
    """The growth ratio of one group in one norm. pairs: how many ratios were averaged; zeros: pairs left out since
    the inputs of the group did not differ; deviation: over the pairs. mean is nan where no pair is left."""

    group: str
    p: float
    mean: float
    deviation: float
    largest: float
    pairs: int
    zeros: int

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON of this row; p is 1, 2 or "inf", and what is not a number is null."""

        def number(value: float) -> float | None:
            return value if math.isfinite(value) else None

        return {
            "group": self.group,
            "p": "inf" if math.isinf(self.p) else int(self.p),
            "mean": number(self.mean),
            "deviation": number(self.deviation),
            "largest": number(self.largest),
            "pairs": self.pairs,
            "zeros": self.zeros,
        }


def pair_ratios(
    model: torch.nn.Module, x: Tensor, x_perturbed: Tensor, norms: Iterable[float] = NORMS
) -> dict[tuple[str, float], Tensor]:
    """Return for each (group, p) the ratio [n] of every pair in eval mode; nan where the inputs of the group do not
    differ.

    x, x_perturbed: images [n, C, H, W] in [0, 1]; the norms go over all entries of the feature maps.
    """
    with torch.no_grad(), frozen(model):
        clean, perturbed = model.trace(x), model.trace(x_perturbed)  # type: ignore[operator]
    ratios = {}
    for (group, before, after), (_, before_, after_) in zip(clean, perturbed, strict=True):
        for p in norms:
            ratios[group, p] = growth_ratios(before_ - before, after_ - after, p)
    return ratios


def growth_ratios(before: Tensor, after: Tensor, p: float) -> Tensor:
    """Return |after| / |before| in the p-norm for each of n differences; nan where `before` is zero."""
    source, target = norms_of(before, p), norms_of(after, p)
    return torch.where(source > 0, target / source, torch.nan)


def norms_of(difference: Tensor, p: float) -> Tensor:
    """Return the p-norms [n]; in double, since a float32 sum of squares of tiny differences underflows to zero."""
    norms: Tensor = torch.linalg.vector_norm(difference.flatten(1).double(), ord=p, dim=1)
    return norms


def perturbation_growth(
    model: torch.nn.Module, pairs: Iterable[tuple[Tensor, Tensor]], norms: Iterable[float] = NORMS
) -> list[GroupGrowth]:
    """Return the growth of each group in each norm over all pairs (x, x') of image batches.

    Raises RkblocksError RK830 where the model has no `trace`, ValueError where there are no pairs at all.
    """
    if not hasattr(model, "trace"):
        fail("RK830", f"{type(model).__name__} has no groups to look at", help="give the model a method trace(x)")
    gathered: dict[tuple[str, float], list[Tensor]] = {}
    chosen = tuple(norms)
    for x, x_perturbed in pairs:
        for key, ratios in pair_ratios(model, x, x_perturbed, chosen).items():
            gathered.setdefault(key, []).append(ratios.cpu())
    if not gathered:
        raise ValueError("no pairs of images")
    return [summary(group, p, torch.cat(parts)) for (group, p), parts in gathered.items()]


def summary(group: str, p: float, ratios: Tensor) -> GroupGrowth:
    """Return the row of a group from the ratios [n] of its pairs, nan for those to leave out."""
    kept = ratios[~ratios.isnan()].tolist()
    zeros = len(ratios) - len(kept)
    if not kept:
        return GroupGrowth(group, p, math.nan, math.nan, math.nan, 0, zeros)
    mean, deviation = mean_deviation(kept)
    return GroupGrowth(group, p, mean, deviation, max(kept), len(kept), zeros)
