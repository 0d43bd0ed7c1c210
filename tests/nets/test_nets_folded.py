"""Folded networks are what evaluation mode is, with the same input gradients, and leave their model alone."""

import pytest
import torch
from torch import Tensor, nn

from rkblocks import nets
from rkblocks.attacks import Threat, frozen, pgd
from rkblocks.nets.folded import FoldedBlock, folded

torch.set_num_threads(1)

SCHEMES = ("euler", "midpoint", "ssp2", "ssp3", "ark", "rk4")


def trained(blocks: str, widths: tuple[int, ...] = (4,), **settings) -> tuple[nets.GroupedNet, Tensor, Tensor]:
    """A network in float64 whose statistics, of every stage, and affine parameters are nothing special; x and y."""
    generator = torch.Generator().manual_seed(1)
    net = nets.grouped(blocks, 2, widths=widths, channels=2, classes=3, generator=generator, **settings).double()
    for name, tensor in [*net.named_buffers(), *net.named_parameters()]:
        if "norm" in name and tensor.is_floating_point():
            tensor.data.uniform_(
                -1, 1, generator=generator
            ) if "mean" in name or "bias" in name else tensor.data.uniform_(0.5, 2, generator=generator)
    x = torch.rand(5, 2, 8, 8, dtype=torch.float64, generator=generator)
    return net, x, torch.randint(3, (5,), generator=generator)


def gradient(net: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    point = x.clone().requires_grad_()
    logits = net(point)
    return logits, torch.autograd.grad(logits.square().sum(), point)[0]


@pytest.mark.parametrize("statistics", ["stage", "shared"])
@pytest.mark.parametrize("blocks", SCHEMES)
def test_equal_to_evaluation_mode(blocks, statistics):
    net, x, _ = trained(blocks, statistics=statistics)
    expected = gradient(net.eval(), x)
    net.train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    fast = folded(net)
    assert fast.training
    with frozen(fast):
        assert not net.stem.training  # the stem is shared
        for found, wanted in zip(gradient(fast, x), expected, strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-12)
    assert all(module.training for module in net.modules())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in net.parameters())
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_transitions_memory_and_layout():
    for memory in ("full", "norm", "stage"):
        net, x, _ = trained("ark,ssp2", (4, 6), memory=memory)
        net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
        fast = folded(net)
        assert sum(isinstance(module, FoldedBlock) for module in fast.modules()) == 4
        with frozen(fast):
            found = gradient(fast, x)
        for one, other in zip(found, gradient(net.eval(), x), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("memory", "expected"), [("full", 2), ("stage", 1)])
def test_what_is_saved(memory, expected):
    """Of each call of F the two rectified maps, or with memory "stage" the argument alone, in units of x."""
    net, _, _ = trained("ssp3", (8,), memory=memory)
    x = torch.rand(2, 8, 6, 6, dtype=torch.float64, requires_grad=True)
    saved: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.shape == x.shape:
            saved[tensor.untyped_storage().data_ptr()] = tensor.numel()
        return tensor

    block = folded(net).groups[0][0].requires_grad_(False)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = block(x)
    assert sum(saved.values()) == 3 * expected * x.numel()
    del result


def test_constants_are_those_of_now():
    net, x, _ = trained("ssp2")
    old = folded(net)
    with torch.no_grad():
        net.groups[0][0].residual.norm2.weight.mul_(2)
    with frozen(old), frozen(net):
        assert not torch.allclose(old(x), net(x))
        torch.testing.assert_close(folded(net).eval()(x), net(x), rtol=1e-10, atol=1e-12)


def test_without_running_statistics_blocks_stay():
    net, x, _ = trained("ssp2", norm="group")
    fast = folded(net)
    assert fast.groups[0][0] is net.groups[0][0]
    assert torch.equal(fast(x), net(x))


def test_the_same_adversarial_examples():
    """In float64 no sign of a gradient is in doubt here, so PGD takes the same steps, to the bit."""
    net, x, y = trained("ark,euler", (4, 6))
    threat = Threat(eps="1/10", steps=4, step="1/25")
    examples = [pgd(model, x, y, threat, torch.Generator().manual_seed(3)) for model in (net, folded(net))]
    assert torch.equal(*examples)
    assert not torch.equal(examples[0], x)
