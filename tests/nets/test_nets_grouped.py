"""The networks have the published sizes and shapes, and are what they say they are."""

import copy
import math
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional

from rkblocks import files, nets
from rkblocks.diagnostics import RkblocksError
from rkblocks.nets.residual import PreActivation, Transition

torch.set_num_threads(1)


def size(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


# Published sizes (the models of Kim et al. 2020). An Ark block adds beta10; alpha21 changes nothing and is not made.
@pytest.mark.parametrize(
    ("blocks", "depth", "expected"),
    [
        ("euler", 6, 658_090),
        ("midpoint", 6, 658_090),
        ("ssp3", 6, 658_090),
        ("ark,euler,ssp2", 6, 658_090 + 6),
        ("ssp2", 10, 1_047_850),
        (["ark", "euler", "ssp2"], 10, 1_047_850 + 10),
    ],
)
def test_cifar_sizes(blocks, depth, expected):
    assert size(nets.grouped(blocks, depth)) == expected


@pytest.mark.parametrize(("blocks", "expected"), [("euler", 577_546), ("ssp3", 577_546), ("ark_mnist", 577_546 + 6)])
@pytest.mark.parametrize("norm", ["batch", "group"])
def test_mnist_sizes(blocks, expected, norm):
    assert size(nets.mnist(blocks, norm=norm)) == expected


def test_shapes():
    net = nets.grouped("ssp2", 1, widths=(4, 8, 8, 16), channels=2, classes=7)
    assert net(torch.rand(3, 2, 17, 16)).shape == (3, 7)
    digits = nets.mnist("euler", 1, width=8)
    assert digits.stem(torch.rand(2, 1, 28, 28)).shape == (2, 8, 6, 6)
    assert digits(torch.rand(2, 1, 28, 28)).shape == (2, 10)


def test_residual_is_preactivation():
    torch.manual_seed(0)
    F = PreActivation(3).double().eval()
    nn.init.uniform_(F.norm2.running_mean)
    x = torch.randn(2, 3, 5, 5, dtype=torch.float64)
    h = F.conv1(functional.relu(F.norm1(x)))
    variance = F.norm2.running_var[:, None, None] + F.norm2.eps
    h = (h - F.norm2.running_mean[:, None, None]) / variance.sqrt() * F.norm2.weight[:, None, None]
    torch.testing.assert_close(F(x), F.conv2(functional.relu(h + F.norm2.bias[:, None, None])))


def test_transition_shortcut_shares_the_first_norm():
    torch.manual_seed(0)
    T = Transition(3, 5).eval()
    x = torch.randn(2, 3, 8, 8)
    h = functional.relu(T.norm1(x))
    expected = T.conv2(functional.relu(T.norm2(T.conv1(h)))) + T.shortcut_norm(T.shortcut(h))
    torch.testing.assert_close(T(x), expected)
    assert T(x).shape == (2, 5, 4, 4)


def test_trace_follows_forward():
    net = nets.grouped("ark,ssp3", 2, widths=(4, 8), channels=1).eval()
    x = torch.rand(2, 1, 8, 8)
    seen = net.trace(x)
    assert [name for name, _, _ in seen] == ["group1", "group2"]
    torch.testing.assert_close(net.transitions[0](seen[0][2]), seen[1][1])
    for group, (_, before, after) in zip(net.groups, seen, strict=True):
        torch.testing.assert_close(group(before), after)
    torch.testing.assert_close(net.head(seen[-1][2]), net(x))


def test_each_group_has_its_scheme():
    net = nets.grouped("ark,euler,ssp3", 2, widths=(4, 4, 4))
    calls = [0, 0, 0]
    for i, group in enumerate(net.groups):
        for block in group:
            block.residual.register_forward_hook(lambda *_, i=i: calls.__setitem__(i, calls[i] + 1))
    net(torch.rand(1, 3, 8, 8))
    assert calls == [2 * 2, 2 * 1, 2 * 3]
    assert [tableau.name for tableau in net.tableaus] == ["ark", "euler", "ssp3"]


def test_files_are_read_once(monkeypatch):
    read = []
    load = files.load
    monkeypatch.setattr(files, "load", lambda name: read.append(name) or load(name), raising=False)
    nets.grouped(["ssp2", "euler", "ssp2"], 3, widths=(4, 4, 4))
    assert read == ["ssp2", "euler"]


def test_a_tableau_may_be_given():
    tableau = files.load("ssp2")
    assert nets.grouped(tableau, 1, widths=(4,)).tableaus == (tableau,)
    assert nets.grouped([tableau, "euler"], 1, widths=(4, 4)).tableaus[0] == tableau


def test_normalisation_is_the_first_layer():
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.25, 2.0)
    net = nets.grouped("euler", 1, widths=(4,), mean=mean, std=std, generator=torch.Generator().manual_seed(0)).eval()
    plain = nets.grouped("euler", 1, widths=(4,), generator=torch.Generator().manual_seed(0)).eval()
    x = torch.rand(2, 3, 8, 8)
    shifted = (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    torch.testing.assert_close(net(x), plain(shifted))
    assert {"normalize.mean", "normalize.std"} <= net.state_dict().keys()


def test_the_generator_decides_the_weights():
    def weights(seed: int, noise: int) -> list[torch.Tensor]:
        torch.manual_seed(noise)
        net = nets.grouped("ark", 1, widths=(4, 8), generator=torch.Generator().manual_seed(seed))
        return list(net.state_dict().values())

    assert all(torch.equal(a, b) for a, b in zip(weights(1, 2), weights(1, 3), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(weights(1, 2), weights(4, 2), strict=True))


def test_published_init_is_far_below_he():
    make = {"blocks": "ssp3", "depth": 6, "widths": (16, 32, 64)}
    he = nets.grouped(**make, generator=torch.Generator().manual_seed(0)).groups[2][0].residual
    paper = nets.grouped(**make, init="paper", generator=torch.Generator().manual_seed(0)).groups[2][0].residual
    ratio = float(he.conv1.weight.detach().std() / paper.conv1.weight.detach().std())
    assert ratio == pytest.approx(math.sqrt(1 + 5 * 36), rel=0.02)  # 13.45
    assert float(paper.norm1.weight.detach().min()) >= 0
    assert float(paper.norm1.weight.detach().std()) == pytest.approx(12**-0.5, rel=0.2)
    assert torch.equal(he.norm1.weight, torch.ones(64))
    default = nets.mnist("ssp3", 1, init="paper").groups[0][0].residual
    assert float(default.conv1.weight.detach().abs().max()) <= 1 / math.sqrt(64 * 9)
    assert torch.equal(default.norm1.weight, torch.ones(64))


@pytest.mark.parametrize(
    ("blocks", "groups", "found"),
    [("ssp2,euler", 3, "2 schemes (ssp2, euler) for 3 groups"), (["euler"] * 4, 3, "4 sch")],
)
def test_wrong_number_of_schemes(blocks, groups, found):
    with pytest.raises(RkblocksError, match="RK551") as error:
        nets.grouped(blocks, widths=(4,) * groups)
    assert found in str(error.value)


@pytest.mark.parametrize("blocks", ["", "ssp2,,euler", [], None, 3, ["ssp2", None, "euler"], {"ssp2": 1}])
def test_empty_scheme_names(blocks):
    with pytest.raises(RkblocksError, match="RK551"):
        nets.grouped(blocks, widths=(4, 4, 4))


@pytest.mark.parametrize(
    "settings",
    [
        {"depth": 0},
        {"depth": 1.5},
        {"depth": "6"},
        {"depth": None},
        {"classes": True},
        {"widths": (4, 0)},
        {"widths": ()},
        {"channels": 0},
        {"classes": 0},
        {"norm": "layer"},
        {"statistics": "none"},
        {"init": "kn"},
        {"mean": (0.5,), "std": (1.0, 1.0, 1.0)},
        {"mean": (0.5,) * 3, "std": (1.0, 0.0, 1.0)},
    ],
)
def test_settings_out_of_range(settings):
    with pytest.raises(RkblocksError, match="RK552"):
        nets.grouped("euler", **settings)


@pytest.mark.parametrize(
    "unfit",
    [
        {"widths": 3},
        {"widths": "16"},
        {"mean": 3, "std": 0},
        {"mean": ("a",), "std": (1,)},
        {"mean": (0.5,), "std": (float("nan"),)},
    ],
)
def test_widths_and_moments_of_another_type_are_named(unfit):
    with pytest.raises(RkblocksError, match="RK552"):
        nets.grouped("euler", 1, **{"widths": (2,), "channels": 1} | unfit)


def test_moments_may_be_tensors():
    net = nets.grouped("euler", 1, widths=(2,), channels=1, mean=torch.tensor([0.5]), std=torch.tensor([0.25]))
    assert net.normalize.std.item() == 0.25


@pytest.mark.parametrize(
    "make",
    [
        lambda **how: nets.grouped("midrk2_published", 1, widths=(3, 4), channels=1, norm="group", **how),
        lambda **how: nets.mnist("midrk2_published", 1, width=3, norm="group", **how),
    ],
)
def test_a_control_is_built_by_its_switch_alone(make):
    """Every block of the published mid-RK2 computes x + F(x)/2 + F(x + F(x)/2), also after a copy and a pickle."""
    with pytest.raises(RkblocksError, match="RK304"):
        make()
    net = make(inconsistent=True).double()
    for group in net.groups:
        block, residual = group[0], group[0].residual
        x = torch.randn(2, residual.conv1.in_channels, 5, 5, dtype=torch.double)
        expected = x + residual(x) / 2 + residual(x + residual(x) / 2)
        for one in (block, copy.deepcopy(block), pickle.loads(pickle.dumps(block))):
            assert torch.allclose(one(x), expected, rtol=0, atol=1e-12)
        assert "order 0" in repr(block)
