"""Learnable coefficients of a network: found, kept in their domain, exempt from weight decay."""

import pytest
import torch
from blocks_common import Field3, conv_residual, emitted
from torch import nn

from rkblocks import blocks, files


def network() -> nn.Sequential:
    return nn.Sequential(
        blocks.build("ark", conv_residual()),
        blocks.build("ssp3", conv_residual()),
        blocks.build("ssp2", conv_residual(), learn_dt=True),
        nn.Conv2d(4, 4, 1),
    )


def test_coefficient_parameters() -> None:
    net = network()
    found = blocks.coefficient_parameters(net)
    assert [id(p) for p in found] == [id(net[0].raw["beta10"]), id(net[2].raw["dt"])]
    assert len(blocks.coefficient_parameters(emitted(files.load("ark"), Field3()))) == 1
    assert blocks.coefficient_parameters(nn.Linear(2, 2)) == []


def test_groups_cover_every_parameter_once_and_spare_the_coefficients() -> None:
    net = network()
    groups = blocks.parameter_groups(net, weight_decay=0.1)
    assert [g["weight_decay"] for g in groups] == [0.1, 0.0]
    listed = [id(p) for g in groups for p in g["params"]]
    assert sorted(listed) == sorted(id(p) for p in net.parameters())
    before = net[0].coefficients()
    optimizer = torch.optim.SGD(groups, lr=1.0)
    for p in net.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    assert net[0].coefficients() == before
    assert len(blocks.parameter_groups(nn.Linear(2, 2), weight_decay=0.1)) == 1


def test_training_moves_a_coefficient_inside_its_domain() -> None:
    block = blocks.build("ark", Field3()).double()
    x = torch.randn(16, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.SGD(blocks.coefficient_parameters(block), lr=50.0)
    start = block.coefficients()["beta10"]
    for _ in range(20):
        optimizer.zero_grad()
        block(x).square().mean().backward()
        optimizer.step()
    end = block.coefficients()["beta10"]
    assert end != start
    assert 0 < end < 1


@pytest.mark.parametrize("assign", [False, True])
def test_states_without_a_dimension_load(assign: bool) -> None:
    """States of before, in which raw values were of shape []: in a block, inside a network, in an emitted class."""
    learned = blocks.build("ark", nn.Tanh())
    learned.raw["beta10"].data.fill_(0.25)
    expected = learned(torch.ones(2))
    modules = [blocks.build("ark", nn.Tanh()), emitted(files.load("ark"), nn.Tanh()).float()]
    for module in modules:
        assert all(p.dim() > 0 for p in module.parameters())
        net = nn.Sequential(module)
        net.load_state_dict({"0.raw.beta10": torch.tensor(0.25)}, assign=assign)
        assert module.raw["beta10"].shape == (1,)
        assert torch.equal(net(torch.ones(2)), expected)


def test_no_coefficient_changes_a_dtype_or_a_shape() -> None:
    block = blocks.build("ark", nn.Tanh(), learn_dt=False)
    for x in (torch.tensor(1.0), torch.ones(2, dtype=torch.bfloat16), torch.ones(0, 3)):
        y = block(x)
        assert (y.shape, y.dtype) == (x.shape, x.dtype)
