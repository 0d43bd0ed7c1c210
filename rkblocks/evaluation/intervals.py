"""Error bars: Wilson's interval for one run, mean and deviation over seeds, McNemar's test between two runs."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution


def wilson(successes: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion (Wilson 1927; Brown, Cai & DasGupta 2001), 95 % by default.

    Unlike mean +- 1.96 deviations it stays inside [0, 1] and does not shrink to a point at accuracy 0 or 1.
    Raises ValueError unless 0 <= successes <= n and n >= 1.
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} successes out of {n}")
    share = successes / n
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    low, high = (centre - half) / scale, (centre + half) / scale
    return (0.0 if successes == 0 else low), (1.0 if successes == n else high)


def mean_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Return (mean, sample standard deviation with n - 1); the deviation of a single value is nan, not zero."""
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, math.nan
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value that two models with these one-sided successes on the same images are equal.

    only_first, only_second: images that only the first, only the second model gets right (McNemar 1947, binomial form).
    """
    n, least = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(n, k) for k in range(least + 1))
    return float(min(1.0, 2 * tail / 2**n))
