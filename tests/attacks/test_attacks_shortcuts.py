"""The shortcuts of frozen models: the same bits for batch norm, the same function for the layout, models untouched."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rkblocks import nets
from rkblocks.attacks.losses import input_gradient
from rkblocks.attacks.run import frozen
from rkblocks.attacks.shortcuts import _Affine, _factors, shortcuts

torch.set_num_threads(1)


def trained(seed=0):
    """A network whose norms have seen data, so that no statistic is 0 or 1."""
    torch.manual_seed(seed)
    net = nets.grouped("ark,euler,ssp2", depth=1, channels=1)
    for _ in range(3):
        net(torch.rand(16, 1, 8, 8))
    return net.eval()


@pytest.mark.parametrize("shape", [(64, 16, 8, 8), (33, 64, 2, 2), (5, 7, 3, 5), (9, 8, 1, 1), (12, 6), (4, 3, 11)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_batch_norm_has_torchs_value_and_gradient_bit_for_bit(shape, layout):
    generator = torch.Generator().manual_seed(1)
    x, gradient = (torch.randn(shape, generator=generator) for _ in range(2))
    if len(shape) == 4:
        x, gradient = (tensor.contiguous(memory_format=layout) for tensor in (x, gradient))
    mean, weight, bias = (torch.randn(shape[1], generator=generator) for _ in range(3))
    var = torch.rand(shape[1], generator=generator) * 3
    x.requires_grad_()
    expected = F.batch_norm(x, mean, var, weight, bias, False, 0.1, 1e-5)
    slope = torch.autograd.grad(expected, x, gradient)[0]
    for exact in (True, False):
        found = _Affine.apply(x, _factors(var, weight, 1e-5, exact), [mean, var, weight, bias], 1e-5)
        assert torch.equal(found, expected)
        other = torch.autograd.grad(found, x, gradient)[0]
        assert torch.equal(other, slope) if exact else torch.allclose(other, slope, rtol=1e-6, atol=0)


def test_the_input_gradient_of_a_network_keeps_its_bits_and_with_the_layout_its_value():
    net, x, y = trained(), torch.rand(32, 1, 8, 8, generator=torch.Generator().manual_seed(2)), torch.arange(32) % 10
    with frozen(net):
        plain = input_gradient(net, x, y, "ce")
        with shortcuts(x, "final"):
            exact = input_gradient(net, x, y, "ce")
        with shortcuts(x, "any"):
            other = input_gradient(net, x, y, "ce")
    assert all(torch.equal(a, b) for a, b in zip(plain, exact, strict=True))
    for a, b in zip(plain, other, strict=True):
        assert float((a - b).abs().max()) <= 1e-4 * float(a.abs().max())
    assert all(p.is_contiguous() for p in net.parameters())


def test_a_constant_that_is_written_to_counts_as_it_is_then():
    net, x, y = trained(), torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(3)), torch.arange(8)
    with frozen(net), shortcuts(x, "final"):
        before = input_gradient(net, x, y, "ce")[1]
        net.groups[0][0].residual.norm1.running_var.mul_(4)
        found = input_gradient(net, x, y, "ce")[1]
    with frozen(net):
        assert torch.equal(found, input_gradient(net, x, y, "ce")[1])
    assert not torch.equal(found, before)


def test_they_are_taken(monkeypatch):
    """The network's norms go the short way, and maps are in the other layout; in float64 neither."""
    net, taken, called, layouts = trained(), [], [], []
    short, long = _Affine.apply, F.batch_norm
    monkeypatch.setattr(_Affine, "apply", lambda *args: taken.append(1) or short(*args))
    net.groups[0].register_forward_hook(lambda module, args, out: layouts.append(out.is_contiguous()))
    x, y = torch.rand(4, 1, 8, 8), torch.arange(4)
    for definition, images in [("final", x), ("any", x), ("any", x.double())]:
        net.to(images.dtype)
        with frozen(net), shortcuts(images, definition):
            input_gradient(net, images, y, "ce")
    monkeypatch.setattr(F, "batch_norm", lambda *args, **more: called.append(1) or long(*args, **more))
    net(x.double())
    assert len(taken) == 2 * len(called) > 0
    assert layouts.pop()
    assert layouts == [True, False, True]


def test_in_training_mode_or_with_trained_weights_nothing_changes():
    net, x, y = trained(), torch.rand(8, 1, 8, 8), torch.arange(8)
    F.cross_entropy(net(x), y).backward()
    expected = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    with shortcuts(x, "final"):
        F.cross_entropy(net(x.requires_grad_()), y).backward()
    assert all(torch.equal(p.grad, gradient) for p, gradient in zip(net.parameters(), expected, strict=True))
    before = {name: buffer.clone() for name, buffer in net.named_buffers() if name.endswith("running_mean")}
    with frozen(net, "train"), shortcuts(x.detach(), "any"):
        input_gradient(net, x.detach(), y, "ce")
    assert before
    assert all(not torch.equal(buffer, before[name]) for name, buffer in net.named_buffers() if name in before)


def test_a_model_may_view_its_maps():
    torch.manual_seed(0)
    conv, head = nn.Conv2d(1, 4, 3), nn.Linear(144, 5)

    class Viewing(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = conv, head

        def forward(self, x):
            x = self.conv(x).relu()
            return self.head(x.view(x.size(0), -1))

    x, y = torch.rand(6, 1, 8, 8), torch.arange(6) % 5
    model = Viewing().eval()
    with frozen(model), shortcuts(x, "any"):
        logits, _ = input_gradient(model, x, y, "ce")
    assert torch.allclose(logits, model(x), atol=1e-6)


def test_weights_changed_in_place_are_seen():
    torch.manual_seed(0)
    model, x = nn.Conv2d(1, 2, 3).requires_grad_(False), torch.rand(1, 1, 8, 8)
    with shortcuts(x, "any"):
        before = model(x)
        model.weight.mul_(2)
        after = model(x)
    assert torch.allclose(after - model.bias[:, None, None], 2 * (before - model.bias[:, None, None]), atol=1e-6)
