"""TRADES and MART: against the formulas written out example by example, and in their limits."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from rkblocks.training import losses

torch.set_num_threads(1)


def number(value: Tensor) -> float:
    return value.detach().item()


def batch(seed: int, n: int = 5, classes: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    clean, adversarial = (3 * torch.randn(n, classes, generator=generator, dtype=torch.float64) for _ in range(2))
    return clean.requires_grad_(), adversarial.requires_grad_(), torch.randint(classes, (n,), generator=generator)


def probabilities(row: Tensor) -> list[Tensor]:
    total = sum(torch.exp(entry) for entry in row)
    return [torch.exp(entry) / total for entry in row]


def plain_kl(p: list[Tensor], q: list[Tensor]) -> Tensor:
    return sum((a * (torch.log(a) - torch.log(b)) for a, b in zip(p, q, strict=True)), torch.zeros(()))


def plain_trades(clean: Tensor, adversarial: Tensor, labels: Tensor, beta: float) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for c, a, y in zip(clean, adversarial, labels.tolist(), strict=True):
        p, q = probabilities(c), probabilities(a)
        total = total - torch.log(p[y]) + beta * plain_kl(p, q)
    return total / len(labels)


def plain_mart(clean: Tensor, adversarial: Tensor, labels: Tensor, beta: float) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for c, a, y in zip(clean, adversarial, labels.tolist(), strict=True):
        p, q = probabilities(c), probabilities(a)
        hardest = max((q[k] for k in range(len(q)) if k != y), key=number)
        total = total - torch.log(q[y]) - torch.log(1 - hardest) + beta * plain_kl(p, q) * (1 - p[y])
    return total / len(labels)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("beta", [0.0, 1.0, 6.0])
@pytest.mark.parametrize(
    ("function", "plain"), [(losses.trades, plain_trades), (losses.mart, plain_mart)], ids=["trades", "mart"]
)
def test_values_and_gradients_are_those_of_the_formula(function, plain, beta, seed):
    clean, adversarial, labels = batch(seed)
    found, expected = function(clean, adversarial, labels, beta), plain(clean, adversarial, labels, beta)
    assert number(found) == pytest.approx(number(expected), rel=1e-12)
    inputs = (clean, adversarial)
    mine = torch.autograd.grad(found, inputs, allow_unused=True, materialize_grads=True)
    theirs = torch.autograd.grad(expected, inputs, allow_unused=True, materialize_grads=True)
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("function", [losses.trades, losses.mart])
def test_gradients_by_differences(function):
    clean, adversarial, labels = batch(7)
    assert torch.autograd.gradcheck(lambda c, a: function(c, a, labels, 2.5), (clean, adversarial))


def test_trades_without_its_divergence_is_clean_cross_entropy():
    clean, adversarial, labels = batch(1)
    assert number(losses.trades(clean, adversarial, labels, 0.0)) == number(functional.cross_entropy(clean, labels))
    same = losses.trades(clean, clean, labels, 6.0)
    assert number(same) == pytest.approx(number(functional.cross_entropy(clean, labels)), rel=1e-14)


def test_mart_without_its_divergence_is_boosted_cross_entropy():
    _, adversarial, labels = batch(2)
    found = losses.mart(torch.zeros_like(adversarial), adversarial, labels, 0.0)
    rest = adversarial.softmax(1).scatter(1, labels[:, None], 0).amax(1)
    expected = functional.cross_entropy(adversarial, labels) - torch.log(1 - rest).mean()
    assert number(found) == pytest.approx(number(expected), rel=1e-12)
    two = torch.tensor([[0.3, -0.4]], dtype=torch.float64)  # with two classes both terms are the cross-entropy
    assert number(losses.mart(two, two, torch.tensor([1]), 5.0)) == pytest.approx(
        2 * number(functional.cross_entropy(two, torch.tensor([1])))
    )


def test_mart_ignores_the_divergence_where_the_clean_image_is_sure():
    sure = torch.tensor([[200.0, 0.0, 0.0]], dtype=torch.float64)
    _, adversarial, _ = batch(3, n=1, classes=3)
    labels = torch.tensor([0])
    assert number(losses.mart(sure, adversarial, labels, 5.0)) == pytest.approx(
        number(losses.mart(sure, adversarial, labels, 0.0)), rel=1e-14
    )


@pytest.mark.parametrize("function", [losses.trades, losses.mart])
def test_extreme_logits_stay_finite(function):
    clean = torch.tensor([[90.0, -90.0, 0.0]], requires_grad=True)
    adversarial = torch.tensor([[-90.0, 90.0, 0.0]], requires_grad=True)
    loss = function(clean, adversarial, torch.tensor([0]), 6.0)
    loss.backward()
    assert math.isfinite(number(loss))
    assert bool(clean.grad.isfinite().all())
    assert bool(adversarial.grad.isfinite().all())
