"""Projection and steepest ascent against brute force and against their defining properties."""

import pytest
import torch
from scipy.optimize import minimize

from rkblocks.attacks.geometry import distance, uniform_in_ball
from rkblocks.attacks.projection import project, steepest
from rkblocks.attacks.streams import ExampleStreams, SharedStream

torch.set_num_threads(1)
NORMS = ["linf", "l2", "l1"]


@pytest.mark.parametrize("norm", NORMS)
def test_projection_lands_in_ball_and_box_and_leaves_inner_points_alone(norm):
    generator = torch.Generator().manual_seed(1)
    x = torch.rand(50, 3, 4, 4, generator=generator, dtype=torch.float64)
    point = x + torch.randn(x.shape, generator=generator, dtype=torch.float64)
    found = project(x, point, 0.4, norm)
    assert (distance(x, found, norm) <= 0.4 + 1e-12).all()
    assert ((found >= 0) & (found <= 1)).all()
    assert torch.allclose(project(x, found, 0.4, norm), found, atol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
def test_projection_is_the_nearest_point_of_the_ball(norm):
    """Against a general constrained optimiser, for a ball that lies inside the box (where clamping changes nothing)."""
    generator = torch.Generator().manual_seed(2)
    x = torch.full((1, 5), 0.5, dtype=torch.float64)
    for _ in range(5):
        v = torch.randn(1, 5, generator=generator, dtype=torch.float64)
        found = (project(x, x + v, 0.4, norm) - x)[0].numpy()
        target = v[0].numpy()
        # d = p - q with p, q >= 0 makes the l1 and linf constraints smooth.
        ball = {
            "linf": lambda z: 0.4 - (z[:5] + z[5:]),
            "l2": lambda z: 0.16 - ((z[:5] - z[5:]) ** 2).sum(),
            "l1": lambda z: 0.4 - z.sum(),
        }[norm]
        best = minimize(
            lambda z, target=target: ((z[:5] - z[5:] - target) ** 2).sum(),
            [0.01] * 10,
            bounds=[(0, None)] * 10,
            constraints={"type": "ineq", "fun": ball},
            options={"ftol": 1e-14, "maxiter": 1000},
        )
        assert ((found - target) ** 2).sum() <= best.fun + 1e-6


@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2), ("l1", float("inf"))])
def test_steepest_direction_attains_the_dual_norm(norm, dual):
    gradient = torch.randn(7, 2, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    x = torch.full_like(gradient, 0.5)
    direction = steepest(gradient, x, norm)
    assert torch.allclose(
        (direction * gradient).flatten(1).sum(1), torch.linalg.vector_norm(gradient.flatten(1), ord=dual, dim=1)
    )
    assert torch.allclose(distance(direction, torch.zeros_like(direction), norm), torch.ones(7, dtype=torch.float64))


@pytest.mark.parametrize("norm", NORMS)
def test_a_zero_gradient_moves_nothing(norm):
    zero = torch.zeros(2, 6)
    assert torch.equal(steepest(zero, zero + 0.5, norm), zero)


def test_an_l1_step_passes_over_pixels_that_the_box_holds_back():
    gradient = torch.tensor([[5.0, 3.0, -1.0]])
    direction = steepest(gradient, torch.tensor([[1.0, 0.5, 0.5]]), "l1")
    assert torch.equal(direction, torch.tensor([[0.0, 1.0, 0.0]]))


@pytest.mark.parametrize("norm", NORMS)
def test_random_points_fill_the_ball_uniformly(norm):
    """The radius to the power of the dimension is uniform, and the mean is the centre."""
    like = torch.zeros(4000, 3, dtype=torch.float64)
    points = uniform_in_ball(like, 0.7, norm, SharedStream(torch.Generator().manual_seed(5)))
    radius = (distance(points, like, norm) / 0.7) ** 3
    assert float(radius.max()) <= 1
    ordered = radius.sort().values
    gap = (ordered - (torch.arange(4000) + 0.5) / 4000).abs().max()
    assert gap < 1.63 / 4000**0.5  # Kolmogorov-Smirnov at 1 %
    assert points.mean(0).abs().max() < 0.03


@pytest.mark.parametrize("norm", NORMS)
def test_per_example_noise_depends_on_the_example_alone(norm):
    like = torch.zeros(6, 2, 3)
    whole = uniform_in_ball(like, 1.0, norm, ExampleStreams.of(7, range(6)))
    rows = torch.tensor([4, 1])
    part = uniform_in_ball(like[:2], 1.0, norm, ExampleStreams.of(7, range(6)).select(rows))
    assert torch.equal(part, whole[rows])
    assert not torch.equal(uniform_in_ball(like, 1.0, norm, ExampleStreams.of(8, range(6))), whole)
    assert not torch.equal(uniform_in_ball(like, 1.0, norm, ExampleStreams.of(7, range(6)).fork("restart 1")), whole)
