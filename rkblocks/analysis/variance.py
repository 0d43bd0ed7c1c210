"""Growth of the variance in every block beside Lemma 3's formula, and the premises of the formula, measured.

The variance of features is that of each entry over the images, averaged over the entries; covariances likewise. With
this inner product a step y = x + sum_i b_i F_i obeys exactly

    Var y / Var x = 1 + own + with_x + between,    own = sum_i b_i^2 Var F_i / Var x,
    with_x = 2 sum_i b_i Cov(x, F_i) / Var x,      between = 2 sum_{i<j} b_i b_j Cov(F_i, F_j) / Var x,

and Lemma 3 (Kim et al. 2020) is what is left of it if Var F(u) = Var u and all F_i are uncorrelated with x and with
one another. The parts say which premise a network breaks, and by how much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rkblocks.analysis.record import Passage, rows_of, visit_blocks
from rkblocks.analysis.sample import Sample
from rkblocks.blocks import RKBlock
from rkblocks.program.interpret import interpret
from rkblocks.program.step_source import STEP_DOMAIN


@dataclass
class Moments:
    """Running sums of k random vectors of one size over images: their means, and the mean products of all pairs."""

    count: int = 0
    sums: Tensor | None = None
    products: Tensor | None = None
    shift: Tensor | None = None

    def add(self, values: Tensor) -> None:
        """Take in values [k, n, features], in double; the first image is subtracted from all, against cancellation."""
        if self.shift is None:
            self.shift = values[:, :1].clone()
        moved = values - self.shift
        sums, products = moved.sum(1), torch.einsum("inf,jnf->ij", moved, moved)
        self.sums = sums if self.sums is None else self.sums + sums
        self.products = products if self.products is None else self.products + products
        self.count += values.shape[1]

    def covariance(self) -> Tensor:
        """Return the covariances [k, k]: of each entry over the images (n - 1), averaged over the entries."""
        assert self.sums is not None
        assert self.products is not None
        centred = self.products - self.sums @ self.sums.T / self.count
        return centred / (max(self.count - 1, 1) * self.sums.shape[1])


def variance(sample: Sample) -> list[dict[str, Any]]:
    """Return a row for each block; null where the input of a block does not vary over the images.

    Keys: place; before, after: the variances; growth: their ratio; formula: Lemma 3's factor for the weights in use;
    own, with_x, between: the parts of the measured growth (see above); value_ratio: Var F(u_i) / Var u_i of each stage;
    with_input: correlation of x with each F(u_i); between_stages: correlations of F(u_i) with F(u_j), i < j.
    """
    moments: dict[str, Moments] = {}
    weights: dict[str, Weights] = {}

    def visit(passage: Passage) -> None:
        if passage.name not in weights:
            weights[passage.name] = weights_of(passage.block)
        stages = passage.stages
        values = rows_of([passage.x, passage.y, *(s.u for s in stages), *(s.f for s in stages)])
        moments.setdefault(passage.name, Moments()).add(values)

    done = 0
    for rows, x, _ in sample.subject.batches(sample.batch):
        visit_blocks(sample.model, x, visit)
        done += len(rows)
        sample.tell("variance", done, len(sample))
    return [_row(place, found.covariance().cpu(), weights[place]) for place, found in moments.items()]


def _row(place: str, cov: Tensor, weights: Weights) -> dict[str, Any]:
    m, b = len(weights.b), torch.from_numpy(weights.b)
    calls = range(2 + m, 2 + 2 * m)
    before, after = float(cov[0, 0]), float(cov[1, 1])
    values = cov[2 + m :, 2 + m :]
    own = float((b * b * values.diagonal()).sum())
    with_x = 2 * float((b * cov[0, 2 + m :]).sum())
    between = float(b @ values @ b) - own
    return {
        "place": place,
        "before": before,
        "after": after,
        "growth": _quotient(after, before),
        "formula": weights.growth,
        "own": _quotient(own, before),
        "with_x": _quotient(with_x, before),
        "between": _quotient(between, before),
        "value_ratio": [_quotient(float(cov[i, i]), float(cov[i - m, i - m])) for i in calls],
        "with_input": [_correlation(cov, 0, i) for i in calls],
        "between_stages": [_correlation(cov, i, j) for i in calls for j in calls if i < j],
    }


def _quotient(a: float, b: float) -> float | None:
    return a / b if b > 0 else None


def _correlation(cov: Tensor, i: int, j: int) -> float | None:
    scale = float(cov[i, i] * cov[j, j]) ** 0.5
    return float(cov[i, j]) / scale if scale > 0 else None


Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """The step of a block as weights: y = x + sum_i b_i F(u_i) and u_i = x + sum_j a_ij F(u_j), with dt and all learned
    coefficients in them. a: [m, m], strictly lower triangular; b: [m]; m is the number of calls of F in a step.
    """

    a: Vector
    b: Vector

    @property
    def growth(self) -> float:
        """Lemma 3's factor for the variance in this step: V_i = 1 + sum_j a_ij^2 V_j, and 1 + sum_i b_i^2 V_i."""
        stages: list[float] = []
        for row in (*self.a, self.b):
            stages.append(1.0 + sum(float(w * w) * v for w, v in zip(row, stages, strict=False)))
        return stages[-1]


def weights_of(block: RKBlock) -> Weights:
    """Return the weights in use. The program runs over vectors: x is the first unit vector, each value of F the next
    one, and what comes out are the coefficients."""
    program = block.program
    units = np.eye(program.calls + 1)
    arguments: list[Vector] = []

    def evaluate(u: Vector, *time: float) -> Vector:
        arguments.append(u)
        unit: Vector = units[len(arguments)]
        return unit

    values = block.coefficients()
    dt = values.pop(STEP_DOMAIN, None)
    result = interpret(program, evaluate, units[0], values, dt=dt, number=program.field.constants.to_float)
    y = result[0] if isinstance(result, tuple) else result
    return Weights(np.array([u[1:] for u in arguments], dtype=float), np.array(y[1:], dtype=float))
