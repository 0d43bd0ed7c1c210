"""Running statistics per stage: which buffers, when they change, what they hold, and who may share them."""

import copy
import gc
import pickle

import pytest
import torch
from blocks_common import conv_residual, images
from torch import nn

from rkblocks import blocks
from rkblocks.blocks.norm_statistics import StageBatchNorm
from rkblocks.diagnostics import RkblocksError


def reference_statistics(residual: nn.Sequential, x: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Statistics of the first norm layer after one training step of ssp3, one plain layer a stage."""
    norms = [copy.deepcopy(residual[0]) for _ in range(3)]
    rest = residual[1:]

    def f(stage: int, u: torch.Tensor) -> torch.Tensor:
        return rest(norms[stage](u))

    u1 = x + f(0, x)
    u2 = 0.75 * x + 0.25 * (u1 + f(1, u1))
    f(2, u2)
    return [(n.running_mean, n.running_var) for n in norms]


def test_each_stage_has_the_statistics_of_a_norm_of_its_own() -> None:
    residual, x = conv_residual(), images()
    residual[3] = nn.Identity()
    expected = reference_statistics(copy.deepcopy(residual), x)
    block = blocks.build("ssp3", residual)
    block(x)
    norm = block.residual[0]
    assert isinstance(norm, StageBatchNorm)
    for stage, (mean, var) in enumerate(expected):
        torch.testing.assert_close(norm.running_mean[stage], mean)
        torch.testing.assert_close(norm.running_var[stage], var)
    assert norm.num_batches_tracked.tolist() == [1, 1, 1]
    assert not torch.equal(norm.running_mean[0], norm.running_mean[1])


def test_evaluation_uses_and_keeps_them() -> None:
    block = blocks.build("ssp3", conv_residual())
    block(images())
    block.eval()
    before = {k: v.clone() for k, v in block.state_dict().items()}
    y = block(images())
    assert all(torch.equal(v, before[k]) for k, v in block.state_dict().items())
    u = images()
    u1 = u + block.at(0)(u)
    u2 = 0.75 * u + 0.25 * (u1 + block.at(1)(u1))
    torch.testing.assert_close(y, u / 3 + 2 * (u2 + block.at(2)(u2)) / 3)


def test_shared_is_the_plain_layer_updated_once_an_evaluation() -> None:
    block = blocks.build("ssp3", conv_residual(), statistics="shared")
    block(images())
    assert type(block.residual[0]) is nn.BatchNorm2d
    assert int(block.residual[0].num_batches_tracked) == 3
    assert not block.step.staged


@pytest.mark.parametrize(
    ("norm", "shape"),
    [
        (nn.BatchNorm1d(4), (5, 4)),
        (nn.BatchNorm1d(4), (5, 4, 3)),
        (nn.BatchNorm2d(4), (5, 4, 3, 3)),
        (nn.BatchNorm3d(4), (5, 4, 2, 3, 3)),
        (nn.BatchNorm2d(4, momentum=None, affine=False), (5, 4, 3, 3)),
    ],
)
def test_every_kind_of_batch_norm(norm: nn.Module, shape: tuple[int, ...]) -> None:
    block = blocks.build("ssp2", copy.deepcopy(norm))
    x = torch.randn(shape)
    assert block(x).shape == x.shape
    assert block.residual.num_batches_tracked.tolist() == [1, 1]
    torch.testing.assert_close(block.residual(x), copy.deepcopy(norm)(x))
    with pytest.raises(ValueError, match="expected"):
        block(torch.randn(4))


def test_cumulative_average() -> None:
    plain, x = nn.BatchNorm1d(3, momentum=None), torch.randn(3, 8, 3)
    staged = StageBatchNorm(copy.deepcopy(plain), 2)
    for batch in x:
        plain(batch)
        staged(batch)
    torch.testing.assert_close(staged.running_mean[0], plain.running_mean)
    assert staged.num_batches_tracked.tolist() == [3, 0]


def test_nested_and_repeated_layers_are_replaced_once() -> None:
    shared = nn.BatchNorm1d(3)
    inner = nn.ModuleDict({"a": shared, "b": nn.Sequential(nn.Linear(3, 3), shared)})

    class Nested(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = inner

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.parts["b"](self.parts["a"](x))

    block = blocks.build("ssp2", Nested())
    assert block.residual.parts["a"] is block.residual.parts["b"][1]
    block(torch.randn(8, 3))
    assert block.residual.parts["a"].num_batches_tracked.tolist() == [2, 2]


def test_without_batch_norm_nothing_changes() -> None:
    residual = nn.Sequential(nn.GroupNorm(2, 4), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4, track_running_stats=False))
    kinds = [type(m) for m in residual]
    block = blocks.build("ssp3", residual)
    assert [type(m) for m in block.residual] == kinds
    assert not block.step.staged


def test_euler_keeps_the_layers_and_state_of_the_plain_block() -> None:
    block = blocks.build("euler", conv_residual())
    assert type(block.residual[0]) is nn.BatchNorm2d
    assert block.state_dict()["residual.0.running_mean"].shape == (4,)


def test_state_of_one_set_of_statistics_loads_into_all_stages() -> None:
    plain = blocks.build("ssp3", conv_residual(), statistics="shared")
    plain(images())
    block = blocks.build("ssp3", conv_residual(seed=5))
    block.load_state_dict(plain.state_dict())
    plain.eval()
    block.eval()
    torch.testing.assert_close(block(images(seed=3)), plain(images(seed=3)))
    again = blocks.build("ssp3", conv_residual(seed=6))
    again.load_state_dict(block.state_dict())
    assert torch.equal(again.eval()(images()), block(images()))


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b))], ids=["deepcopy", "pickle"])
def test_copies_have_statistics_of_their_own(clone) -> None:
    block = blocks.build("ssp3", conv_residual())
    twin = clone(block)
    block(images()), twin(images())  # both see themselves
    block.load_state_dict(clone(blocks.build("ssp3", conv_residual())).state_dict())
    twin(images())
    assert block.residual[0].num_batches_tracked.tolist() == [0, 0, 0]


def test_weights_are_shared_by_the_stages() -> None:
    plain = sum(p.numel() for p in conv_residual().parameters())
    for name in ("euler", "ssp2", "ssp3", "rk4"):
        assert sum(p.numel() for p in blocks.build(name, conv_residual()).parameters()) == plain


def code_of(call) -> str:
    with pytest.raises(RkblocksError) as error:
        call()
    return error.value.diagnostics[0].code


def test_statistics_belong_to_one_block() -> None:
    block = blocks.build("ssp3", conv_residual())
    assert code_of(lambda: blocks.build("ssp3", block.residual)) == "RK504"
    assert code_of(lambda: blocks.build("ssp2", block.residual)) == "RK504"
    assert code_of(lambda: blocks.build("euler", copy.deepcopy(block.residual))) == "RK504"
    twin = copy.deepcopy(block)
    assert code_of(lambda: blocks.build("ssp3", twin.residual)) == "RK504"
    again = blocks.build("ssp3", copy.deepcopy(block.residual))  # a free copy is as good as new
    again(images())
    assert again.residual[0].num_batches_tracked.tolist() == [1, 1, 1]
    assert block.residual[0].num_batches_tracked.tolist() == [0, 0, 0]


def test_the_residual_of_a_block_that_is_gone_is_free() -> None:
    residual = blocks.build("ssp3", conv_residual()).residual
    gc.collect()
    assert blocks.build("ssp3", residual).residual is residual


def test_sharing_a_residual_is_allowed_with_shared_statistics() -> None:
    residual = conv_residual()
    first = blocks.build("ssp3", residual, statistics="shared")
    assert blocks.build("ssp2", residual, statistics="shared").residual is first.residual


@pytest.mark.parametrize(
    "layer",
    [nn.LazyBatchNorm2d(), nn.InstanceNorm2d(4, track_running_stats=True)],
    ids=lambda m: type(m).__name__,
)
@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_layers_that_cannot_keep_statistics_per_stage(layer: nn.Module) -> None:
    assert code_of(lambda: blocks.build("ssp2", nn.Sequential(layer))) == "RK505"
    blocks.build("euler", nn.Sequential(layer))
    blocks.build("ssp2", nn.Sequential(layer), statistics="shared")


def test_an_unknown_choice() -> None:
    assert code_of(lambda: blocks.build("ssp2", nn.Tanh(), statistics="batch")) == "RK503"
