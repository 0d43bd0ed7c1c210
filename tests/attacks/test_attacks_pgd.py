"""PGD and FGSM: equal to foolbox bit for bit, optimal where the optimum is known, monotone, and independent of
batches.
"""

import warnings

import pytest
import torch
from torch import nn

from rkblocks import attacks
from rkblocks.attacks import ATTACKS, ExampleStreams, Threat

with warnings.catch_warnings():  # foolbox imports from a deprecated place of scipy
    warnings.simplefilter("ignore", DeprecationWarning)
    import foolbox

torch.set_num_threads(1)


def small_net(seed=0, dtype=torch.float32):
    torch.manual_seed(seed)
    layers = [
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(288, 5),
    ]
    return nn.Sequential(*layers).to(dtype).eval()


def images(n=40, seed=1, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, 1, 8, 8, generator=generator, dtype=dtype), torch.randint(0, 5, (n,), generator=generator)


@pytest.mark.parametrize(("norm", "eps", "step"), [("linf", "0.1", "0.02"), ("l2", "1.5", "0.4")])
def test_pgd_is_foolbox(norm, eps, step):
    """For linf bit for bit; for l2 foolbox takes its norms as powers of sums, which round differently."""
    model, (x, y) = small_net(), images()
    threat = Threat(norm, eps, steps=20, step=step, random_start=False)
    reference = {"linf": foolbox.attacks.LinfPGD, "l2": foolbox.attacks.L2PGD}[norm]
    oracle = reference(abs_stepsize=float(threat.step), steps=20, random_start=False)
    expected = oracle.run(foolbox.PyTorchModel(model, bounds=(0, 1)), x, y, epsilon=float(threat.eps))
    assert not torch.equal(expected, x)
    found = attacks.pgd(model, x, y, threat)
    assert torch.equal(found, expected) if norm == "linf" else torch.allclose(found, expected, atol=1e-5)


def test_fgsm_is_bit_for_bit_foolbox():
    model, (x, y) = small_net(), images()
    threat = Threat("linf", "8/255")
    oracle = foolbox.attacks.LinfFastGradientAttack()
    expected = oracle.run(foolbox.PyTorchModel(model, bounds=(0, 1)), x, y, epsilon=float(threat.eps))
    assert torch.equal(attacks.fgsm(model, x, y, threat), expected)


def linear(dimension, seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(dimension, 2, dtype=torch.float64))


@pytest.mark.parametrize("loss", ["ce", "margin"])
@pytest.mark.parametrize("random_start", [True, False])
@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2), ("l1", float("inf"))])
def test_pgd_reaches_the_closed_form_optimum_of_a_linear_model(norm, dual, random_start, loss):
    """On logits W x + b of two classes, in a ball inside the box, it is margin(x) + eps |w1 - w0|_dual."""
    model = linear(64, seed=4)
    x = torch.full((6, 1, 8, 8), 0.5, dtype=torch.float64)
    y = torch.tensor([0, 1, 0, 1, 0, 1])
    threat = Threat(norm, "0.3", steps=200, step="0.02", random_start=random_start, loss=loss)
    x_adv = attacks.pgd(model, x, y, threat, ExampleStreams.of(0, range(6)))
    gap = model[1].weight[1] - model[1].weight[0]
    sign = 1.0 - 2.0 * y
    margin = sign * (model(x_adv) @ torch.tensor([-1.0, 1.0], dtype=torch.float64))
    before = sign * (model(x) @ torch.tensor([-1.0, 1.0], dtype=torch.float64))
    best = before + 0.3 * torch.linalg.vector_norm(gap, ord=dual)
    assert torch.allclose(margin, best, rtol=1e-9)


def test_the_box_holds_in_the_closed_form_too():
    """With the box in the way the linf optimum moves every pixel to clamp(x + eps sign)."""
    model = linear(64, seed=4)
    x = torch.rand(5, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    y = torch.zeros(5, dtype=torch.long)
    x_adv = attacks.pgd(model, x, y, Threat("linf", "0.4", steps=40, step="0.05"))
    gap = (model[1].weight[1] - model[1].weight[0]).reshape(1, 1, 8, 8)
    assert torch.allclose(x_adv, (x + 0.4 * gap.sign()).clamp(0, 1))


def test_the_margin_loss_breaks_a_model_with_saturated_logits():
    """Logits scaled by 1e4 leave no float32 cross-entropy gradient for correct examples; margin and dlr do not care."""

    class Scaled(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return self.inner(x) * 1e4

    honest, (x, _) = small_net(), images()
    y = honest(x).argmax(1)
    model = Scaled(honest)
    accuracy = {}
    for loss in ("ce", "margin", "dlr"):
        x_adv = attacks.pgd(model, x, y, Threat("linf", "0.1", steps=20, step="0.02", random_start=False, loss=loss))
        accuracy[loss] = float((model(x_adv).argmax(1) == y).float().mean())
    assert accuracy["margin"] < accuracy["ce"]
    assert accuracy["dlr"] < accuracy["ce"]


def test_any_iterate_is_never_weaker_than_final():
    model, (x, _) = small_net(), images(200)
    y = model(x).argmax(1)
    threat = Threat("linf", "0.03", steps=10, step="0.03", random_start=False)
    final = model(attacks.pgd(model, x, y, threat)).argmax(1) == y
    kept = model(attacks.pgd(model, x, y, threat, definition="any")).argmax(1) == y
    assert 0 < int(kept.sum()) < 200
    assert bool((final | ~kept).all())  # whatever survives 'any' survives 'final'


def test_any_iterate_returns_the_first_broken_one():
    """Against a plain loop that looks at every iterate of every example."""
    model, (x, _) = small_net(dtype=torch.float64), images(60, dtype=torch.float64)
    y = model(x).argmax(1)
    threat = Threat("linf", "0.05", steps=8, step="0.02", random_start=False)
    expected, seen, point = x.clone(), torch.zeros(60, dtype=torch.bool), x
    for _ in range(threat.steps + 1):
        fresh = (model(point).argmax(1) != y) & ~seen
        expected[fresh] = point[fresh]
        seen |= fresh
        expected[~seen] = point[~seen]
        leaf = point.detach().requires_grad_(True)
        (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(model(leaf), y, reduction="sum"), leaf)
        point = (x + (point + 0.02 * gradient.sign() - x).clamp(-0.05, 0.05)).clamp(0, 1)
    found = attacks.pgd(model, x, y, threat, definition="any")
    assert 0 < int(seen.sum()) < 60
    assert torch.equal(found, expected)


def test_more_restarts_never_help_the_defender():
    model, (x, _) = small_net(), images(150)
    y = model(x).argmax(1)
    streams = ExampleStreams.of(3, range(150))
    for definition in ("final", "any"):
        survivors = []
        for restarts in (1, 4):
            threat = Threat("linf", "0.03", steps=3, step="0.015", restarts=restarts)
            x_adv = attacks.pgd(model, x, y, threat, streams, definition=definition)
            survivors.append(model(x_adv).argmax(1) == y)
        assert bool((survivors[0] | ~survivors[1]).all())
        assert int(survivors[1].sum()) < int(survivors[0].sum())


@pytest.mark.parametrize("definition", ["final", "any"])
@pytest.mark.parametrize(
    ("name", "norm"),
    [(name, norm) for name, attack in sorted(ATTACKS.items()) if attack.per_example for norm in attack.norms],
)
def test_results_do_not_depend_on_the_batch_size(name, norm, definition):
    model, (x, _) = small_net(dtype=torch.float64), images(30, dtype=torch.float64)
    y = model(x).argmax(1)
    streams, transfers = ExampleStreams.of(11, range(30)), ATTACKS[name].transfers
    eps, step = {"linf": ("0.05", "0.02"), "l2": ("0.3", "0.1"), "l1": ("1", "0.3")}[norm]
    threat = Threat(norm, eps, steps=5, step=step, restarts=2, queries=20, source="a" if transfers else None)
    source = {"source": small_net(seed=5, dtype=torch.float64)} if transfers else {}
    whole = attacks.run(name, model, x, y, threat, streams, definition=definition, **source)
    assert not torch.equal(whole, x)
    for size in (1, 7):
        parts = [
            attacks.run(name, model, x[rows], y[rows], threat, streams.select(rows), definition=definition, **source)
            for rows in torch.arange(30).split(size)
        ]
        exact = norm == "linf" and name != "deepfool"  # norms, and the length of a step of DeepFool, are rounded sums
        assert (torch.cat(parts) - whole).abs().max() <= (0 if exact else 1e-12)


def test_the_observer_sees_every_iterate():
    model, (x, _) = small_net(), images(20)
    y = model(x).argmax(1)
    seen = []
    threat = Threat("linf", "0.02", steps=4, step="0.01")
    attacks.run(
        "pgd",
        model,
        x,
        y,
        threat,
        observe=lambda restart, step, rows, logits: seen.append((restart, step, len(rows), len(logits))),
    )
    assert seen == [(0, step, 20, 20) for step in range(5)]


def test_passes_are_counted_exactly():
    """With one restart and the final iterate: `steps` forward passes, not one more (it is what training pays for)."""
    model, (x, y) = small_net(), images(8)
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    attacks.pgd(model, x, y, Threat("linf", "0.1", steps=7, step="0.02"))
    assert len(calls) == 7
