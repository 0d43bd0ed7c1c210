"""What the blocks see is what they compute, hooks leave nothing behind, and the weights are the tableau's."""

from fractions import Fraction

import pytest
import torch
from torch import nn

import rkblocks
from rkblocks.analysis.record import passages, visit_blocks
from rkblocks.analysis.variance import weights_of
from rkblocks.diagnostics import RkblocksError


def test_the_stages_of_a_step(steps):
    a = torch.diag(torch.tensor([0.5, -1.0]))
    net = steps(("ssp3", a), ("midpoint", a))
    x = torch.tensor([[[[1.0, 2.0]]], [[[0.0, 1.0]]]], dtype=torch.float64)
    first, second = passages(net, x)
    assert (first.name, second.name) == ("blocks.0", "blocks.1")
    assert torch.equal(first.y, second.x)
    assert torch.equal(second.y, net(x))
    assert len(first.stages) == 3
    u = x.flatten(1)
    f = u @ a.double()
    assert torch.allclose(first.stages[0].u, u)
    assert torch.allclose(first.stages[1].u, u + f)
    assert torch.allclose(first.stages[1].f, (u + f) @ a.double())
    assert torch.allclose(first.residual(1)(u), f)
    assert torch.allclose(first.step(u), first.y)


def test_each_stage_has_its_own_statistics():
    """F of stage 2 is called with the running statistics of stage 2, also long after the step."""
    torch.manual_seed(0)
    block = rkblocks.build("ssp2", nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3)))
    net = nn.Sequential(block)
    for _ in range(3):
        net(torch.randn(20, 3))
    (passage,) = passages(net, torch.randn(4, 3))
    for stage in passage.stages:
        with torch.no_grad():
            net.eval()
            assert torch.equal(passage.residual(stage.number)(stage.u), stage.f)
    net.train()
    assert not torch.allclose(passage.residual(0)(passage.stages[1].u), passage.stages[1].f)


def test_nothing_is_left_behind_and_calls_while_visiting_are_not_taped(steps):
    net = steps(("ssp2", torch.eye(2)), ("ssp2", torch.eye(2))).train()
    seen = []

    def visit(passage):
        passage.step(passage.x)
        passage.residual(0)(passage.x)
        seen.append(len(passage.stages))

    visit_blocks(net, torch.rand(2, 1, 1, 2).double(), visit)
    visit_blocks(net, torch.rand(2, 1, 1, 2).double(), visit)
    assert seen == [2, 2, 2, 2]
    assert not any(module._forward_hooks for module in net.modules())
    assert net.training

    def stop(passage):
        raise KeyError

    with pytest.raises(KeyError):
        visit_blocks(net, torch.rand(2, 1, 1, 2).double(), stop)
    assert not any(module._forward_hooks for module in net.modules())


def test_a_network_without_blocks_is_named():
    with pytest.raises(RkblocksError) as caught:
        passages(nn.Flatten(), torch.zeros(1, 1, 2, 2))
    assert [found.code for found in caught.value.diagnostics] == ["RK831"]


@pytest.mark.parametrize("name", ["euler", "midpoint", "ssp3", "rk4", "ssprk104", "dopri5"])
def test_the_weights_are_those_of_the_tableau(name):
    tableau = rkblocks.load(name)
    block = rkblocks.build(tableau, nn.Identity(), dt=Fraction(1, 2))
    weights = weights_of(block)
    m = len(weights.b)  # unused stages at the end (first same as last) are not called
    assert weights.b.tolist() == pytest.approx([float(b) / 2 for b in tableau.b][:m])
    for row, exact in zip(weights.a, tableau.A, strict=False):
        exact = list(exact)[:m]
        assert row.tolist()[: len(exact)] == pytest.approx([float(a) / 2 for a in exact])


def test_the_weights_follow_learned_coefficients_and_a_learned_step():
    block = rkblocks.build("ark", nn.Identity(), learn_dt=True, dt=0.5)
    with torch.no_grad():
        block.raw["beta10"].fill_(0.3)
    b10, dt = block.coefficients()["beta10"], block.dt
    weights = weights_of(block)
    assert weights.b.tolist() == pytest.approx([dt * (1 - 1 / (2 * b10)), dt / (2 * b10)])
    assert weights.a.ravel().tolist() == pytest.approx([0, 0, dt * b10, 0])


@pytest.mark.parametrize(("name", "growth"), [("euler", 2), ("midpoint", 9 / 4), ("ssp2", 7 / 4), ("ssp3", 29 / 18)])
def test_the_growth_of_lemma_3(name, growth):
    assert weights_of(rkblocks.build(name, nn.Identity())).growth == pytest.approx(growth)
