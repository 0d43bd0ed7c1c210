"""The maps into open domains: inverse, accuracy near a bound, and agreement with the printed torch expression."""

import math
from fractions import Fraction

import pytest
import torch
from torch import nn

from rkblocks.program.domains import Domain

torch.set_num_threads(1)

CASES = [
    Domain(Fraction(0), Fraction(1), Fraction(3, 4)),
    Domain(Fraction(1, 2), Fraction(1), Fraction(3, 4)),
    Domain(Fraction(-3), Fraction(5), Fraction(1)),
    Domain(Fraction(0), Fraction(1), Fraction(1, 10**12)),
    Domain(Fraction(0), Fraction(1), 1 - Fraction(1, 10**12)),
    Domain(Fraction(2), None, Fraction(5, 2)),
    Domain(Fraction(0), None, Fraction(100)),
    Domain(Fraction(0), None, Fraction(1, 10**9)),
    Domain(None, Fraction(-1), Fraction(-3, 2)),
    Domain(None, None, Fraction(-7, 5)),
]


@pytest.mark.parametrize("domain", CASES, ids=str)
def test_starts_at_the_declared_value(domain: Domain) -> None:
    """To rounding of the distance to the nearer bound, not only of the value."""
    for value in (domain.value(domain.raw), evaluated(domain, domain.raw)):
        distances = [abs(domain.init - bound) for bound in (domain.low, domain.high) if bound is not None]
        slack = 1e-15 * abs(float(domain.init)) + 4e-15 * float(min(distances, default=1))
        assert abs(Fraction(value) - domain.init) <= slack + 2e-16 * max(map(float, distances), default=0)


@pytest.mark.parametrize("domain", CASES, ids=str)
@pytest.mark.parametrize("raw", [-30.0, -2.5, 0.0, 0.3, 4.0, 25.0])
def test_source_and_value_agree_and_stay_inside(domain: Domain, raw: float) -> None:
    value = domain.value(raw)
    assert evaluated(domain, raw) == pytest.approx(value, rel=1e-8, abs=1e-15)
    assert domain.low is None or value > domain.low
    assert domain.high is None or value < domain.high


def evaluated(domain: Domain, raw: float) -> float:
    values = {"torch": torch, "nn": nn, "r": torch.tensor(raw, dtype=torch.float64)}
    return float(eval(domain.source("r"), values))


def test_raw_of_the_paper_is_recovered() -> None:
    """The published block stores 1.0 and takes its sigmoid."""
    assert Domain(Fraction(0), Fraction(1), Fraction(1 / (1 + math.exp(-1)))).raw == pytest.approx(1.0, abs=1e-15)


def test_a_start_outside_is_no_domain() -> None:
    with pytest.raises(ValueError, match="outside"):
        Domain(Fraction(0), Fraction(1), Fraction(1))
