"""Bounded layers, residuals and networks: closed-form bounds against singular values, Jacobians and searches."""

import copy
import math
from fractions import Fraction

import pytest
import torch
from torch import nn

import rkblocks
from rkblocks.diagnostics import RkblocksError
from rkblocks.nets import ConvexPotential, Relaxation, bounded, bounds
from rkblocks.nets.bounded_layers import Halve, Pool, RescaledConv, RescaledLinear, UnitHead, gram_sums
from rkblocks.training import losses


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def matrix_of(linear, shape: tuple[int, ...]) -> torch.Tensor:
    """The matrix of a map on tensors of this shape, by unit vectors, in double precision."""
    n = math.prod(shape)
    with torch.no_grad():
        basis = torch.eye(n, dtype=torch.float64).reshape(n, *shape)
        return (linear(basis) - linear(torch.zeros_like(basis))).flatten(1).T


def shaken(module: nn.Module) -> nn.Module:
    with torch.no_grad():
        for p in module.parameters():
            p.add_(torch.randn_like(p) * 0.3)
    return module.double().eval()


@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("size", [None, 1, 3, 5])
def test_row_sums_bound_the_gram_matrix(columns: bool, size: int | None) -> None:
    weight = torch.randn(4, 3, *(() if size is None else (size, size)), dtype=torch.float64)
    log_q = torch.randn(3 if columns else 4, dtype=torch.float64)
    sums = gram_sums(weight, log_q, columns=columns)
    if size is None:
        W, T = weight, sums
    else:
        W = matrix_of(lambda x: torch.nn.functional.conv2d(x, weight, padding=size // 2), (3, 6, 6))
        T = sums.repeat_interleave(36)
    gram = W.T @ W if columns else W @ W.T
    assert torch.linalg.eigvalsh(torch.diag(T) - gram).min() > -1e-10
    assert (gram_sums(weight, log_q, columns=columns, exact=True) > sums).all()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (RescaledLinear(12, 7), (12,)),
        (RescaledLinear(7, 12), (7,)),
        (RescaledConv(3, 5), (3, 6, 6)),
        (RescaledConv(5, 3), (5, 6, 6)),
        (RescaledConv(4, 4, 5), (4, 5, 5)),
        (Halve(), (2, 5, 7)),
        (Pool(), (3, 4, 4)),
    ],
)
def test_layers_do_not_expand(layer: nn.Module, shape: tuple[int, ...]) -> None:
    largest = torch.linalg.matrix_norm(matrix_of(shaken(layer), shape), 2)
    assert largest <= layer.lipschitz() + 1e-12
    assert largest > 0.3


@pytest.mark.parametrize(
    ("layer", "shape"), [(RescaledLinear(12, 7), (12,)), (RescaledLinear(7, 12), (7,)), (RescaledConv(3, 5), (3, 4, 4))]
)
def test_layers_start_without_loss(layer: nn.Module, shape: tuple[int, ...]) -> None:
    """All singular values are 1: of what a rescaling by T takes nothing is lost at the start."""
    values = torch.linalg.svdvals(matrix_of(layer.double().eval(), shape))
    assert torch.allclose(values, torch.ones_like(values), atol=1e-4)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: ConvexPotential(6, start="orthogonal"), (6,)),
        (lambda: ConvexPotential(2, size=3, start="orthogonal"), (2, 4, 4)),
    ],
)
def test_a_convex_potential_starts_by_keeping_lengths(make, shape: tuple[int, ...]) -> None:
    F = make().double().eval()
    jacobian = torch.autograd.functional.jacobian(F, torch.randn(1, *shape, dtype=torch.float64))
    n = math.prod(shape)
    values = torch.linalg.svdvals(torch.eye(n) + jacobian.reshape(n, n))
    assert torch.allclose(values, torch.ones_like(values), atol=1e-4)


RESIDUALS = [
    (lambda: ConvexPotential(6, 9), (6,), "l2"),
    (lambda: ConvexPotential(2, 3, size=3), (2, 4, 4), "l2"),
    (lambda: Relaxation(6), (6,), "l2"),
    (lambda: Relaxation(2, 3), (2, 4, 4), "l2"),
    (lambda: Relaxation(6, norm="linf"), (6,), "linf"),
    (lambda: Relaxation(2, 3, norm="linf"), (2, 4, 4), "linf"),
]


@pytest.mark.parametrize(("make", "shape", "norm"), RESIDUALS)
def test_an_euler_step_of_h0_does_not_expand(make, shape, norm: str) -> None:
    F = shaken(make())
    h0 = F.nonexpansive_step(norm)
    worst = 0.0
    for trial in range(40):
        x = torch.randn(1, *shape, dtype=torch.float64) * (0.1 + trial / 4)
        jacobian = torch.autograd.functional.jacobian(F, x).reshape(math.prod(shape), -1)
        for h in (0.25 * h0, h0):
            step = torch.eye(len(jacobian), dtype=torch.float64) + h * jacobian
            worst = max(worst, float(torch.linalg.matrix_norm(step, 2 if norm == "l2" else math.inf)))
    assert worst <= 1 + 1e-12
    assert worst > 0.9
    assert F.nonexpansive_step("l1") is None


@pytest.mark.parametrize(("make", "shape", "norm"), RESIDUALS)
def test_evaluation_keeps_the_weights_and_notices_a_change(make, shape, norm: str) -> None:
    F = make().eval()
    x = torch.randn(3, *shape)
    first = F(x)
    assert F.in_use()[0] is F.in_use()[0]
    assert torch.allclose(first, F.train()(x), atol=1e-5)
    F.eval()(x)
    with torch.no_grad():
        F.weight.mul_(2.0).add_(0.1)
    changed = F(x)
    assert torch.allclose(changed, copy.deepcopy(F).train()(x), atol=1e-5)
    assert not torch.allclose(first, changed, atol=1e-3)
    F.load_state_dict(make().state_dict())
    assert not torch.allclose(changed, F(x), atol=1e-3)


def features(net, x: torch.Tensor) -> torch.Tensor:
    for step in bounds.body(net):
        x = step.module(x)
    return x


NETS = {
    "dense": {"shape": (1, 6, 6), "widths": (20, 12), "layers": "dense"},
    "convolution": {"shape": (2, 7, 7), "widths": (4, 6)},
    "mean": {"shape": (1, 8, 8), "widths": (4, 6), "pool": "mean", "mean": (0.3,), "std": (0.5,)},
    "halved": {"shape": (1, 9, 9), "widths": (4, 6), "halved": 1},
    "tail": {"shape": (1, 9, 9), "widths": (4,), "halved": 1, "dense": 7},
    "mean tail": {"shape": (1, 6, 6), "widths": (4,), "pool": "mean", "dense": 7},
    "relaxation": {"shape": (1, 6, 6), "widths": (16,), "layers": "dense", "residual": "relaxation"},
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("scheme", ["euler", "rk4", "ssprk43", "ark"])
def test_the_constant_of_a_network_is_kept_by_its_jacobian(scheme: str, name: str) -> None:
    net = shaken(bounded(scheme, 2, step="largest", **NETS[name]))
    L = bounds.lipschitz(net)
    assert pytest.approx(2.0 if name == "mean" else 1.0) == L
    for trial in range(3):
        x = torch.rand(1, *NETS[name]["shape"], dtype=torch.float64) * (trial + 1)
        jacobian = torch.autograd.functional.jacobian(lambda v: features(net, v), x).flatten(1)
        n = math.prod(NETS[name]["shape"])
        assert torch.linalg.matrix_norm(jacobian.reshape(-1, n), 2) <= L + 1e-10


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("scheme", ["euler", "rk4", "ssprk43"])
def test_rounding_stays_within_its_bound(scheme: str, name: str) -> None:
    net = bounded(scheme, 2, step="largest", **NETS[name]).eval()
    with torch.no_grad():
        for p in net.parameters():
            p.add_(torch.randn_like(p) * 0.1)
    x = torch.rand(50, *NETS[name]["shape"])
    bound = bounds.rounding(net, NETS[name]["shape"])
    with torch.no_grad():
        single, double = features(net, x), features(copy.deepcopy(net).double(), x.double())
    error = (single.double() - double).flatten(1).norm(dim=1).max()
    assert 0 < error <= bound.error
    assert double.flatten(1).norm(dim=1).max() <= bound.norm * (1 + 1e-6)
    assert bounds.rounding(net, NETS[name]["shape"], torch.float64).error < bound.error / 1e8


def test_a_scheme_without_guarantee_has_no_constant() -> None:
    for scheme, step, words in (("midpoint", 1, "limit 0"), ("ssprk43", 3, "step 3, limit 2")):
        net = bounded(scheme, 1, step=step, shape=(1, 6, 6), widths=(8,), layers="dense")
        with pytest.raises(RkblocksError, match=words) as found:
            bounds.lipschitz(net)
        assert found.value.diagnostics[0].code == "RK880"
        assert "group1.0" in str(found.value)
    with pytest.raises(RkblocksError) as found:
        bounds.lipschitz(rkblocks.nets.grouped("ssp2", depth=1))
    assert found.value.diagnostics[0].code == "RK881"


def test_the_head_has_rows_of_length_one() -> None:
    head = UnitHead(5, 3).eval()
    with torch.no_grad():
        head.weight.mul_(7)
    assert torch.allclose(head.in_use()[0].norm(dim=1), torch.ones(3))


def test_the_seed_decides_the_weights_alone() -> None:
    def weights(seed: int) -> list[torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return list(bounded("ssp2", 1, generator=generator, **NETS["dense"]).parameters())

    state = torch.get_rng_state()
    assert all(torch.equal(a, b) for a, b in zip(weights(1), weights(1), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(weights(1), weights(2), strict=True))
    assert torch.equal(state, torch.get_rng_state())


def test_margin_losses_by_hand() -> None:
    logits = torch.tensor([[2.0, 0.5, -1.0], [0.0, 1.0, 0.5]])
    labels = torch.tensor([0, 2])
    shifted = torch.tensor([[1.0, 0.5, -1.0], [0.0, 1.0, -0.5]]) / 0.25
    expected = 0.25 * torch.nn.functional.cross_entropy(shifted, labels)
    assert torch.allclose(losses.margin(logits, labels, 1.0, 0.25), expected)
    # classes 0 and 2 have one example each, class 1 none: (0 - 2 + -1 - 0.5) / 3
    hinge = (0 + 1.5 + 0 + 1 + 2 + 0.5) / 6
    found = losses.hinge_kantorovich_rubinstein(logits, labels, 1.0, 10.0)
    assert found == pytest.approx((0 - 2 + -1 - 0.5) / 3 + 10 * hinge)


def test_settings_are_checked() -> None:
    for wrong in (
        {"residual": "x"},
        {"layers": "x"},
        {"pool": "x"},
        {"step": "long"},
        {"step": 0},
        {"step": "1/0"},
        {"halved": -1},
        {"halved": 0.5},
        {"halved": 1},
        {"pool": "mean"},
    ):
        with pytest.raises(RkblocksError) as found:
            bounded("ssp2", 1, **{**NETS["dense"], **wrong})
        assert found.value.diagnostics[0].code == "RK556"
    assert bounded("ssp2", 1, step=Fraction(1, 3), **NETS["dense"]).groups[0][0].step.dt == Fraction(1, 3)
