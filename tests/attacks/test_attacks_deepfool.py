"""DeepFool measures distances: on linear models those of the closed form, in every norm, and never less than a ball
allows.
"""

import pytest
import torch
from torch import nn

from rkblocks import attacks
from rkblocks.attacks import Threat, distances
from rkblocks.attacks.deepfool import nearest
from rkblocks.attacks.projection import distance

DUAL = {"linf": 1.0, "l2": 2.0, "l1": float("inf")}


def linear(classes, seed=0):
    """A linear model of 6 pixels, in double precision, and images so far inside the box that it never matters."""
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, classes)).double()
    with torch.no_grad():
        model[1].weight.copy_(torch.randn(classes, 6, generator=generator))
        model[1].bias.copy_(-model[1].weight.sum(1) / 2)  # the boundaries meet in the middle of the box
    x = 0.5 + 0.02 * torch.randn(40, 1, 2, 3, generator=generator, dtype=torch.float64)
    return model, x, model(x).argmax(1)


@pytest.mark.parametrize("norm", DUAL)
@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_on_a_linear_model_the_distance_is_that_of_the_nearest_plane(norm, classes, seed):
    """min over k of (z_y - z_k) / |w_y - w_k| in the dual norm; the step goes 2 % too far and is cut back."""
    model, x, y = linear(classes, seed)
    weight, z = model[1].weight.detach(), model(x).detach()
    lead = z.gather(1, y[:, None]) - z
    size = torch.linalg.vector_norm(weight[y][:, None] - weight[None], ord=DUAL[norm], dim=2)
    exact = torch.where(size > 0, lead / size, torch.inf).min(1).values
    inside = exact < 0.3  # farther points meet the box
    found = distances(model, x, y, Threat(norm, "1/2", steps=20))
    assert int(inside.sum()) > 10
    assert bool((found[inside] >= exact[inside] * (1 - 1e-9)).all())
    assert found[inside].tolist() == pytest.approx(exact[inside].tolist(), rel=2e-3)


@pytest.mark.parametrize("norm", DUAL)
def test_a_ball_of_the_distance_found_is_broken_and_a_smaller_one_is_not_here(norm):
    model, x, y = linear(5)
    far = distances(model, x, y, Threat(norm, "1/2", steps=20))
    eps = str(round(float(far.median()), 3))
    found = attacks.run("deepfool", model, x, y, Threat(norm, eps, steps=20))
    broken = model(found).argmax(1) != y
    assert torch.equal(broken, far <= float(eps))
    assert float(distance(x, found, norm).max()) <= float(eps) * (1 + 1e-9)


def test_what_is_misclassified_is_near_already_and_what_cannot_be_is_infinitely_far():
    model, x, y = linear(2)
    assert distances(model, x, 1 - y, Threat("l2", steps=5)).tolist() == [0] * len(x)

    class Constant(nn.Module):
        def forward(self, x):
            return torch.stack([1 + 0 * x.flatten(1).sum(1), 0 * x.flatten(1).sum(1)], 1)

    assert distances(Constant(), x, torch.zeros(40, dtype=torch.long), Threat("l2", steps=5)).isinf().all()


def test_it_finds_what_pgd_finds_on_a_network():
    """With the radius that DeepFool found, PGD with many steps breaks the image too, nearly always; half of it seldom
    does.
    """
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 4))
    x = torch.rand(60, 1, 4, 4)
    y = model(x).argmax(1)
    far = distance(x, nearest(model, x, y, Threat("linf", steps=50)), "linf")
    median = float(far.median())
    by_pgd = attacks.run(
        "pgd", model, x, y, Threat("linf", str(round(median, 4)), steps=100, loss="margin"), definition="any"
    )
    share = float((model(by_pgd).argmax(1) != y).float().mean())
    assert 0.45 <= share <= 0.65


def test_expectation_over_randomness_averages_passes_and_their_gradients():
    """Of a linear model with noisy logits: the mean of the passes; one pass of the attack is so many of the model."""

    class Noisy(nn.Module):
        passes = 0

        def forward(self, x):
            self.passes += 1
            return x.flatten(1)[:, :2] * torch.tensor([1.0, -1.0]) + 5 * torch.randn(len(x), 2)

    model, x = Noisy(), torch.full((4, 1, 1, 2), 0.5)
    threat = Threat("linf", "1/10", steps=3, step="1/10", eot=7, random_start=False)
    torch.manual_seed(0)
    found = attacks.run("pgd", model, x, torch.zeros(4, dtype=torch.long), threat)
    assert model.passes == 3 * 7
    assert torch.allclose(found, torch.tensor([0.4, 0.4]).expand(4, 1, 1, 2))  # away from class 0 in both pixels
    assert "mean of 7 passes" in threat.text()
    assert threat.to_dict()["eot"] == 7
    with pytest.raises(Exception, match="eot is 0"):
        Threat(eot=0)
