"""The parts of a training, each alone: seeds, schedule, optimisers, examples, validation, progress."""

import hashlib
from fractions import Fraction

import pytest
import torch
from torch import nn

from rkblocks import nets
from rkblocks.data import Split
from rkblocks.progress import duration
from rkblocks.runs import network as networks
from rkblocks.training import load
from rkblocks.training.examples import examples
from rkblocks.training.optimizers import learning_rate, optimizer
from rkblocks.training.progress import summary
from rkblocks.training.seeds import derive, epoch_streams, stream
from rkblocks.training.validation import measure

torch.set_num_threads(1)


def test_streams_are_independent_and_fixed():
    assert derive(0, "order", 3) == int.from_bytes(hashlib.sha256(b"rkblocks/0/order/3").digest()[:8], "big") >> 1
    drawn = {
        (seed, name, epoch): tuple(torch.randint(2**31, (4,), generator=generator).tolist())
        for seed in (0, 1)
        for epoch in (0, 1, 10)
        for name, generator in epoch_streams(seed, epoch, "cpu").items()
    }
    assert len(set(drawn.values())) == len(drawn) == 18
    assert torch.equal(torch.rand(3, generator=stream(5, "a")), torch.rand(3, generator=stream(5, "a")))


def test_schedules():
    steps = load("cifar10-paper")
    rates = [learning_rate(steps, epoch, 0, 10) for epoch in (0, 59, 60, 99, 100, 139, 140, 199)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 1e-3, 1e-3, 1e-4, 1e-4])
    cycle = load("digits", {"training.epochs": 10, "optimizer.lr": 1.0})
    rates = [learning_rate(cycle, epoch, step, 100) for epoch in range(10) for step in range(100)]
    assert max(rates) == pytest.approx(1, abs=0.01)
    assert rates.index(max(rates)) == pytest.approx(300, abs=1)
    assert 0 < rates[0] < 0.01
    assert 0 < rates[-1] < 0.01
    assert learning_rate(load("mnist-paper"), 57, 3, 10) == 1e-4


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_decay_spares_the_coefficients(name):
    net = nets.grouped("ark", 2, widths=(4,))
    settings = load("digits", {"optimizer.name": name, "optimizer.weight_decay": 0.1, "optimizer.lr": 0.5}).optimizer
    chosen = optimizer(settings, net)
    assert sorted(id(p) for group in chosen.param_groups for p in group["params"]) == sorted(
        id(p) for p in net.parameters()
    )
    before = {name: parameter.clone() for name, parameter in net.named_parameters()}
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    chosen.step()
    changed = {name for name, parameter in net.named_parameters() if not torch.equal(parameter, before[name])}
    coefficients = {name for name in before if ".raw." in name}
    assert len(coefficients) == 2
    assert not changed & coefficients
    assert {name for name in before if name.endswith("conv1.weight")} <= changed


@pytest.mark.parametrize("name", ["sgd", "adam"])
@pytest.mark.parametrize("decayed", ["network", "weights", "published"])
def test_what_decays(decayed, name):
    net = nets.grouped("ark,ssp2", 2, widths=(4, 6))
    values = {"optimizer.name": name, "optimizer.weight_decay": 0.1, "optimizer.decayed": decayed}
    groups = optimizer(load("digits", values).optimizer, net).param_groups
    assert sum(len(group["params"]) for group in groups) == len(list(net.parameters()))
    decay = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    for parameter_name, parameter in net.named_parameters():
        kind = parameter_name.rpartition(".")[2]
        coefficient = ".raw." in parameter_name
        matrix = kind == "weight" and "norm" not in parameter_name
        decays = {"network": not coefficient, "weights": matrix and not coefficient, "published": True}[decayed]
        assert decay[id(parameter)] == (0.1 if decays else 0.0), parameter_name
    assert {group["lr"] for group in groups} == {0.1}


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(6, 1, 8, 8, generator=generator), torch.arange(6)


def test_noise_copies():
    x, y = batch()
    config = load("digits", {"training.method": "noise", "noise.eps": "1/4", "noise.copies": 3})
    shown, labels = examples(config, epoch_streams(0, 0, "cpu"))(nn.Identity(), x, y)
    assert shown.shape == (18, 1, 8, 8)
    assert labels.tolist() == list(range(6)) * 3
    change = shown.view(3, *x.shape) - x
    assert float(change.abs().max()) == pytest.approx(0.25, abs=0.01)
    assert 0 <= float(shown.min()) <= float(shown.max()) <= 1
    assert not torch.equal(change[0], change[1])
    inside = change[((x > 0.25) & (x < 0.75)).expand_as(change)]  # where clamping does not matter, uniform
    assert float(inside.mean()) == pytest.approx(0, abs=0.02)
    assert float(inside.std()) == pytest.approx(0.5 / 12**0.5, rel=0.05)


def test_standard_shows_the_images_themselves():
    x, y = batch()
    shown, labels = examples(load("digits", {"training.method": "standard"}), {})(nn.Identity(), x, y)
    assert shown is x
    assert labels is y


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_adversarial_examples_and_running_statistics(mode):
    x, y = batch()
    net = nets.grouped("ssp2", 1, widths=(4,), channels=1).train()
    config = load("digits", {"attack.mode": mode, "attack.steps": 3, "attack.eps": "1/10"})
    shown, labels = examples(config, epoch_streams(0, 0, "cpu"))(net, x, y)
    assert labels is y
    assert 0.05 < float((shown - x).abs().max()) <= 0.1 + 1e-6
    tracked = [value for name, value in net.state_dict().items() if name.endswith("num_batches_tracked")]
    assert tracked
    assert all(bool((count == (3 if mode == "train" else 0)).all()) for count in tracked)
    assert net.training
    assert all(parameter.requires_grad and parameter.grad is None for parameter in net.parameters())


class Threshold(nn.Module):
    """Class 1 if the mean is above one half; the margin is what an attack can move."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.flatten(1).mean(1)
        return torch.stack((0.5 - mean, mean - 0.5), dim=1)


def test_measured_accuracies():
    levels = torch.tensor([0, 80, 120, 135, 140, 200], dtype=torch.uint8)
    split = Split(levels.view(6, 1, 1, 1).expand(6, 1, 4, 4).contiguous(), torch.tensor([0, 0, 0, 1, 1, 0]))
    config = load("digits", {"attack.eps": "12/255", "attack.step": "12/255", "training.eval_batch_size": 4})
    looks = []
    found = measure(Threshold(), split, config, 0, torch.contiguous_format, lambda: looks.append(1))
    # 200 is wrong already; in reach of 12 levels are 120 and 135, but not 140.
    assert found == {"validation_clean": 5 / 6, "validation_robust": 3 / 6}
    assert len(looks) == 4


def test_nothing_held_out_is_nothing_measured():
    split = Split(torch.zeros(0, 1, 4, 4, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64))
    assert measure(Threshold(), split, load("digits"), 0, torch.contiguous_format, lambda: None) == {}


@pytest.mark.parametrize(
    ("name", "shape", "mean"), [("none", (3, 8, 8), None), ("published", (3, 8, 8), (0.4914, 0.4822, 0.2265))]
)
def test_normalisation_switch(name, shape, mean):
    from types import SimpleNamespace

    config = load("digits", {"data.normalization": name})
    data = SimpleNamespace(name="digits", shape=shape, mean=(0.1, 0.2, 0.3), std=(1.0, 1.0, 1.0))
    assert networks.constants(config, data)[0] == mean  # type: ignore[arg-type]
    assert networks.constants(load("digits"), data)[0] == (0.1, 0.2, 0.3)  # type: ignore[arg-type]
    data.name = "tiny-imagenet"
    assert networks.constants(config, data)[0] == (None if name == "none" else (0.5,) * 3)  # type: ignore[arg-type]


def test_progress_texts():
    assert [duration(s) for s in (0.4, 59, 200, 7500)] == ["0 s", "59 s", "3 min 20 s", "2 h 05 min"]
    metrics = {"epoch": 3, "train_loss": 0.41249, "train_accuracy": 0.8708, "validation_clean": 0.9441, "seconds": 12.3}
    assert summary(metrics, 10, 28) == "epoch 3/10  loss 0.412  train 0.871  clean 0.944  12 s, 28 s left"


def test_budgets_are_exact():
    assert load("cifar10-paper").attack.eps == Fraction(8, 255)
