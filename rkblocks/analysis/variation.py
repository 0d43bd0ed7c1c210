"""Total variation along depth: TV(u) = sum |u_{j+1} - u_j| over neighbours in the map (Kim et al. 2020, eq. 5 and 6).

TVD, from which the SSP methods come, means that a step does not raise it. In maps with two dimensions the neighbours in
both are summed (the anisotropic form); features without a map have the neighbours of their one dimension. Beside the
step stands the Euler step x + dt F(x) of the same F, whose TV the theory assumes not to grow.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from rkblocks.analysis.record import Passage, visit_blocks
from rkblocks.analysis.sample import Sample


def total_variation(features: Tensor) -> Tensor:
    """Return the total variation [n] of features [n, C, ...map] or [n, d], summed over channels, in double."""
    values = features.detach().double()
    dimensions = range(2, values.dim()) if values.dim() > 2 else range(1, values.dim())
    parts = [values.diff(dim=dimension).abs().flatten(1).sum(1) for dimension in dimensions]
    return torch.stack(parts).sum(0) if parts else values.new_zeros(len(values))


def neighbours(features: Tensor) -> int:
    """Return how many differences the total variation of one example sums."""
    shape = features.shape[1:]
    along = range(1, len(shape)) if len(shape) > 1 else range(len(shape))
    return sum(features[0].numel() // shape[k] * (shape[k] - 1) for k in along)


def variation(sample: Sample) -> list[dict[str, Any]]:
    """Return a row for each block.

    Keys: place; before, after: mean TV of its input and output; per_neighbour: `after` by the number of differences,
    which maps of different sizes can be compared by; ratio, largest: mean and largest TV(y) / TV(x) over the images;
    raised: share of images whose TV the step raised; euler_ratio, euler_largest, euler_raised: the same for the Euler
    step. Images whose input has no variation are left out of the ratios.
    """
    gathered: dict[str, list[Tensor]] = {}
    counts: dict[str, int] = {}

    def visit(passage: Passage) -> None:
        first = passage.stages[0]
        euler = passage.x + passage.block.dt * first.f
        values = torch.stack([total_variation(z) for z in (passage.x, passage.y, euler)])
        gathered.setdefault(passage.name, []).append(values.cpu())
        counts[passage.name] = neighbours(passage.y)

    done = 0
    for rows, x, _ in sample.subject.batches(sample.batch):
        visit_blocks(sample.model, x, visit)
        done += len(rows)
        sample.tell("total variation", done, len(sample))
    return [_row(place, torch.cat(parts, 1), counts[place]) for place, parts in gathered.items()]


def _row(place: str, values: Tensor, differences: int) -> dict[str, Any]:
    before, after, euler = values
    kept = before > 0
    row: dict[str, Any] = {"place": place, "before": float(before.mean()), "after": float(after.mean())}
    row["per_neighbour"] = float(after.mean()) / differences if differences else None
    for name, result in (("", after), ("euler_", euler)):
        ratios = result[kept] / before[kept]
        some = len(ratios) > 0
        row[f"{name}ratio"] = float(ratios.mean()) if some else None
        row[f"{name}largest"] = float(ratios.max()) if some else None
        row[f"{name}raised"] = float((ratios > 1).double().mean()) if some else None
    return row
