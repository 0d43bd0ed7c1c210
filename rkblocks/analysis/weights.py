"""The step of a block as weights: y = x + sum_i b_i F(u_i) and u_i = x + sum_j a_ij F(u_j), with dt and all learned
coefficients in them. They are read from the block's program, the one that runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rkblocks.blocks import RKBlock
from rkblocks.program.interpret import interpret
from rkblocks.program.step_source import STEP_DOMAIN

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Weights:
    """a: [m, m], strictly lower triangular; b: [m]; m is the number of calls of F in a step."""

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
