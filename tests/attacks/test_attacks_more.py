"""Momentum, targets, APGD, Square and transfer against closed forms on linear models and against their definitions."""

import pytest
import torch
from torch import nn

from rkblocks import attacks
from rkblocks.attacks import Counter, ExampleStreams, Threat
from rkblocks.attacks.apgd import Halving, Sparse, climbs
from rkblocks.attacks.losses import targeted_dlr
from rkblocks.attacks.patches import bump, patch_side
from rkblocks.attacks.streams import SharedStream
from rkblocks.attacks.trials import Problem, goals
from rkblocks.diagnostics import RkblocksError

torch.set_num_threads(1)
DUAL = {"linf": 1, "l2": 2, "l1": float("inf")}


def linear(classes=2, seed=4):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes, dtype=torch.float64))


def problem(model, x, y, threat):
    return Problem(model, x, y, threat, SharedStream())


def grey(n=6):
    """Images in the middle of the box, so that a ball of radius 0.3 lies inside."""
    return torch.full((n, 1, 8, 8), 0.5, dtype=torch.float64)


@pytest.mark.parametrize(
    ("name", "norm"),
    [("momentum", "linf"), ("momentum", "l2"), ("apgd", "linf"), ("apgd", "l2"), ("apgd", "l1"), ("targeted", "l1")],
)
@pytest.mark.parametrize("random_start", [True, False])
def test_the_closed_form_optimum_of_a_linear_model_is_reached(name, norm, random_start):
    """With two classes the margin can rise by eps |w1 - w0|_dual, and no more."""
    model, x, y = linear(), grey(), torch.tensor([0, 1, 0, 1, 0, 1])
    threat = Threat(norm, "0.3", steps=200, step="0.02", random_start=random_start, loss="margin")
    x_adv = attacks.run(name, model, x, y, threat, ExampleStreams.of(0, range(6)))
    sign = (1.0 - 2.0 * y) * 1.0
    difference = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    gap = torch.linalg.vector_norm(model[1].weight[1] - model[1].weight[0], ord=DUAL[norm])
    best = sign * (model(x) @ difference) + 0.3 * gap
    assert torch.allclose(sign * (model(x_adv) @ difference), best, rtol=1e-9)


def test_square_reaches_most_of_the_optimum_of_a_linear_model():
    model, x, y = linear(), grey(), torch.tensor([0, 1, 0, 1, 0, 1])
    confident = 100 * torch.tensor([1.0, 0.0], dtype=torch.float64)  # never broken, so that it searches to the end

    class Shifted(nn.Module):
        def forward(self, z):
            return model(z) + torch.where(y[:, None] == 0, confident, confident.flip(0))

    for norm, share in (("linf", 0.7), ("l2", 0.4), ("l1", 0.4)):
        threat = Threat(norm, "0.3", queries=400)
        x_adv = attacks.run("square", Shifted(), x, y, threat, ExampleStreams.of(0, range(6)))
        sign, difference = 1.0 - 2.0 * y, torch.tensor([-1.0, 1.0], dtype=torch.float64)
        gap = torch.linalg.vector_norm(model[1].weight[1] - model[1].weight[0], ord=DUAL[norm])
        rise = sign * ((model(x_adv) - model(x)) @ difference)
        assert bool((rise > share * 0.3 * gap).all())
        assert bool((rise <= 0.3 * gap * (1 + 1e-9)).all())


def test_momentum_without_decay_is_pgd_bit_for_bit():
    model, x, y = linear(5), torch.rand(9, 1, 8, 8, dtype=torch.float64), torch.arange(9) % 5
    threat = Threat("linf", "0.1", steps=6, step="0.03", random_start=False)
    plain = attacks.pgd(model, x, y, threat)
    assert torch.equal(attacks.run("momentum", model, x, y, Threat(**_fields(threat), decay=0)), plain)


def _fields(threat):
    return {name: getattr(threat, name) for name in ("norm", "eps", "steps", "step", "random_start")}


def test_momentum_follows_the_sum_of_normed_gradients():
    """Against algorithm 1 of the paper as a plain loop."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 5)).double()
    x, y = torch.rand(9, 1, 8, 8, dtype=torch.float64), torch.arange(9) % 5
    point, total = x, torch.zeros_like(x)
    for _ in range(6):
        leaf = point.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(nn.functional.cross_entropy(model(leaf), y, reduction="sum"), leaf)
        total = 0.9 * total + gradient / gradient.abs().sum((1, 2, 3), keepdim=True)
        point = (x + (point + 0.03 * total.sign() - x).clamp(-0.1, 0.1)).clamp(0, 1)
    threat = Threat("linf", "0.1", steps=6, step="0.03", random_start=False, decay="0.9")
    assert torch.equal(attacks.run("momentum", model, x, y, threat), point)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
@pytest.mark.parametrize("loss", ["ce", "margin", "dlr"])
def test_a_targeted_search_reaches_its_target_on_a_linear_model(norm, loss):
    model, x, y = linear(10), grey(10), torch.arange(10)
    wide = {"linf": "0.3", "l2": "3", "l1": "24"}[norm]
    threat = Threat(norm, wide, steps=60, loss=loss, targets="least-likely", random_start=False)
    (goal,) = goals(problem(model, x, y, threat))
    assert not bool((goal[:, 1] == y).any())
    logits = model(attacks.run("targeted", model, x, y, threat))
    if loss == "dlr":  # which compares the target with the label alone
        assert bool((logits.gather(1, goal[:, 1:]) > logits.gather(1, goal[:, :1])).all())
    else:
        assert torch.equal(logits.argmax(1), goal[:, 1])


def test_targets_are_the_wrong_classes_in_order_of_their_logits():
    model, x, y = linear(5), torch.rand(7, 1, 8, 8, dtype=torch.float64), torch.arange(7) % 5
    for row, logits in enumerate(model(x)):
        order = [k for k in logits.argsort(descending=True).tolist() if k != int(y[row])]
        for count in (1, 3, 4, 9):
            found = [int(goal[row, 1]) for goal in goals(problem(model, x, y, Threat(targets=count)))]
            assert found == order[:count]
        assert int(goals(problem(model, x, y, Threat(targets="least-likely")))[0][row, 1]) == order[-1]


def test_the_targeted_dlr_is_equation_7():
    logits, goal = torch.tensor([[4.0, 1.0, 3.0, 0.0]]), torch.tensor([[2, 1]])
    assert float(targeted_dlr(logits, goal)) == pytest.approx(-(3.0 - 1.0) / (4.0 - (1.0 + 0.0) / 2))
    with pytest.raises(RkblocksError, match="four classes"):
        targeted_dlr(logits[:, :3], goal)


def test_checkpoints_are_those_of_the_paper():
    """p = 0, 0.22, then p + max(p - previous - 0.03, 0.06), as steps out of 100."""
    assert Halving.checkpoints(100) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert Halving.checkpoints(1) == [1]


def test_apgd_in_l1_looks_at_every_25th_part_of_its_steps():
    assert Sparse.checkpoints(100) == list(range(4, 101, 4))
    assert Sparse.checkpoints(2) == [1, 2]


def test_apgd_in_l1_climbs_in_larger_balls_first():
    """With 3, 2 and 1 eps and 30, 30 and 40 % of the steps, in no more steps than it was given."""
    found = [(part.eps, part.step, part.steps) for part in climbs(Threat("l1", 2, steps=25))]
    assert found == [(6, 6, 7), (4, 4, 7), (2, 2, 11)]
    assert [part.steps for part in climbs(Threat("l1", 2, steps=3))] == [3]
    assert [part.steps for part in climbs(Threat("l1", 2, steps=4))] == [1, 1, 2]
    assert climbs(Threat("l2", 2, steps=25)) == [Threat("l2", 2, steps=25)]
    assert climbs(Threat("l1", 1_000_000, steps=25))[0].eps == 1_000_000


@pytest.mark.parametrize("definition", ["final", "any"])
def test_iterates_of_larger_balls_break_nothing(definition):
    """Two eps would break these images, eps does not: the observer sees broken iterates, the result is none."""
    model, x = linear(), grey()
    difference = model[1].weight[1] - model[1].weight[0]
    lead = 0.6 * difference.abs().max().detach()  # of class 0, where 0.3 can be gained with one eps
    shift = lead + ((model(x[:1])) @ torch.tensor([-1.0, 1.0], dtype=torch.float64)).detach()
    seen = []

    class Shifted(nn.Module):
        def forward(self, z):
            return model(z) + torch.cat([shift, torch.zeros_like(shift)])

    y, threat = torch.zeros(6, dtype=torch.long), Threat("l1", "0.45", steps=40)
    x_adv = attacks.run(
        "apgd", Shifted(), x, y, threat, ExampleStreams.of(0, range(6)), definition=definition,
        observe=lambda search, step, rows, logits: seen.append((step, bool((logits.argmax(1) != 0).any()))),
    )  # fmt: skip
    assert [step for step, _ in seen] == list(range(43))
    assert any(broken for _, broken in seen)
    assert not bool(Shifted()(x_adv).argmax(1).any())


@pytest.mark.parametrize(("name", "share"), [("pgd", 0.998), ("apgd", 0.98)])
def test_in_l1_the_optimum_of_a_linear_model_is_reached_in_a_box_that_cuts_the_ball(name, share):
    """The budget goes to the pixels of largest weight, each as far as its room reaches (a fractional knapsack).

    How near the attacks get is a matter of their shortest step: 0.03 for PGD, eps / 10 for APGD.
    """
    torch.manual_seed(8)
    model, x = linear(), torch.rand(6, 1, 8, 8, dtype=torch.float64).round()
    x[3:] = torch.rand(3, 1, 8, 8, dtype=torch.float64)
    y, eps = torch.tensor([0, 1, 0, 1, 0, 1]), 3.0
    threat = Threat("l1", eps, steps=200, step="0.03", loss="margin")
    x_adv = attacks.run(name, model, x, y, threat, ExampleStreams.of(0, range(6)))
    gradient = (model[1].weight[1] - model[1].weight[0]).detach() * (1 - 2 * y)[:, None]
    room = torch.where(gradient > 0, 1 - x.flatten(1), x.flatten(1))
    order = gradient.abs().argsort(dim=1, descending=True)
    before = room.gather(1, order).cumsum(1) - room.gather(1, order)
    spent = torch.minimum(room.gather(1, order), (eps - before).clamp_min(0))
    best = (spent * gradient.abs().gather(1, order)).sum(1)
    rise = ((x_adv - x).flatten(1) * gradient).sum(1)
    assert bool((rise > share * best).all())
    assert bool((rise <= best * (1 + 1e-9)).all())


def test_apgd_keeps_the_best_iterate():
    """The loss of what it returns is the highest that the observer saw."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 5)).double()
    x, y, seen = torch.rand(9, 1, 8, 8, dtype=torch.float64), torch.arange(9) % 5, []

    def observe(search, step, rows, logits):
        seen.append(nn.functional.cross_entropy(logits, y[rows], reduction="none"))

    x_adv = attacks.run("apgd", model, x, y, Threat(steps=20), ExampleStreams.of(0, range(9)), observe=observe)
    assert len(seen) == 21
    found = nn.functional.cross_entropy(model(x_adv), y, reduction="none")
    assert torch.allclose(found, torch.stack(seen).amax(0))


def test_square_counts_queries_and_stops_where_it_succeeds():
    model, x = linear(5), torch.rand(20, 1, 8, 8, dtype=torch.float64)
    y, counter = model(x).argmax(1), Counter(20)
    x_adv = attacks.run("square", model, x, y, Threat(eps="0.05", queries=100), observe=counter)
    broken = model(x_adv).argmax(1) != y
    assert 0 < int(broken.sum()) < 20
    assert bool((counter.counts[~broken] == 100).all())
    assert int(counter.counts[broken].min()) < 100


def test_the_patches_shrink_on_schedule():
    images = torch.zeros(1, 3, 32, 32)
    assert patch_side(1, 10_000, images, "linf") == round((0.8 * 1024) ** 0.5)
    assert patch_side(9_999, 10_000, images, "linf") == round((0.8 / 512 * 1024) ** 0.5)
    assert patch_side(9_999, 10_000, images, "l2") == 3
    assert patch_side(99, 100, images, "linf") == patch_side(9_900, 10_000, images, "linf")
    assert patch_side(1, 10, images[:, :, :2], "l2") == 2


@pytest.mark.parametrize("side", [1, 2, 3, 5, 8])
@pytest.mark.parametrize(("norm", "order"), [("l2", 2), ("l1", 1)])
def test_a_bump_has_length_one(side, norm, order):
    like = torch.zeros((), dtype=torch.float64)
    assert float(torch.linalg.vector_norm(bump(side, like, norm).flatten(), ord=order)) == pytest.approx(1)


def test_transfer_is_pgd_on_the_source():
    model, source = linear(5), linear(5, seed=9)
    x, y = torch.rand(9, 1, 8, 8, dtype=torch.float64), torch.arange(9) % 5
    threat = Threat("linf", "0.1", steps=6, step="0.03", source="b")
    streams = ExampleStreams.of(1, range(9))
    found = attacks.run("transfer", model, x, y, threat, streams, source=source)
    assert torch.equal(found, attacks.pgd(source, x, y, threat, streams))
    with pytest.raises(RkblocksError, match="source"):
        attacks.run("transfer", model, x, y, threat, streams)
    with pytest.raises(RkblocksError, match="source"):
        attacks.run("pgd", model, x, y, threat, streams, source=source)


def test_gaussian_noise_has_the_size_of_the_ball():
    x = torch.full((200, 3, 8, 8), 0.5, dtype=torch.float64)
    y, model = torch.zeros(200, dtype=torch.long), nn.Sequential(nn.Flatten(), nn.Linear(192, 3, dtype=torch.float64))
    for norm, eps in (("linf", 0.1), ("l2", 1.0), ("l1", 10.0)):
        noise = attacks.run("gaussian", model, x, y, Threat(norm, eps), ExampleStreams.of(0, range(200))) - x
        if norm == "linf":
            assert float((noise.abs() >= 0.1 - 1e-12).double().mean()) == pytest.approx(0.3173, abs=0.01)
        else:
            length = torch.linalg.vector_norm(noise.flatten(1), ord=int(norm[1]), dim=1)
            assert 0.95 * eps < float(length.mean()) <= eps
