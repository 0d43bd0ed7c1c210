"""What a block promises: limits by the tableau and the residual's h0, and coefficients that cannot leave them."""

from fractions import Fraction

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from torch import nn

import rkblocks
from rkblocks import files
from rkblocks.diagnostics import RkblocksError
from rkblocks.nets import ConvexPotential, Relaxation
from rkblocks.verify.facts import Facts
from rkblocks.verify.narrow import narrowed


class Decay(nn.Module):
    """F(x) = -x: an Euler step does not expand up to h0 = 2."""

    def __init__(self, h0=2) -> None:
        super().__init__()
        self.h0 = h0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return -x

    def nonexpansive_step(self, norm: str):
        return self.h0


@pytest.mark.parametrize(
    ("scheme", "norm", "limit"),
    [
        ("rk4", "l2", 2.0),
        ("rk4", "linf", 0.0),
        ("ssprk43", "l2", 4.0),
        ("ssprk43", "l1", 4.0),
        ("midpoint", "l2", 0.0),
        ("ralston2", "l2", 21**0.5 - 3),
        ("ralston2", "linf", 1.0),
        ("ssprk54", "linf", 3.0163600983),
    ],
)
def test_the_limit_is_the_coefficient_times_h0(scheme: str, norm: str, limit: float) -> None:
    block = rkblocks.build(scheme, residual=Decay(), dt=Fraction(1, 2))
    found = block.guarantee(norm)
    assert found.limit == pytest.approx(limit)
    assert found.holds == (limit > 0.5)
    assert bool(found.reason) != found.holds
    assert found.to_dict()["step"] == 0.5


def test_the_comparison_is_exact() -> None:
    assert rkblocks.build("rk4", residual=Decay(1), dt=1).guarantee("l2").holds
    above = rkblocks.build("rk4", residual=Decay(1), dt=1 + Fraction(1, 2**50)).guarantee("l2")
    assert not above.holds
    assert "above rho h0 = 1" in above.reason
    surd = rkblocks.build("ralston2", residual=Decay(1)).guarantee("l2").limit
    assert rkblocks.build("ralston2", residual=Decay(1), dt=Fraction(surd)).guarantee("l2").holds


def test_what_states_nothing_has_no_guarantee() -> None:
    assert "states no step" in rkblocks.build("ssp2", residual=nn.Tanh()).guarantee("l2").reason
    assert "states no step" in rkblocks.build("ssp2", residual=ConvexPotential(3)).guarantee("linf").reason
    assert rkblocks.build("ssp2", residual=Relaxation(3, norm="linf")).guarantee("linf").holds
    staged = nn.Sequential(nn.BatchNorm1d(3))
    staged.nonexpansive_step = lambda norm: 1.0
    assert "batch norm" in rkblocks.build("ssp2", residual=staged).guarantee("l2").reason
    for wrong in ("2", True, 0, -1.0, float("nan")):
        with pytest.raises(RkblocksError) as found:
            rkblocks.build("ssp2", residual=Decay(wrong)).guarantee("l2")
        assert found.value.diagnostics[0].code == "RK555"
    with pytest.raises(RkblocksError) as found:
        rkblocks.build("ssp2", residual=Decay()).guarantee("l3")
    assert found.value.diagnostics[0].code == "RK554"


@pytest.mark.parametrize(("scheme", "dt"), [("ark", "1/2"), ("ark_ssp", "3/4"), ("rk22_family", "1/2"), ("rk4", "1/2")])
@pytest.mark.parametrize("raw", [-60.0, -3.0, 0.0, 3.0, 60.0])
def test_no_learned_value_leaves_the_guarantee(scheme: str, dt: str, raw: float) -> None:
    block = rkblocks.build(scheme, residual=Decay(1), dt=Fraction(dt), learn_dt=True, guaranteed="l2")
    assert block.guarantee("l2").holds
    for parameter in block.raw.values():
        parameter.data.fill_(raw)
    assert block.guarantee("l2").holds
    for name, parameter in block.raw.items():
        if name != "dt":
            parameter.data.fill_(-raw)
    assert block.guarantee("l2").holds


@pytest.mark.parametrize(
    ("scheme", "dt", "norm"), [("ark", "0.9", "l2"), ("midpoint", "1/9", "l2"), ("rk4", "1", "linf")]
)
def test_a_start_without_guarantee_is_refused(scheme: str, dt: str, norm: str) -> None:
    with pytest.raises(RkblocksError) as found:
        rkblocks.build(scheme, residual=Decay(1), dt=Fraction(dt), guaranteed=norm)
    assert found.value.diagnostics[0].code == "RK553"
    with pytest.raises(RkblocksError) as found:
        rkblocks.build(scheme, residual=nn.Tanh(), guaranteed=norm)
    assert found.value.diagnostics[0].code == "RK553"


@given(share=st.fractions(min_value=Fraction(1, 100), max_value=Fraction(99, 100), max_denominator=100))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("euclidean", [True, False])
def test_a_narrowed_family_keeps_the_step_everywhere_and_little_is_cut_off(euclidean: bool, share: Fraction) -> None:
    family, r = files.load("ark_ssp"), Fraction(1, 2)
    inside = narrowed(family, r, euclidean=euclidean)
    (new,) = inside.parameters
    low, high = (family.field.constants.fraction(end) for end in (new.low, new.high))

    def coefficient(beta: Fraction):
        facts = Facts(family.at({"beta10": beta}))
        return facts.contractivity.root if euclidean else facts.optimal.root

    assert coefficient(low + share * (high - low)).compare(r) >= 0
    assert coefficient(low - Fraction(1, 10**5)).compare(r) < 0
    assert narrowed(family, Fraction(99, 100), euclidean=euclidean) is None


def test_a_guaranteed_block_survives_saving(tmp_path) -> None:
    block = rkblocks.build("ark", residual=Decay(1), dt=0.5, learn_dt=True, guaranteed="l2")
    torch.save(block, tmp_path / "b.pt")
    again = torch.load(tmp_path / "b.pt", weights_only=False)
    assert again.step.domains == block.step.domains
