"""APGD, Square and AutoAttack beside the reference implementation, on one small network and the same budget.

A network trained on digits for a few seconds; compared is how many of 100 images each breaks, on average over seeds.
Over six seeds the counts of one method scatter by two to five, so that means of two or three may differ by three.
"""

import sys
import warnings
from statistics import mean

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rkblocks import attacks
from rkblocks.attacks import Counter, ExampleStreams, Threat

pytest.importorskip("sklearn")
pyautoattack = pytest.importorskip("pyautoattack")
torch.set_num_threads(1)
SLACK = 3


@pytest.fixture(scope="module")
def task():
    """A small convolutional net, trained on noisy digits, and 100 digits that it gets right."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x, y = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16, torch.tensor(digits.target)
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 16, 3, stride=2), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(144, 10))
    optimizer = torch.optim.Adam(model.parameters(), 4e-3)
    for _ in range(250):
        rows = torch.randint(0, 1200, (64,))
        noisy = (x[rows] + 0.15 * torch.randn(x[rows].shape).sign()).clamp(0, 1)
        optimizer.zero_grad()
        F.cross_entropy(model(noisy), y[rows]).backward()
        optimizer.step()
    model.eval()
    x, y = x[1200:], y[1200:]
    right = torch.nonzero(model(x).argmax(1) == y)[:100, 0]
    return model, x[right], y[right]


def reference(model, x, y, norm, eps, name, seed, steps=None, queries=None):
    """Whether the reference breaks each image."""
    from pyautoattack.autopgd_base import APGDAttack, APGDAttack_targeted
    from pyautoattack.square import SquareAttack

    wider = {"use_largereps": norm == "l1"}  # as the standard AutoAttack has it
    norm = {"linf": "Linf", "l2": "L2", "l1": "L1"}[norm]
    if name == "square":
        attack = SquareAttack(model, norm=norm, n_queries=queries, eps=eps, seed=seed, device="cpu")
    elif name == "targeted":
        settings = {"n_iter": steps, "eps": eps, "seed": seed, "device": "cpu"}
        attack = APGDAttack_targeted(model, norm=norm, n_target_classes=3, **settings, **wider)
    else:
        attack = APGDAttack(model, norm=norm, n_iter=steps, eps=eps, seed=seed, device="cpu", loss=name, **wider)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*zero gradient")  # far out, in l1's larger balls
        return model(attack.perturb(x.clone(), y.clone())).argmax(1) != y


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.12), ("l2", 0.6), ("l1", 1.5)])
@pytest.mark.parametrize("name", ["ce", "dlr", "targeted"])
def test_apgd_is_no_weaker_than_the_reference(task, name, norm, eps):
    model, x, y = task
    expected = [int(reference(model, x, y, norm, eps, name, seed, steps=25).sum()) for seed in range(2)]
    targets = {"loss": "dlr", "targets": 3} if name == "targeted" else {"loss": name}
    threat = Threat(norm, eps, steps=25, **targets)
    broken = []
    for seed in range(2):
        found = attacks.run("apgd", model, x, y, threat, ExampleStreams.of(seed, range(100)), definition="any")
        broken.append(int((model(found).argmax(1) != y).sum()))
    assert min(expected) >= 15  # neither hopeless
    assert max(expected) <= 90  # nor trivial
    assert mean(broken) >= mean(expected) - SLACK


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.2), ("l2", 1.0), ("l1", 3.0)])
def test_square_is_no_weaker_than_the_reference(task, norm, eps):
    model, x, y = task
    expected = [int(reference(model, x, y, norm, eps, "square", seed, queries=150).sum()) for seed in range(3)]
    threat, found = Threat(norm, eps, queries=150), []
    for seed in range(3):
        counter, streams = Counter(100), ExampleStreams.of(seed, range(100))
        broken = model(attacks.run("square", model, x, y, threat, streams, observe=counter)).argmax(1) != y
        found.append(int(broken.sum()))
        assert bool((counter.counts[~broken] == 150).all())
        assert bool((counter.counts <= 150).all())
        assert float(counter.counts[broken].float().mean()) < 75
    assert min(expected) >= 15
    assert max(expected) <= 90
    assert mean(found) >= mean(expected) - SLACK


def test_autoattack_leaves_no_more_than_its_parts(task):
    model, x, y = (part[:40] if isinstance(part, torch.Tensor) else part for part in task)
    threat = Threat("linf", 0.25)
    state, tracer = torch.get_rng_state(), sys.gettrace()
    x_adv = attacks.run("autoattack", model, x, y, threat, ExampleStreams.of(0, range(40)))
    assert torch.equal(torch.get_rng_state(), state)
    assert sys.gettrace() is tracer
    held = model(x_adv).argmax(1) == y
    part = attacks.run("apgd", model, x, y, Threat("linf", 0.25, steps=100), definition="any")
    assert int(held.sum()) <= int((model(part).argmax(1) == y).sum()) + 1
    assert torch.equal(x_adv[held], x[held])
    again = attacks.run("autoattack", model, x, y, threat, ExampleStreams.of(0, range(40)))
    assert torch.equal(again, x_adv)
