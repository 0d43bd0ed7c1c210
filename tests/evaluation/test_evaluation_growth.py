"""Perturbation growth (eq. 17) where it is known: linear groups, and pairs that do not differ."""

import math

import pytest
import torch
from torch import nn

from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import perturbation_growth
from rkblocks.evaluation.growth import pair_ratios


class TwoGroups(nn.Module):
    """Group 1 multiplies by 3, group 2 keeps the first half of the entries; a head makes two logits."""

    def __init__(self):
        super().__init__()
        self.dropout = nn.Dropout(0.5)

    def trace(self, x):
        first = self.dropout(3 * x)
        second = first.flatten(1)
        return [("group1", x, first), ("group2", second, second[:, : second.shape[1] // 2])]

    def forward(self, x):
        kept = self.trace(x)[-1][2]
        return torch.stack([kept.sum(1), -kept.sum(1)], 1)


def pair(n=5):
    x = torch.rand(n, 1, 2, 2, generator=torch.Generator().manual_seed(0))
    return x, x + torch.rand(n, 1, 2, 2, generator=torch.Generator().manual_seed(1)) * 0.1


@pytest.mark.parametrize("p", [1.0, 2.0, math.inf])
def test_growth_is_the_mean_of_the_ratios_of_pairs(p):
    x, other = pair()
    rows = {row.group: row for row in perturbation_growth(TwoGroups().train(), [(x, other)], [p])}
    assert rows["group1"].mean == pytest.approx(3, rel=1e-6)
    assert rows["group1"].deviation == pytest.approx(0, abs=1e-6)
    difference = (other - x).flatten(1).double()
    ratios = [float(torch.linalg.vector_norm(d[:2], p) / torch.linalg.vector_norm(d, p)) for d in difference]
    assert rows["group2"].mean == pytest.approx(sum(ratios) / 5, rel=1e-5)
    assert rows["group2"].largest == pytest.approx(max(ratios), rel=1e-5)
    assert (rows["group2"].pairs, rows["group2"].zeros) == (5, 0)


def test_batches_change_nothing():
    x, other = pair(9)
    model = TwoGroups()
    whole = perturbation_growth(model, [(x, other)])
    parts = perturbation_growth(model, zip(x.split(4), other.split(4), strict=True))
    assert [row.to_dict() for row in parts] == [pytest.approx(row.to_dict()) for row in whole]


def test_equal_pairs_are_left_out_and_counted():
    x, other = pair()
    other[1] = x[1]
    rows = perturbation_growth(TwoGroups(), [(x, other)], [2.0])
    assert [(row.pairs, row.zeros) for row in rows] == [(4, 1), (4, 1)]
    nothing = perturbation_growth(TwoGroups(), [(x, x)], [2.0])[0]
    assert (nothing.pairs, nothing.zeros) == (0, 5)
    assert nothing.to_dict()["mean"] is None


def test_tiny_differences_do_not_underflow():
    x = torch.zeros(1, 1, 2, 2)
    ratios = pair_ratios(TwoGroups(), x, x + 1e-30, [2.0])
    assert float(ratios["group1", 2.0]) == pytest.approx(3, rel=1e-6)


def test_no_pairs_are_refused():
    with pytest.raises(ValueError, match="no pairs"):
        perturbation_growth(TwoGroups(), [])


def test_a_model_without_groups_is_named():
    with pytest.raises(RkblocksError) as caught:
        perturbation_growth(nn.Flatten(), [pair(2)])
    assert [found.code for found in caught.value.diagnostics] == ["RK830"]
