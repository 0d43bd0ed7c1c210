"""The premise of Lemma 1 where it is known: the largest step of linear maps, found pairs, and the verdict."""

import math

import pytest
import torch

from rkblocks.analysis.lemma1 import euler_ratios, largest_steps, lemma1
from rkblocks.analysis.power_method import most_stretched
from rkblocks.analysis.verdict import verdicts
from rkblocks.evaluation import audit_model


def draw(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_largest_step_in_the_2_norm_is_the_closed_form():
    d, e = draw(50, 6), draw(50, 6, seed=1)
    expected = (-2 * (d * e).sum(1) / (e * e).sum(1)).clamp_min(0)
    assert torch.allclose(largest_steps(d, e, 2.0), expected, atol=2e-6)
    assert (expected == 0).any()
    assert (expected > 0.1).any()


@pytest.mark.parametrize("p", [1.0, 2.0, math.inf])
def test_just_below_the_largest_step_pairs_shrink_and_just_above_they_grow(p):
    d, e = draw(80, 3), draw(80, 3, seed=2)
    steps = largest_steps(d, e, p)
    for row in range(len(d)):
        h, pair = float(steps[row]), (d[row : row + 1], e[row : row + 1])
        assert float(euler_ratios(*pair, h * (1 - 1e-9), p)) <= 1 + 1e-12
        assert float(euler_ratios(*pair, h * (1 + 1e-6) + 2e-6, p)) > 1


def test_special_pairs():
    d = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    e = torch.tensor([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1e-9, 0.0]])
    found = largest_steps(d, e, 2.0).tolist()
    assert found[:2] == [pytest.approx(2), math.inf]
    assert math.isnan(found[2])
    assert 0 < found[3] < 2e-3  # it grows, by less than SLACK until h is so large


@pytest.mark.parametrize("p", [1.0, 2.0, math.inf])
def test_the_search_finds_the_norm_of_a_matrix(p):
    """1- and inf-norms of a nonnegative matrix and the 2-norm of any are found from a generic start."""
    matrix = draw(5, 6).abs()
    found, ratio = most_stretched(lambda x: x @ matrix.T, draw(3, 6, seed=1), draw(3, 6, seed=2), p, 100)
    expected = float(torch.linalg.matrix_norm(matrix, p))
    assert ratio.tolist() == pytest.approx([expected] * 3, rel=1e-6)
    attained = torch.linalg.vector_norm(found @ matrix.T, p, dim=1) / torch.linalg.vector_norm(found, p, dim=1)
    assert attained.tolist() == pytest.approx(ratio.tolist(), rel=1e-9)
    start = torch.linalg.vector_norm(draw(3, 6, seed=2), dim=1)
    assert torch.linalg.vector_norm(found, dim=1).tolist() == pytest.approx(start.tolist())


def test_the_search_never_returns_less_than_its_start():
    def bend(x):
        return torch.sin(5 * x) + x

    x, start = draw(20, 4), 0.1 * draw(20, 4, seed=1)
    at_start = torch.linalg.vector_norm(bend(x + start) - bend(x), dim=1) / torch.linalg.vector_norm(start, dim=1)
    _, ratio = most_stretched(bend, x, start, 2.0, 5)
    assert (ratio >= at_start * (1 - 1e-12)).all()
    _, nothing = most_stretched(bend, x, torch.zeros_like(x), 2.0, 2)
    assert nothing.isnan().all()


def judged(net, sample):
    return verdicts(lemma1(sample), audit_model(net))


def test_rows_of_a_linear_step(steps, sample_of):
    """F = -x/2: the Euler step halves every difference at h = 1 and shrinks them up to h = 4."""
    net = steps(("ssp2", -0.5 * torch.eye(4)))
    rows = lemma1(sample_of(net))
    euler = [row for row in rows if row["stage"] != "step"]
    assert {row["kind"] for row in euler} == {"pairs", "adversarial", "random", "searched", "magnitude"}
    assert len(euler) == 2 * 3 * 5
    for row in euler:
        assert (row["ratio"], row["largest"], row["h"]) == pytest.approx((0.5, 0.5, 4))
        assert (row["shrinking"], row["any_h"]) == (1, 1)
    steps_ = [row for row in rows if row["stage"] == "step"]
    assert len(steps_) == 3 * 4
    assert all(row["largest"] == pytest.approx(1 - 0.5 + 0.125) and row["h"] is None for row in steps_)


@pytest.mark.parametrize(
    ("scheme", "factor", "dt", "verdict", "h"),
    [
        ("ssp2", -0.5, 1, "covered", 4),  # C h = 4 >= 1
        ("ssp2", -4.0, 1, "short", 0.5),  # C h = 1/2 < 1
        ("ssp2", -4.0, 0.25, "covered", 0.5),
        ("ssp2", 0.5, 1, "void", 0),
        ("midpoint", -0.5, 1, "none", 4),  # C = 0
        ("euler", 0.0, 1, "covered", "inf"),
    ],
)
def test_the_verdict_of_linear_steps(steps, sample_of, scheme, factor, dt, verdict, h):
    net = steps((scheme, factor * torch.eye(4)), dt=dt)
    (found,) = judged(net, sample_of(net))
    assert found["verdict"] == verdict
    assert found["h"] == (h if isinstance(h, str) else pytest.approx(h, rel=1e-6))
    assert found["largest"] == pytest.approx(abs(1 + dt * factor))
    assert found["sentence"].endswith(".")


def test_the_search_refutes_what_the_data_do_not(steps, sample_of):
    """F = diag(-1, 1), and images that differ in their first pixel alone: only a searched difference grows."""
    net = steps(("euler", torch.diag(torch.tensor([-1.0, 1.0]))))
    images = torch.full((6, 1, 1, 2), 0.5).double()
    images[:, 0, 0, 0] = torch.linspace(0.2, 0.8, 6)
    sample = sample_of(net, images=images)
    for kind in ("adversarial", "random"):  # the start of the search needs a trace of the second pixel
        sample._made[kind] = images + torch.tensor([0.05, 1e-9])
    (found,) = verdicts([row for row in lemma1(sample, 30) if row["p"] == 2], audit_model(net))
    assert (found["verdict"], found["h"]) == ("void", 0)
    assert found["data_h"] == pytest.approx(2, rel=1e-3)
    assert found["largest"] == pytest.approx(2, rel=1e-3)
    assert "those of the images themselves shrink up to h = 2" in found["sentence"]


def test_inputs_that_do_not_differ_are_said_so(steps, sample_of):
    net = steps(("ssp2", torch.eye(2)))
    sample = sample_of(net, images=torch.full((1, 1, 1, 2), 0.5).double())
    for kind in ("adversarial", "random"):
        sample._made[kind] = sample.images()
    (found,) = judged(net, sample)
    assert (found["verdict"], found["h"]) == ("none", None)
