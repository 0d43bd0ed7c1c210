"""Error bars and tests: Wilson, mean and deviation, McNemar, the paired bootstrap, and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence

Z95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution
SEEDS = 3
THREE_SEEDS = "three seeds"


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


def smallest_found(n: int, allowed: int, chance: float = 0.9) -> float:
    """Return the smallest share of images with a fault such that more than `allowed` of n drawn ones have it, with this
    probability: what a check on a sample can find. 1 where n is too small for any.
    """
    low, high = 0.0, 1.0
    if n <= allowed:
        return high
    for _ in range(60):
        share = (low + high) / 2
        few = sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(allowed + 1))
        low, high = (low, share) if few <= 1 - chance else (share, high)
    return high


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
    tail = term = 1  # the binomial coefficients n over k, summed for k = 0..least in whole numbers
    for k in range(least):
        term = term * (n - k) // (k + 1)
        tail += term
    return float(min(1.0, 2 * tail / 2**n))


def paired_bootstrap(only_first: int, only_second: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of the difference of two accuracies on the same n images, first minus second.

    Resampling images with replacement (Efron 1979) draws +1, -1 or 0 for each of n images, with the shares found. The
    distribution of their sum is worked out by its characteristic function instead of by draws: this is the bootstrap
    with infinitely many resamples, and needs no seed. Raises ValueError for counts that no n images can have.
    """
    import torch

    if n < 1 or min(only_first, only_second) < 0 or only_first + only_second > n:
        raise ValueError(f"{only_first} and {only_second} one-sided successes out of {n}")
    size = 2 * n + 1
    angle = torch.arange(size, dtype=torch.float64) * (2 * math.pi / size)
    turn = torch.polar(torch.ones_like(angle), angle)
    step = (only_first * turn + only_second * turn.conj() + (n - only_first - only_second)) / n
    mass = torch.fft.fft(step**n).real / size  # mass[k]: probability of the sum k, modulo size
    below = mass.roll(n).cumsum(0)  # from -n upwards
    ends = [int((below < share).sum()) - n for share in ((1 - level) / 2, (1 + level) / 2)]
    return ends[0] / n, ends[1] / n


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for their number, in the order given (Holm 1979).

    Refusing equality wherever the adjusted value is below 5 % refuses a true equality with a probability of at most
    5 %, over all comparisons together and however they depend on each other.
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def enough_seeds(number: int) -> bool:
    """Whether so many networks that differ in their training seed alone speak for their scheme."""
    return number >= SEEDS
