"""From a local optimum in doubles to the same one in 60 digits, and to exact numbers where they can be recognised.

Which unknowns lie at a bound and which inequalities hold with equality (the active set) turns the optimum into
equations: the conditions, and that the gradient of the Lagrangian vanishes.  They are solved by a chord iteration,
whose fixed matrix is a pseudo-inverse in doubles: each step gains its relative accuracy, some eight digits, and where
the optimum is not isolated it converges to a nearby one.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from rkblocks.synthesis.conditions import Array
from rkblocks.synthesis.problem import Problem

PRECISION = 70
"""Decimal digits of the arithmetic."""
CLOSE = 1e-55
"""Residual at which the iteration has converged."""
ACTIVE = 1e-7
"""What is so near to its bound, in doubles, is taken to lie there."""
STEPS = 60
LARGEST_FRACTION = 10**9
LARGEST_SURD = 10**5


def polished(problem: Problem, x: tuple[float, ...]) -> Array | None:
    """The unknowns in 70 digits (an array of mpmath numbers), None where the conditions alone do not converge.

    An optimum that does not converge (because it is degenerate) is replaced by the nearest solution of the conditions.
    """
    point = np.array(x)
    system = _System(problem, point)
    with mpmath.workdps(PRECISION):
        start = system.exact_start()
        found = None
        if problem.levelled is None:  # a level of eigenvalues or of a polynomial is no smooth function at its optimum
            found = _chord(system.stationary, system.with_multipliers(start), system.slope_stationary())
        unknowns = None if found is None else found[: len(start)]
        if unknowns is None or not system.inside(unknowns):
            unknowns = _chord(system.conditions, start, system.slope_conditions())
        return None if unknowns is None or not system.inside(unknowns) else system.whole(unknowns)


def _chord(function: Any, z: Array, slope: Array) -> Array | None:
    """A zero of the function near z by ``z -= pinv(slope) f(z)``."""
    inverse = np.linalg.pinv(slope, rcond=1e-8)
    best = None
    for _ in range(STEPS):
        value = function(z)
        size = max(map(abs, value), default=mpmath.mpf(0))
        if size < CLOSE:
            return z
        if best is not None and size > 1e3 * best:
            return None
        best = size if best is None else min(best, size)
        # The residual is scaled to doubles, so that a step keeps their relative accuracy.
        step = inverse @ np.array([float(v / size) for v in value])
        z = z - np.array([mpmath.mpf(float(s)) for s in step], dtype=object) * size
    return None


@dataclass
class _System:
    """The equations of one active set; unknowns are those strictly inside their bounds."""

    problem: Problem
    x: Array

    def __post_init__(self) -> None:
        lower, upper = self.problem.bounds
        at_lower, at_upper = self.x - lower < ACTIVE, upper - self.x < ACTIVE
        self.free = ~(at_lower | at_upper)
        self.fixed = np.where(at_lower, lower, upper)
        matrix, offset = self.problem.linear
        tight = matrix @ self.x + offset < ACTIVE
        self.rows, self.offsets = matrix[tight], offset[tight]
        inequalities = self.problem.exact_inequalities(self.x)
        self.held = np.zeros(0, bool) if inequalities is None else inequalities[0] < ACTIVE
        self.multipliers = self._multipliers()

    def exact_start(self) -> Array:
        """The free unknowns as multiprecision numbers."""
        return np.array([mpmath.mpf(float(v)) for v in self.x[self.free]], dtype=object)

    def whole(self, free: Array) -> Array:
        """All unknowns, those at a bound included."""
        x = (
            np.array([mpmath.mpf(float(v)) for v in self.fixed], dtype=object)
            if free.dtype == object
            else self.fixed.copy()
        )
        x[self.free] = free
        return x

    def inside(self, free: Array) -> bool:
        """Whether the unknowns stayed near where they began and within their bounds."""
        lower, upper = self.problem.bounds
        x = self.whole(free)
        near = all(abs(a - b) < 1e-2 * (1 + abs(b)) for a, b in zip(x, self.x, strict=True))
        return near and all(lo <= v <= hi for lo, v, hi in zip(lower, x, upper, strict=True))

    def conditions(self, free: Array) -> Array:
        """Equations and active inequalities, all to be zero."""
        return self._conditions(free)[0]

    def _conditions(self, free: Array) -> tuple[Array, Array]:
        x = self.whole(free)
        values, slopes = self.problem.equations(x)
        parts, by_x = [values, self.rows @ x + self.offsets], [slopes, self.rows.astype(x.dtype)]
        if self.held.any():
            inequalities = self.problem.exact_inequalities(x)
            assert inequalities is not None
            parts.append(inequalities[0][self.held])
            by_x.append(inequalities[1][self.held])
        return np.concatenate(parts), np.concatenate(by_x)[:, self.free]

    def slope_conditions(self) -> Array:
        """The derivatives of the conditions, in doubles."""
        return self._conditions(self.x[self.free])[1]

    def _gradient(self, free: Array) -> Array:
        slope: Array = self.problem.objective(self.whole(free))[1][0]
        return slope[self.free]

    def _multipliers(self) -> Array:
        free = self.x[self.free]
        found: Array = np.linalg.lstsq(self._conditions(free)[1].T, -self._gradient(free), rcond=1e-10)[0]
        return found

    def with_multipliers(self, free: Array) -> Array:
        """Unknowns and multipliers of the conditions in one vector."""
        return np.concatenate([free, np.array([mpmath.mpf(float(v)) for v in self.multipliers], dtype=object)])

    def stationary(self, z: Array) -> Array:
        """The gradient of the Lagrangian, and the conditions."""
        n = int(self.free.sum())
        values, slopes = self._conditions(z[:n])
        return np.concatenate([self._gradient(z[:n]) + slopes.T @ z[n:], values])

    def slope_stationary(self) -> Array:
        """The derivatives of `stationary` in doubles, by central differences."""
        z = np.concatenate([self.x[self.free], self.multipliers])
        found = np.zeros((len(z), len(z)))
        for k in range(len(z)):
            step = np.zeros(len(z))
            step[k] = 1e-5 * max(1.0, abs(z[k]))
            found[:, k] = (self.stationary(z + step) - self.stationary(z - step)) / (2 * step[k])
        return found


def recognised(value: Any) -> str | None:
    """A multiprecision number as text of the grammar where it is a simple fraction or quadratic number, else None.

    What it says is a guess until `check` has proved the file that it stands in.
    """
    with mpmath.workdps(PRECISION):
        scaled = int(mpmath.nint(value * mpmath.mpf(10) ** (PRECISION - 10)))
        fraction = Fraction(scaled, 10 ** (PRECISION - 10)).limit_denominator(LARGEST_FRACTION)
        if abs(value - mpmath.mpf(fraction.numerator) / fraction.denominator) < CLOSE:
            return str(fraction)
        found = mpmath.pslq(
            [value * value, value, mpmath.mpf(1)], maxcoeff=LARGEST_SURD, maxsteps=10_000, tol=mpmath.mpf(10) ** -50
        )
        if found is None or not found[0]:
            return None
        a, b, c = found
        under = b * b - 4 * a * c
        if under <= 0:
            return None
        sign = "+" if (2 * a * value + b > 0) else "-"
        return f"({-b} {sign} sqrt({under}))/({2 * a})"
