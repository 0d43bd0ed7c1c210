"""Projection and steepest ascent against brute force and against their defining properties."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize

from rkblocks.attacks.projection import distance, project, steepest, uniform_in_ball
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


PIXEL = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1))


def farthest(direction, x, eps):
    """The largest direction . (z - x) over z in the l1 ball around x and in the box, by linear programming."""
    bounds = [(0, bound) for bound in (*(1 - x), *x)]
    found = linprog(-np.concatenate([direction, -direction]), A_ub=np.ones((1, 2 * len(x))), b_ub=[eps], bounds=bounds)
    return -found.fun


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(PIXEL, st.floats(-2, 2)), min_size=1, max_size=6),
    st.one_of(st.just(0.0), st.floats(1e-3, 4)),
    st.integers(0, 3),
)
def test_l1_projection_is_the_nearest_point_of_ball_and_box(pixels, eps, decimals):
    """z is nearest to v in a convex set exactly if no point z' of it lies further along v - z (the obtuse angle)."""
    x, v = (np.array(part).round(decimals + 1) for part in zip(*pixels, strict=True))  # rounded, so that some are equal
    z = project(torch.tensor(x)[None], torch.tensor(x + v)[None], eps, "l1")[0].numpy()
    assert np.abs(z - x).sum() <= eps + 1e-12
    assert ((z >= 0) & (z <= 1)).all()
    away = x + v - z
    assert farthest(away, x, eps) <= away @ (z - x) + 1e-9


def test_l1_projection_in_float32_keeps_to_the_ball_of_a_large_image():
    generator = torch.Generator().manual_seed(4)
    x = torch.rand(8, 3, 32, 32, generator=generator).round(decimals=1)
    point = x + torch.randn(x.shape, generator=generator)
    exact = project(x.double(), point.double(), 12.0, "l1")
    found = project(x, point, 12.0, "l1")
    assert (found - exact).abs().max() < 1e-5
    assert distance(x, found, "l1").sub(12).abs().max() < 1e-3
    assert distance(x.double(), exact, "l1").sub(12).abs().max() < 1e-10


@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2), ("l1", float("inf"))])
def test_the_steepest_step_attains_the_dual_norm(norm, dual):
    gradient = torch.randn(7, 2, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    x, lengths = torch.full_like(gradient, 0.5), torch.linspace(0.1, 0.4, 7, dtype=torch.float64)
    steps = steepest(gradient, x, lengths, norm)
    rise = torch.linalg.vector_norm(gradient.flatten(1), ord=dual, dim=1)
    assert torch.allclose((steps * gradient).flatten(1).sum(1), lengths * rise)
    assert torch.allclose(distance(steps, torch.zeros_like(steps), norm), lengths)
    assert torch.allclose(steepest(gradient[2:3], x[2:3], 0.2, norm), steps[2:3])


@pytest.mark.parametrize("norm", NORMS)
def test_a_zero_gradient_moves_nothing(norm):
    zero = torch.zeros(2, 6)
    assert torch.equal(steepest(zero, zero + 0.5, 1.0, norm), zero)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(PIXEL, st.floats(-2, 2)), min_size=1, max_size=6), st.floats(1e-3, 4))
def test_the_steepest_l1_step_is_the_best_in_ball_and_box(pixels, length):
    """As good as linear programming finds, for one pixel at a time."""
    x, gradient = (np.array(part) for part in zip(*pixels, strict=True))
    step = steepest(torch.tensor(gradient)[None], torch.tensor(x)[None], length, "l1")[0].numpy()
    assert np.abs(step).sum() <= length + 1e-12
    assert ((x + step >= 0) & (x + step <= 1)).all()
    assert step @ gradient == pytest.approx(farthest(gradient, x, length), abs=1e-6)


def test_an_l1_step_moves_its_pixels_alike_and_passes_on_what_the_box_holds_back():
    gradient, x = torch.tensor([[5.0, 3.0, -1.0, 0.5, 0.0]]), torch.tensor([[1.0, 0.75, 0.5, 0.5, 0.5]])
    found = steepest(gradient, x, 0.75, "l1", pixels=torch.tensor([2.0]))
    assert torch.equal(found, torch.tensor([[0.0, 0.25, -0.375, 0.125, 0.0]]))


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
