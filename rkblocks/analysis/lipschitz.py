"""Local Lipschitz constants by power iteration: the largest singular value of the Jacobian at an image, |J(x)| in the
2-norm, of the residual F, of the step of each block, and of the network from image to logits.

v <- J^T J v / |J^T J v| from a random start, with one Jacobian-vector and one vector-Jacobian product an iteration; no
Jacobian is formed, and f runs forward once. The estimate |J v| never exceeds |J| and never falls from one iteration to
the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from rkblocks.analysis.record import Passage, blocks_of, visit_blocks
from rkblocks.analysis.sample import Sample
from rkblocks.attacks import frozen
from rkblocks.intervals import mean_deviation

IMAGES = 32
ITERATIONS = 20

Map = Callable[[Tensor], Tensor]


def jacobian_norms(
    function: Map, x: Tensor, iterations: int = ITERATIONS, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Return (estimate [n], its relative change in the last iteration [n]) for a map of x [n, ...] to [n, ...].

    The examples of a batch must not depend on one another. generator: of the start, on the CPU.
    """
    v = _unit(torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device))
    estimate, before = x.new_zeros(len(x)), x.new_zeros(len(x))
    with torch.enable_grad():
        point = x.detach().requires_grad_(True)
        value = function(point)
        u = torch.zeros_like(value, requires_grad=True)
        (pulled,) = torch.autograd.grad(value, point, u, create_graph=True)  # J^T u, linear in u: its derivative is J^T
        for _ in range(max(iterations, 1)):
            (stretched,) = torch.autograd.grad(pulled, u, v, retain_graph=True)  # J v
            before, estimate = estimate, torch.linalg.vector_norm(stretched.flatten(1), dim=1)
            (back,) = torch.autograd.grad(value, point, stretched, retain_graph=True)  # J^T J v
            v = _unit(back)
    change = (estimate - before).abs() / estimate.clamp_min(torch.finfo(x.dtype).tiny)
    return estimate.detach(), change.detach()


@contextmanager
def saving_everything(model: torch.nn.Module) -> Iterator[None]:
    """Let the blocks save what autograd wants: a second derivative cannot go through what is computed again."""
    modes = [(block, block.memory) for _, block in blocks_of(model)]
    try:
        for block, _ in modes:
            block.memory = "full"
        yield
    finally:
        for block, memory in modes:
            block.memory = memory


def lipschitz(sample: Sample, iterations: int = ITERATIONS) -> list[dict[str, Any]]:
    """Return a row for the F of each stage, for each block and for the network, at most IMAGES clean images.

    Keys: level (residual, block, network); place; mean, deviation, largest: over the images; n; change: largest
    relative change in the last iteration, which says how settled the estimate is.
    """
    few = sample.first(IMAGES)
    rows: list[dict[str, Any]] = []
    generator = torch.Generator().manual_seed(few.seed)
    total, done = len(blocks_of(few.model)) + 1, 0

    def estimate(level: str, place: str, function: Map, x: Tensor) -> None:
        rows.append(_row(level, place, *jacobian_norms(function, x, iterations, generator)))

    def visit(passage: Passage) -> None:
        nonlocal done
        for stage in passage.stages:
            place = f"{passage.name} stage {stage.number + 1}"
            estimate("residual", place, passage.residual(stage.number), stage.u)
        estimate("block", passage.name, passage.step, passage.x)
        done += 1
        few.tell("Lipschitz constants", done, total)

    images = few.images()
    with saving_everything(few.model), frozen(few.model):
        visit_blocks(few.model, images, visit)
        estimate("network", "image to logits", few.model, images)
    few.tell("Lipschitz constants", total, total)
    return rows


def _row(level: str, place: str, norms: Tensor, change: Tensor) -> dict[str, Any]:
    mean, deviation = mean_deviation(norms.tolist())
    return {
        "level": level,
        "place": place,
        "mean": mean,
        "deviation": deviation if len(norms) > 1 else None,
        "largest": float(norms.max()),
        "n": len(norms),
        "change": float(change.max()),
    }


def _unit(v: Tensor) -> Tensor:
    size: Tensor = torch.linalg.vector_norm(v.flatten(1), dim=1).clamp_min(torch.finfo(v.dtype).tiny)
    return v / size.reshape(-1, *(1,) * (v.dim() - 1))
