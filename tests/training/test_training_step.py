"""Steps of training, each against a straightforward rendering in float64, and in the limits where methods meet."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from rkblocks import nets
from rkblocks.attacks.projection import eight_bit
from rkblocks.training import load
from rkblocks.training.examples import examples
from rkblocks.training.optimizers import optimizer
from rkblocks.training.seeds import epoch_streams
from rkblocks.training.step import PERTURBATION, naming_failures, training_step

torch.set_num_threads(1)

EPS, STEPS, STEP = 0.1, 3, 0.04
SETTINGS = {"attack.eps": "1/10", "attack.steps": STEPS, "attack.step": "1/25", "optimizer.lr": 0.05}


def parts(batches: int = 1, norm: str = "batch") -> tuple[nn.Module, list[tuple[Tensor, Tensor]]]:
    """A small network in float64 and 8-bit images for it."""
    generator = torch.Generator().manual_seed(0)
    net = nets.grouped("ssp2", 1, widths=(4,), channels=1, classes=3, norm=norm, generator=generator).double()
    return net, [
        (
            torch.randint(256, (6, 1, 8, 8), generator=generator).double() / 255,
            torch.randint(3, (6,), generator=generator),
        )
        for _ in range(batches)
    ]


def moved(net: nn.Module, batches: list[tuple[Tensor, Tensor]], carried: dict | None = None, **settings):
    """The sums of the last step, and the state of a copy of the network after steps on the batches."""
    net = copy.deepcopy(net)
    config = load("digits", SETTINGS | {name.replace("__", "."): value for name, value in settings.items()})
    step = training_step(
        config, net, optimizer(config.optimizer, net), epoch_streams(0, 0, "cpu"), {} if carried is None else carried
    )
    with naming_failures(config):
        for x, y in batches:
            outcome = step(x, y)
    return outcome, net.state_dict()


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor], exact: bool = False) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        if exact:
            assert torch.equal(value, other[name]), name
        else:
            torch.testing.assert_close(value, other[name], rtol=1e-9, atol=1e-11, msg=name)


def sgd(net: nn.Module) -> torch.optim.Optimizer:
    coefficients = {id(p) for name, p in net.named_parameters() if ".raw." in name}
    assert not coefficients  # ssp2 has none
    return torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)


def clip(x: Tensor, point: Tensor) -> Tensor:
    return torch.minimum(torch.maximum(point, x - EPS), x + EPS).clamp(0, 1)


def slope(net: nn.Module, point: Tensor, loss) -> Tensor:
    point = point.detach().requires_grad_()
    return torch.autograd.grad(loss(net(point)), point)[0].sign()


def plain_trades(net: nn.Module, x: Tensor, y: Tensor, beta: float) -> None:
    """One step as the authors write it, with the noise of our stream."""
    trainer = sgd(net)
    net.eval()
    p = net(x).softmax(1).detach()
    point = x + 0.001 * torch.randn(x.shape, generator=epoch_streams(0, 0, "cpu")["attack"], dtype=x.dtype)
    point = point.clamp(0, 1)
    for _ in range(STEPS):
        rise = slope(net, point, lambda logits: functional.kl_div(logits.log_softmax(1), p, reduction="sum"))
        point = clip(x, point + STEP * rise)
    net.train()
    clean = net(x)
    robust = functional.kl_div(net(point).log_softmax(1), clean.softmax(1), reduction="sum") / len(x)
    trainer.zero_grad()
    (functional.cross_entropy(clean, y) + beta * robust).backward()
    trainer.step()


def plain_mart(net: nn.Module, x: Tensor, y: Tensor, beta: float) -> None:
    trainer = sgd(net)
    net.eval()
    noise = torch.rand(x.shape, generator=epoch_streams(0, 0, "cpu")["attack"], dtype=x.dtype) * 2 - 1
    point = (x + EPS * noise).clamp(0, 1)
    for _ in range(STEPS):
        point = clip(x, point + STEP * slope(net, point, lambda logits: functional.cross_entropy(logits, y)))
    net.train()
    p, q = net(x).softmax(1), net(point).softmax(1)
    rows = torch.arange(len(y))
    order = q.argsort(1)
    other = torch.where(order[:, -1] == y, order[:, -2], order[:, -1])
    boosted = -torch.log(q[rows, y]) - torch.log(1 - q[rows, other])
    weighted = (p * (p / q).log()).sum(1) * (1 - p[rows, y])
    trainer.zero_grad()
    (boosted + beta * weighted).mean().backward()
    trainer.step()


@pytest.mark.parametrize(("loss", "plain"), [("trades", plain_trades), ("mart", plain_mart)])
def test_a_step_of_trades_and_of_mart(loss, plain):
    net, batches = parts()
    _, found = moved(net, batches, training__loss=loss, training__beta=3.0)
    plain(net, *batches[0], beta=3.0)
    assert_same(found, net.state_dict())


def test_a_step_of_single_step_training():
    """Wong et al. 2020, algorithm 3: random start, one step of alpha = 1.25 eps, clipped to the ball."""
    net, batches = parts()
    (x, y) = batches[0]
    _, found = moved(net, batches, training__method="single-step")
    noise = torch.rand(x.shape, generator=epoch_streams(0, 0, "cpu")["attack"], dtype=x.dtype) * 2 - 1
    point = (x + EPS * noise).clamp(0, 1)
    net.eval()
    point = clip(x, point + 1.25 * EPS * slope(net, point, lambda logits: functional.cross_entropy(logits, y)))
    net.train()
    trainer = sgd(net)
    functional.cross_entropy(net(point), y).backward()
    trainer.step()
    assert_same(found, net.state_dict())


def test_free_training_moves_weights_and_perturbation_by_the_same_gradient():
    """Shafahi et al. 2019, algorithm 1, two batches: the perturbation goes from replay to replay and batch to batch."""
    net, batches = parts(2)
    carried: dict[str, Tensor] = {}
    outcome, found = moved(net, batches, carried, training__method="free", free__replays=3)
    trainer, change = sgd(net.train()), torch.zeros(6, 1, 8, 8, dtype=torch.float64)
    right = 0
    for x, y in batches:
        right = 0
        for _ in range(3):
            change = change.detach().requires_grad_()
            trainer.zero_grad()
            logits = net((x + change).clamp(0, 1))
            functional.cross_entropy(logits, y).backward()
            change = (change + EPS * change.grad.sign()).clamp(-EPS, EPS)
            trainer.step()
            right += int((logits.argmax(1) == y).sum())
    assert_same(found, net.state_dict())
    assert torch.equal(carried[PERTURBATION], change.detach())
    assert (outcome.seen, int(outcome.sums[1])) == (18, right)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_the_perturbation_of_free_training_stays_in_its_ball(norm):
    net, batches = parts(2)
    carried: dict[str, Tensor] = {}
    moved(net, batches, carried, training__method="free", free__replays=3, attack__norm=norm, attack__eps="1/2")
    length = carried[PERTURBATION].flatten(1).norm(p={"linf": float("inf"), "l2": 2, "l1": 1}[norm], dim=1)
    assert bool((length <= 0.5 + 1e-9).all())
    assert bool((length > 0.1).all())


@pytest.mark.parametrize(
    "limit",
    [
        {"training__method": "single-step", "attack__eps": 0},
        {"training__method": "free", "free__replays": 1, "attack__eps": 0},
        {"training__method": "free", "free__replays": 1, "free__alpha": 0},
        {"training__method": "adversarial", "attack__eps": 0},
    ],
    ids=str,
)
def test_without_a_ball_or_a_step_all_methods_are_standard_training(limit):
    net, batches = parts(2)
    _, expected = moved(net, batches, training__method="standard")
    _, found = moved(net, batches, **limit)
    assert_same(found, expected, exact=True)


def test_trades_without_its_divergence_is_standard_training():
    """With group norm: the second forward pass moves no running statistics."""
    net, batches = parts(2, norm="group")
    _, expected = moved(net, batches, training__method="standard")
    _, found = moved(net, batches, training__loss="trades", training__beta=0.0)
    assert_same(found, expected)


def test_one_step_of_single_step_is_pgd_of_one_step():
    net, batches = parts(2)
    _, expected = moved(net, batches, attack__steps=1, attack__step="1/8")
    _, found = moved(net, batches, training__method="single-step")
    assert_same(found, expected, exact=True)


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_rounded_examples_are_eight_bit_images_in_the_ball(mode):
    net, ((x, y),) = parts()
    config = load(
        "digits", {"attack.rounded": True, "attack.eps": "8/255", "attack.step": "3/255", "attack.mode": mode}
    )
    shown, _ = examples(config, epoch_streams(0, 0, "cpu"))(net.train(), x, y)
    assert torch.equal(shown, eight_bit(shown))
    levels = ((shown - x) * 255).round()
    assert float(levels.abs().max()) == 8
    assert len(levels.unique()) > 3
    tracked = [value for name, value in net.state_dict().items() if name.endswith("num_batches_tracked")]
    assert all(bool((count == (5 if mode == "train" else 0)).all()) for count in tracked)
    assert net.training


def test_examples_of_trades_raise_the_divergence():
    net, ((x, y),) = parts()
    net.eval()
    shown, _ = examples(load("digits", SETTINGS | {"training.loss": "trades"}), epoch_streams(0, 0, "cpu"))(net, x, y)
    near = x + 0.001
    clean = net(x).softmax(1)
    far, start = (
        functional.kl_div(net(point).log_softmax(1), clean, reduction="none").sum(1) for point in (shown, near)
    )
    assert bool((far > 10 * start).all())
    assert float((shown - x).abs().max()) <= EPS + 1e-12


@pytest.mark.parametrize(
    "settings", [{}, {"training__loss": "trades"}, {"attack__eps": "26/255", "attack__rounded": True}]
)
def test_folding_changes_nothing_but_rounding(settings):
    """attack.fold, in float64: the examples are the same, so weights and statistics are, however the attack works."""
    net, batches = parts(3)
    settings = {"training__method": "adversarial"} | settings
    _, expected = moved(net, batches, **settings)
    _, found = moved(net, batches, **settings, attack__fold=True)
    assert_same(found, expected)


def test_folding_has_no_part_in_train_mode():
    net, batches = parts(2)
    settings = {"training__method": "adversarial", "attack__mode": "train"}
    assert_same(moved(net, batches, **settings, attack__fold=True)[1], moved(net, batches, **settings)[1], exact=True)
