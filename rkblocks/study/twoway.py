"""Two-way statistics of a setting: accuracy = scheme + seed + rest, all schemes in one model.

A paired t-test of two schemes knows the spread of their own few differences alone. The two-way model (Fisher 1925; a
seed is a block) pools the rest over all schemes, (S - 1)(n - 1) degrees of freedom for S schemes and n seeds. That is
more power, bought with an assumption: the rest spreads alike in all schemes. Comparisons of all schemes with one
are many; Dunnett (1955) keeps the chance that any of them errs at 5 %. The model's T statistics share the reference
and the pooled deviation: a multivariate t with correlations 1/2, whose probabilities are integrated here, without
draws.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

Matrix = NDArray[np.float64]
LEVEL: Final = 0.05
POWER: Final = 0.8
NODES: Final = 80
ROUNDING: Final = 1e-12  # a rest below it is none


@dataclass(frozen=True)
class Estimate:
    """A difference; `half`: half the width of its 95 % interval; p; `found`: the smallest true difference that the
    test finds with a probability of 80 % at the 5 % level, if the spread is as estimated.
    """

    mean: float
    half: float
    p: float
    found: float


@dataclass(frozen=True)
class Model:
    """The two-way model of values [schemes, seeds], the reference first. deviation: of the rest; None where there is
    none to estimate it from, or no rest at all.
    """

    values: Matrix

    @property
    def schemes(self) -> int:
        return int(self.values.shape[0])

    @property
    def seeds(self) -> int:
        return int(self.values.shape[1])

    @property
    def freedom(self) -> int:
        return (self.schemes - 1) * (self.seeds - 1)

    @property
    def rest(self) -> Matrix:
        """What neither scheme nor seed explains."""
        return _rest(self.values)

    @property
    def deviation(self) -> float | None:
        if self.freedom < 1:
            return None
        found = math.sqrt(float((self.rest**2).sum()) / self.freedom)
        return found if found > ROUNDING else None

    def against_first(self) -> list[Estimate] | None:
        """Every other scheme minus the first, with Dunnett's simultaneous intervals and p-values."""
        if self.deviation is None:
            return None
        count, error = self.schemes - 1, self.deviation * math.sqrt(2 / self.seeds)
        limit = critical(count, self.freedom)
        means = self.values.mean(axis=1)
        return [
            Estimate(mean, limit * error, beyond(abs(mean) / error, count, self.freedom), self._found(limit, error))
            for mean in (float(one - means[0]) for one in means[1:])
        ]

    def contrast(self, weights: Sequence[float]) -> Estimate | None:
        """The sum of weights times means, a question asked on its own: Student's t."""
        if self.deviation is None:
            return None
        own = np.asarray(weights, dtype=np.float64)
        mean = float(own @ self.values.mean(axis=1))
        error = self.deviation * math.sqrt(float(own @ own) / self.seeds)
        limit = critical(1, self.freedom)
        return Estimate(mean, limit * error, beyond(abs(mean) / error, 1, self.freedom), self._found(limit, error))

    def _found(self, limit: float, error: float) -> float:
        return detectable(limit, self.freedom) * error

    def at_equal(self, covariate: Matrix, weights: Sequence[float] | None = None) -> list[Estimate] | None:
        """Every other scheme minus the first at equal values of a covariate [schemes, seeds], its slope estimated from
        the rests alone (analysis of covariance, Fisher 1932), with Bonferroni's p-values and intervals; or the one sum
        of weights times means, a question asked on its own.

        None where the covariate does not vary beside schemes and seeds, or no degree of freedom is left.
        """
        freedom, other = self.freedom - 1, _rest(covariate)
        spread = float((other**2).sum())
        if freedom < 1 or spread <= ROUNDING * max(1.0, float((covariate**2).sum())):
            return None
        slope = float((other * self.rest).sum()) / spread
        left = float(((self.rest - slope * other) ** 2).sum()) / freedom
        if left <= ROUNDING**2:
            return None
        asked = np.eye(self.schemes)[1:] - np.eye(self.schemes)[0] if weights is None else np.asarray([weights])
        found, limit = [], -float(special.stdtrit(freedom, LEVEL / (2 * len(asked))))
        for own in asked:
            apart = float(own @ covariate.mean(axis=1))
            error = math.sqrt(left * (float(own @ own) / self.seeds + apart**2 / spread))
            adjusted = float(own @ self.values.mean(axis=1)) - slope * apart
            p = min(1.0, len(asked) * beyond(abs(adjusted) / error, 1, freedom))
            found.append(Estimate(adjusted, limit * error, p, detectable(limit, freedom) * error))
        return found


def _rest(values: Matrix) -> Matrix:
    found: Matrix = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0, keepdims=True) + values.mean()
    return found


@lru_cache(maxsize=64)
def _pooled(freedom: int) -> tuple[Matrix, Matrix]:
    """Nodes and weights of the pooled deviation in units of the true one: Gauss-Legendre in its quantiles."""
    nodes, weights = np.polynomial.legendre.leggauss(NODES)
    return np.sqrt(special.chdtri(freedom, (1 - nodes) / 2) / freedom), weights / 2


@lru_cache(maxsize=1)
def _normal() -> tuple[Matrix, Matrix]:
    """Nodes and weights of the reference: Gauss-Hermite."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES // 2)
    return nodes, weights / math.sqrt(2 * math.pi)


def beyond(t: float, count: int, freedom: int) -> float:
    """Return P(max |T_i| >= t) of `count` T statistics against one reference, with `freedom` degrees (Dunnett 1955,
    equation 8, two-sided): the mean over reference and pooled deviation of the independent rest.
    """
    if count == 1:
        return float(2 * special.stdtr(freedom, -t))
    scale, weight = _pooled(freedom)
    z, density = _normal()
    reach = math.sqrt(2) * t * scale[:, None]
    inside = special.ndtr(z + reach) - special.ndtr(z - reach)
    return float(np.clip(1 - weight @ (inside**count @ density), 0.0, 1.0))


@lru_cache(maxsize=256)
def critical(count: int, freedom: int) -> float:
    """Return the t that `beyond` reaches with 5 %."""
    return float(optimize.brentq(lambda t: beyond(t, count, freedom) - LEVEL, 0.5, 500.0, xtol=1e-10))


@lru_cache(maxsize=256)
def detectable(limit: float, freedom: int) -> float:
    """Return the true difference, in standard errors of it, whose |T| passes `limit` with a probability of 80 %."""

    scale, weight = _pooled(freedom)

    def short(shift: float) -> float:
        passed = special.ndtr(shift - limit * scale) + special.ndtr(-shift - limit * scale)
        return float(weight @ passed) - POWER

    return float(optimize.brentq(short, 0.0, 4 * limit + 10, xtol=1e-8))
