"""benchmarks/training.py: under equal protocols both loops make the same step; every part measures what it says."""

import json
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

pytest.importorskip("torchvision")

import published_loop as published  # noqa: E402
import training as benchmark  # noqa: E402

from rkblocks import nets  # noqa: E402
from rkblocks.training import load  # noqa: E402
from rkblocks.training.examples import training_threat  # noqa: E402
from rkblocks.training.optimizers import optimizer  # noqa: E402
from rkblocks.training.step import training_step  # noqa: E402

torch.set_num_threads(1)

FAITHFUL = {"attack.mode": "train", "attack.steps": 3, "net.statistics": "shared", "optimizer.weight_decay": 0.0}


def agree(ours: nets.GroupedNet, theirs: published.Net) -> None:
    """All weights that both have; alpha21 of an ArkBlock is no part of ours, since the step does not depend on it."""
    state, count = theirs.state_dict(), 0
    for name, parameter in ours.named_parameters():
        other = state[name.replace("raw.beta10", "b10")].reshape(parameter.shape)  # theirs has no dimension
        torch.testing.assert_close(parameter, other, rtol=1e-8, atol=1e-10)
        count += 1
    assert count == len(list(theirs.parameters())) - sum(name.endswith("a21") for name in state)


@pytest.mark.parametrize("scheme", ["euler", "midpoint", "ssp2", "ssp3", "ark", "ark,euler,ssp2"])
def test_the_same_adversarial_step(scheme):
    """In float64, from the same weights, images and random start: attack, loss and two steps of SGD."""
    widths = [3, 4, 5]
    config = load("cifar10-published", FAITHFUL | {"net.blocks": scheme, "attack.rounded": False})
    ours = nets.grouped(scheme, 1, widths=widths, statistics="shared", mean=benchmark.MEAN, std=benchmark.STD)
    schemes = scheme.split(",") if "," in scheme else [scheme] * 3
    theirs = published.cifar(schemes, 1, widths)
    published.same_weights(theirs, ours)
    ours, theirs = ours.double(), theirs.double()
    scale = (ours.normalize.mean, ours.normalize.std)
    settings = config.optimizer
    sgd = torch.optim.SGD(theirs.parameters(), lr=settings.lr, momentum=settings.momentum, nesterov=True)
    start = [torch.Generator().manual_seed(5) for _ in range(2)]
    step = training_step(config, ours, optimizer(settings, ours), {"attack": start[0]}, {})
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        x = torch.rand(4, 3, 8, 8, dtype=torch.float64, generator=generator)
        y = torch.randint(10, (4,), generator=generator)
        outcome = step(x, y)
        normal = (x - scale[0]) / scale[1]
        loss = published.adversarial_step(theirs, sgd, normal, y, scale, training_threat(config), start[1])
        torch.testing.assert_close(outcome.sums[0] / 4, loss)
    agree(ours, theirs)


@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize("scheme", ["ssp3", "ark_mnist"])
def test_the_same_noise_step(scheme, norm):
    config = load(
        "mnist-paper", {"net.blocks": scheme, "net.norm": norm, "net.statistics": "shared", "noise.copies": 1}
    )
    ours = nets.mnist(scheme, 1, width=4, norm=norm, statistics="shared")
    theirs = published.mnist(scheme, 1, 4, norm)
    published.same_weights(theirs, ours)
    ours, theirs = ours.double(), theirs.double()
    adam = torch.optim.Adam(theirs.parameters(), lr=config.optimizer.lr)
    noise = [torch.Generator().manual_seed(5) for _ in range(2)]
    step = training_step(config, ours, optimizer(config.optimizer, ours), {"noise": noise[0]}, {})
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        x = torch.rand(4, 1, 28, 28, dtype=torch.float64, generator=generator)
        y = torch.randint(10, (4,), generator=generator)
        outcome = step(x, y)
        loss = published.noise_step(theirs, adam, x, y, float(config.noise.eps), noise[1])
        torch.testing.assert_close(outcome.sums[0] / 4, loss)
    agree(ours, theirs)


def test_the_attack_leaves_the_gradients_of_all_parameters():
    """That is what the published loop pays for; ours forms none (tests/attacks)."""
    net = published.cifar(["ark"] * 3, 1, [2, 2, 2])
    x, y = torch.rand(2, 3, 8, 8), torch.tensor([0, 1])
    scale = (torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1))
    threat = training_threat(load("cifar10-paper", {"attack.steps": 2}))
    seen = int(net.groups[0][0].residual.norm1.num_batches_tracked)
    found = published.attack(net, x, y, x, scale, threat)
    assert all(parameter.grad is not None for parameter in net.parameters())
    assert int(net.groups[0][0].residual.norm1.num_batches_tracked) == seen + 2 * 3  # three calls of F a step
    assert float((found - x).abs().max()) <= float(threat.eps) + 1e-6


def test_both_loaders_give_windows_of_the_same_images():
    """Without crops and flips the batches are equal; with them theirs have their shapes and constants."""
    pixels = torch.randint(256, (8, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(8)
    plain = published.Images(pixels, labels, [0.0] * 3, [1.0] * 3, crop=False)
    x, y = next(published.batches(plain, 8))
    assert torch.equal(x, benchmark.unit(pixels[y]))
    cropped = published.Images(pixels, labels, benchmark.MEAN, benchmark.STD, crop=True)
    x, y = next(published.batches(cropped, 8))
    assert (x.shape, x.dtype, sorted(y.tolist())) == ((8, 3, 32, 32), torch.float32, list(range(8)))


def test_every_part_has_its_rows(capsys):
    """All of it, tiny, in the order of the table; floors are named and no figure is missing."""
    benchmark.main(["--quick", "--json", "--system-malloc", "--parts", "loader,adversarial,noise,profile"])
    found = json.loads(capsys.readouterr().out)
    rows = {row["what"]: row for row in found["rows"]}
    assert rows["loader: whole batches"]["floor"] == benchmark.LOADER
    for scheme, floor in benchmark.ADVERSARIAL.items():
        assert rows[f"adversarial: PGD-7 step, {scheme}, N = 1"]["floor"] == floor
        shares = [row["value"] for name, row in rows.items() if name.startswith(f"profile: {scheme}: ")]
        assert sum(shares) == pytest.approx(100)
    assert sum(name.startswith("noise: ") for name in rows) == 6
    assert all(row["value"] > 0 for row in rows.values())


def test_memory_is_counted_and_measured(monkeypatch):
    """Kept: three calls of F in the published ark, two in ours, half of that where normalisation is computed again."""
    monkeypatch.setattr(benchmark, "ADVERSARIAL", {"ark": 2.2})
    monkeypatch.setattr(
        benchmark, "peak", lambda options, scheme, contender: {"published": 4.0, "full": 3.0}.get(contender, 2.0)
    )
    options = benchmark.parse(["--quick"])
    options.batch = 8
    rows = {row.what: row.value for row in benchmark.memory(options)}
    assert rows["kept, ark, memory norm"] < 0.8 * rows["kept, ark, memory full"] < 0.8 * 0.8
    assert (rows["resident, ark, memory full"], rows["resident, ark, memory norm"]) == (0.75, 0.5)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is read")
def test_a_step_in_a_process_of_its_own():
    options = benchmark.parse(["--quick"])
    assert benchmark.peak(options, "euler", "norm") > 0


def test_networks_at_once_and_their_share(monkeypatch):
    """Each round of processes that start together is over when the last has made its steps."""
    options = benchmark.parse(["--quick"])
    assert all(seconds > 0 for seconds in benchmark.side_by_side(options, "euler", 2))
    monkeypatch.setattr(benchmark, "side_by_side", lambda options, scheme, count: [1.0 if count == 1 else 1.25] * 3)
    assert [row.value for row in benchmark.together(options)] == [1.6, 1.6]


def test_without_a_gpu_it_says_so(capsys):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(SystemExit):
        benchmark.parse(["--device", "cuda"])
    assert "no GPU" in capsys.readouterr().err
