"""Growth, total variation, variance and Lipschitz constants where they are known: linear maps, and built features."""

import math

import pytest
import torch
from torch import nn

import rkblocks
from rkblocks.analysis.growth import depth_ratios, growth
from rkblocks.analysis.lipschitz import jacobian_norms, lipschitz
from rkblocks.analysis.variance import Moments, variance
from rkblocks.analysis.variation import neighbours, total_variation, variation


def by(rows, *keys):
    return {tuple(row[key] for key in keys): row for row in rows}


def test_growth_of_linear_steps(steps, sample_of):
    """F(x) = c x: Euler stretches by |1 + c|, SSP2 by |1 + c + c^2/2|, its stage 2 by |1 + c|, F by |c|."""
    net = steps(("euler", -0.5 * torch.eye(4)), ("ssp2", 3.0 * torch.eye(4)))
    rows = by(growth(sample_of(net)), "perturbation", "level", "place", "p")
    assert len(rows) == 2 * 3 * (2 + 1 + 3)  # kinds, norms, blocks, stages after the first, values of F
    for kind in ("adversarial", "random"):
        for p in (1, 2, "inf"):
            expected = {
                ("block", "blocks.0"): 0.5,
                ("block", "blocks.1"): 8.5,
                ("stage", "blocks.1 stage 2"): 4.0,
                ("residual", "blocks.0 stage 1"): 0.5,
                ("residual", "blocks.1 stage 2"): 3.0,
            }
            for (level, place), value in expected.items():
                row = rows[kind, level, place, p]
                assert (row["mean"], row["largest"]) == pytest.approx((value, value))
                assert row["pairs"] == 12


def test_growth_has_the_norm_of_each_pair(steps):
    a = torch.tensor([[1.0, 2.0], [0.0, -3.0]])
    net = steps(("euler", a))
    x, d = torch.zeros(3, 1, 1, 2).double(), torch.tensor([[1.0, 0], [0, 1.0], [1.0, 1.0]]).double()
    found = depth_ratios(net, x, x + d.reshape(3, 1, 1, 2), (1.0, 2.0, math.inf))
    after = d @ (torch.eye(2) + a).T.double()
    for p in (1.0, 2.0, math.inf):
        expected = torch.linalg.vector_norm(after, p, dim=1) / torch.linalg.vector_norm(d, p, dim=1)
        assert torch.allclose(found["block", "blocks.0", p], expected)


def test_growth_of_groups_is_that_of_the_paper():
    """The groups of a grouped network, measured here and by rkblocks.evaluation, are the same numbers."""
    from rkblocks.evaluation.growth import pair_ratios

    net = rkblocks.nets.grouped("ssp2", 2, widths=(2, 4), channels=1, generator=torch.Generator().manual_seed(0))
    x = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    found = depth_ratios(net, x, (x + 0.1).clamp(0, 1))
    for (group, p), expected in pair_ratios(net, x, (x + 0.1).clamp(0, 1)).items():
        assert torch.equal(found["group", group, p], expected)
    assert {place for level, place, _ in found if level == "block"} == {
        f"groups.{g}.{k}" for g in (0, 1) for k in (0, 1)
    }


def test_total_variation_by_hand():
    u = torch.tensor([[[[0.0, 1.0, 3.0], [2.0, 2.0, 2.0]]]])
    assert total_variation(u).tolist() == [1 + 2 + 0 + 0 + 2 + 1 + 1]
    assert neighbours(u) == 7
    assert total_variation(torch.tensor([[1.0, -1.0, 0.5]])).tolist() == [3.5]
    assert neighbours(torch.zeros(1, 3)) == 2
    assert total_variation(torch.zeros(2, 3, 1, 1)).tolist() == [0, 0]


def test_the_upwind_scheme_does_not_raise_the_variation(sample_of):
    """F(u)_j = -c (u_j - u_{j-1}) on a ring: Euler and SSP2 are TVD for c = 1/2; c = -1/2 raises the variation."""

    class Upwind(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.c = c

        def forward(self, u):
            return -self.c * (u - u.roll(1, -1))

    for c, shrinks in ((0.5, True), (-0.5, False)):
        net = nn.Sequential(rkblocks.build("ssp2", Upwind(c)), nn.Flatten())
        images = torch.zeros(4, 1, 1, 8).double()
        for k in range(4):
            images[k, ..., 1 : 3 + k] = 0.5
        (row,) = variation(sample_of(net, images=images))
        assert (row["largest"] <= 1 + 1e-12) is shrinks
        assert (row["euler_largest"] <= 1 + 1e-12) is shrinks
        assert row["before"] == pytest.approx(1.0)
        assert row["per_neighbour"] == pytest.approx(row["after"] / 7)


def test_the_moments_are_those_of_torch():
    values = torch.randn(3, 40, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 100
    moments = Moments()
    for part in values.split(16, 1):
        moments.add(part)
    expected = torch.stack([torch.cov(values[:, :, j]) for j in range(5)]).mean(0)
    assert torch.allclose(moments.covariance(), expected)


def test_variance_of_a_linear_step(steps, sample_of):
    """F(x) = c x is the opposite of Lemma 3's premise: fully correlated, so Euler grows by (1 + c)^2."""
    net = steps(("euler", 2.0 * torch.eye(4)), ("ssp2", torch.eye(4)))
    first, second = variance(sample_of(net))
    assert (first["growth"], first["formula"]) == pytest.approx((9, 2))
    assert (first["own"], first["with_x"], first["between"]) == pytest.approx((4, 4, 0))
    assert (first["value_ratio"], first["with_input"], first["between_stages"]) == ([pytest.approx(4)], [1], [])
    assert (second["growth"], second["formula"]) == pytest.approx((2.5**2, 1.75))
    assert second["between_stages"] == pytest.approx([1])
    for row in (first, second):
        assert 1 + row["own"] + row["with_x"] + row["between"] == pytest.approx(row["growth"])


def test_lemma_3_holds_where_its_premises_do(sample_of):
    """F permutes independent pixels: Var F(u) = Var u, uncorrelated with x, and so is the second stage's value."""

    class Shift(nn.Module):
        def forward(self, u):
            return u.roll(1, -1)

    for scheme in ("euler", "midpoint", "ssp2"):
        net = nn.Sequential(nn.Flatten(), rkblocks.build(scheme, Shift()))
        images = torch.rand(4000, 1, 1, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        (row,) = variance(sample_of(net, images=images, batch=1000))
        assert row["value_ratio"] == pytest.approx([1] * len(row["value_ratio"]), abs=0.02)
        assert row["with_input"] == pytest.approx([0] * len(row["with_input"]), abs=0.03)
        # Euler's formula needs these two alone; the stages of the others share F(x), which is the third premise.
        parts = 1 + row["own"] + row["with_x"]
        assert parts == pytest.approx(row["formula"], rel=0.05)
        assert row["growth"] == pytest.approx(parts + row["between"])


def test_an_input_that_does_not_vary_has_no_growth(steps, sample_of):
    (row,) = variance(sample_of(steps(("euler", torch.eye(2))), images=torch.full((3, 1, 1, 2), 0.5).double()))
    assert (row["growth"], row["own"], row["with_input"]) == (None, None, [None])


def test_power_iteration_finds_the_norm_of_the_jacobian():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 7, dtype=torch.float64, generator=generator)

    def function(x):
        return torch.tanh(x.flatten(1) @ weight.T) ** 2

    x = torch.randn(3, 7, 1, dtype=torch.float64, generator=generator)
    found, change = jacobian_norms(function, x, 200, generator)
    for k in range(3):
        whole = torch.autograd.functional.jacobian(lambda z: function(z[None])[0], x[k]).flatten(1)
        assert float(found[k]) == pytest.approx(float(torch.linalg.matrix_norm(whole, 2)), rel=1e-6)
    assert float(change.max()) < 1e-6
    few, _ = jacobian_norms(function, x, 1, torch.Generator().manual_seed(1))
    assert (few <= found * (1 + 1e-9)).all()


@pytest.mark.parametrize("memory", ["full", "stage"])
def test_lipschitz_constants_of_linear_steps(steps, sample_of, memory):
    a = torch.tensor([[0.0, 2.0], [0.0, 0.0]]).double()
    net = steps(("ssp2", a.float()), ("euler", -torch.eye(2)), memory=memory)
    rows = by(lipschitz(sample_of(net, size=2), 60), "level", "place")
    assert rows["residual", "blocks.0 stage 2"]["mean"] == pytest.approx(2, rel=1e-4)
    step = torch.eye(2) + a + a @ a / 2
    assert rows["block", "blocks.0"]["largest"] == pytest.approx(float(torch.linalg.matrix_norm(step, 2)), rel=1e-4)
    assert rows["network", "image to logits"]["mean"] == pytest.approx(0, abs=1e-9)  # 1 - 1
    assert {row["n"] for row in rows.values()} == {12}
    assert {block.memory for block in net.blocks} == {memory}
