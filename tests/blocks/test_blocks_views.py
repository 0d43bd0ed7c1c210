"""What each stage sees of F: no call can be told the stage of another, whoever calls, wherever, whenever."""

import copy
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import MethodType

import pytest
import torch
from blocks_common import Field3, conv_residual, images
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from rkblocks import blocks
from rkblocks.blocks.norm_statistics import StageBatchNorm
from rkblocks.diagnostics import RkblocksError
from rkblocks.nets import PreActivation


def trained(residual: nn.Module, scheme: str = "ssp3", **options: object) -> blocks.RKBlock:
    """A block whose stages have statistics that differ, in evaluation mode."""
    block = blocks.build(scheme, residual, **options)
    with torch.no_grad():
        for seed in range(3):
            block(3 * images(4, seed=seed) + 1)
    return block.eval()


def in_threads(call: Callable[[int], object], threads: int, times: int) -> list[object]:
    """What the calls give, made by all threads at once."""
    barrier = threading.Barrier(threads)

    def work(thread: int) -> list[object]:
        barrier.wait()
        return [call(thread) for _ in range(times)]

    with ThreadPoolExecutor(threads) as pool:
        return [result for results in pool.map(work, range(threads)) for result in results]


@pytest.mark.parametrize("memory", ["full", "norm", "stage"])
def test_eight_threads_get_what_one_gets(memory: str) -> None:
    block = trained(conv_residual(), memory=memory)
    batches = [images(seed=i) for i in range(8)]
    before = {name: value.clone() for name, value in block.state_dict().items()}

    def gradient(thread: int) -> tuple[Tensor, Tensor]:
        x = batches[thread].clone().requires_grad_()
        y = block(x)
        return y.detach(), torch.autograd.grad(y.square().sum(), x)[0]

    expected = [gradient(thread) for thread in range(8)]
    found = in_threads(gradient, 8, 30)
    for i, (y, slope) in enumerate(found):
        assert torch.equal(y, expected[i // 30][0])
        assert torch.equal(slope, expected[i // 30][1])
    assert all(torch.equal(value, before[name]) for name, value in block.state_dict().items())
    assert list(block.state_dict()) == list(before)


def test_threads_compiled() -> None:
    torch._dynamo.reset()
    block = trained(conv_residual())
    compiled = torch.compile(block, fullgraph=True, backend="eager")
    batches = [images(seed=i) for i in range(8)]
    expected = [compiled(x) for x in batches]
    found = in_threads(lambda thread: compiled(batches[thread]), 8, 20)
    assert all(torch.equal(y, expected[i // 20]) for i, y in enumerate(found))
    torch._dynamo.reset()


def test_nothing_is_written_by_a_call_in_evaluation() -> None:
    """No attribute of the block or of F is another object afterwards: there is no state of a call."""
    block = trained(conv_residual())
    block(images())
    before = [(module, dict(vars(module))) for module in block.modules()]
    block(images())
    for module, attributes in before:
        assert vars(module).keys() == attributes.keys()
        assert all(vars(module)[name] is value for name, value in attributes.items())


def test_replicas_see_themselves() -> None:
    """What DataParallel does: shallow copies with parameters and buffers of their own, called in threads."""
    block = trained(conv_residual())

    def replica(module: nn.Module, shift: float) -> nn.Module:
        twin = module._replicate_for_data_parallel()
        for name, child in module._modules.items():
            setattr(twin, name, replica(child, shift))
        for name, parameter in module._parameters.items():
            setattr(twin, name, None if parameter is None else parameter + shift)
        for name, buffer in module._buffers.items():
            twin._buffers[name] = buffer.clone()
        return twin

    twins = [replica(block, shift) for shift in (0.0, 0.1)]
    expected = []
    for shift in (0.0, 0.1):
        other = copy.deepcopy(block)
        for parameter in other.parameters():
            parameter.data += shift
        expected.append(other(images()))
    found = in_threads(lambda thread: twins[thread](images()), 2, 20)
    assert all(torch.equal(y, expected[i // 20]) for i, y in enumerate(found))


class Checkpointed(nn.Module):
    """F whose user recomputes a part of it: in the backward pass, long after the last stage."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = conv_residual()

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint(self.inner, x, use_reentrant=False)


@pytest.mark.parametrize("memory", ["full", "norm", "stage"])
def test_checkpoints_inside_f_and_around_the_block(memory: str) -> None:
    plain = trained(conv_residual())
    inside = trained(Checkpointed(), memory=memory)
    results = []
    for run in (plain, inside, lambda x: checkpoint(plain, x, use_reentrant=False)):
        x = images(seed=9).requires_grad_()
        y = run(x)
        results.append((y, torch.autograd.grad(y.square().sum(), x)[0]))
    for y, slope in results[1:]:
        assert torch.equal(y, results[0][0])
        assert torch.equal(slope, results[0][1])


def test_a_block_called_in_the_middle_of_its_own_step() -> None:
    """A hook inside F calls the block again, as an attack or a monitor may."""
    block = trained(conv_residual())
    expected, nested = block(images()), []

    def again(*_: object) -> None:
        if not nested:
            nested.append(block)  # once
            nested[0] = block(images(seed=5))

    handle = block.residual[2].register_forward_hook(again)
    assert torch.equal(block(images()), expected)
    handle.remove()
    assert all(torch.equal(y, block(images(seed=5))) for y in nested)


def test_a_block_inside_f() -> None:
    """Norms whose stages are those of an inner block cannot be those of an outer one; without such it is a layer."""
    inner = trained(conv_residual(), "ssp2")
    with pytest.raises(RkblocksError, match="statistics for 2 stages"):
        blocks.build("ssp3", nn.Sequential(nn.BatchNorm2d(4), inner))
    inner = trained(conv_residual(), "ssp2", statistics="shared")
    outer = blocks.build("ssp3", nn.Sequential(nn.GroupNorm(2, 4), inner), statistics="shared")
    x = images()
    u1 = x + outer.residual(x)
    u2 = 0.75 * x + 0.25 * (u1 + outer.residual(u1))
    torch.testing.assert_close(outer(x), x / 3 + 2 * (u2 + outer.residual(u2)) / 3)


@given(st.integers(0, 2), st.booleans(), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_a_view_is_the_module_with_one_row_of_statistics(stage: int, training: bool, seed: int) -> None:
    block = trained(PreActivation(4))
    alone = PreActivation(4)
    rows = {"running_mean", "running_var", "num_batches_tracked"}
    state = {n: v[stage] if n.split(".")[-1] in rows else v for n, v in block.residual.state_dict().items()}
    alone.load_state_dict(state)
    block.train(training), alone.train(training)
    view = block.at(stage)
    x = images(seed=seed)
    assert torch.equal(view(x), alone(x))
    for name, value in alone.state_dict().items():
        found = block.residual.state_dict()[name]
        assert torch.equal(found[stage] if name.split(".")[-1] in rows else found, value)


def test_a_view_has_what_the_module_has() -> None:
    block = trained(conv_residual())
    view, residual = block.at(1), block.residual
    assert isinstance(view, nn.Sequential)
    assert view == residual
    assert residual == view
    assert {residual: 1}[view] == 1
    assert view[2] is residual[2]
    assert [id(p) for p in view.parameters()] == [id(p) for p in residual.parameters()]
    residual.train()
    assert view.training
    assert view[0].training
    view.note = "written through a view"
    assert residual.note == view.note
    seen: list[nn.Module] = []
    residual.register_forward_hook(lambda module, *_: seen.append(module))
    block.eval()(images())
    assert seen == [residual] * 3


def test_layers_exchanged_after_building() -> None:
    block = trained(conv_residual())
    block(images())
    other = nn.Conv2d(4, 4, 3, padding=1)
    block.residual[2] = other
    expected = copy.deepcopy(block)(images())
    assert torch.equal(block(images()), expected)
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(block, fullgraph=True, backend="eager")(images()), expected)
    block.residual[5] = other
    with pytest.raises(Exception, match="call the block once, then compile"):
        torch.compile(block, fullgraph=True, backend="eager")(images())
    torch._dynamo.reset()


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(RkblocksError) as error:
        call()
    (found,) = error.value.diagnostics
    assert found.help
    return f"{found.code}: {found.message}"


def test_forwards_of_an_instance() -> None:
    """A method of the module is run on the view; what is bound to the module otherwise is refused, not run wrongly."""
    block = trained(conv_residual())
    expected = block(images())
    residual = block.residual
    residual.forward = MethodType(lambda self, x: nn.Sequential.forward(self, x), residual)
    assert torch.equal(block(images()), expected)
    original = nn.Sequential.forward.__get__(residual)
    residual.forward = lambda x: original(x)
    assert refused(lambda: block(images())).startswith("RK535: a Sequential inside F has a forward of its own")
    del residual.forward
    residual.compile(backend="eager")
    assert refused(lambda: block(images())).startswith("RK535: a Sequential inside F was compiled by itself")


def test_sync_batch_norm_before_building_and_after() -> None:
    plain = trained(conv_residual())
    block = blocks.build("ssp3", nn.SyncBatchNorm.convert_sync_batchnorm(conv_residual()))
    assert isinstance(block.residual[0], StageBatchNorm)
    assert issubclass(type(block.at(1)[0]), nn.SyncBatchNorm)
    block.load_state_dict(plain.state_dict())
    assert torch.equal(block.eval()(images()), plain(images()))
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(trained(conv_residual()))
    assert refused(lambda: converted(images())).startswith("RK535: a SyncBatchNorm has taken the place of a norm layer")
    alone = nn.SyncBatchNorm.convert_sync_batchnorm(blocks.build("ssp3", nn.BatchNorm2d(4)))
    assert refused(lambda: alone(images())).startswith("RK535")
    back = blocks.retrofit(block, "euler")
    assert type(back.residual[0]) is nn.SyncBatchNorm


def test_hooks_of_norm_layers_stay() -> None:
    residual, seen = conv_residual(), []
    residual[0].register_forward_hook(lambda *_: seen.append(1))
    block = blocks.build("ssp3", residual)
    block(images())
    assert len(seen) == 3
    blocks.retrofit(block, "euler")(images())
    assert len(seen) == 4


@pytest.mark.parametrize("assign", [False, True])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_loading_gives_every_stage_memory_of_its_own(assign: bool, device: str) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    plain = conv_residual()
    plain(images())
    state = {f"residual.{name}": value for name, value in plain.state_dict().items()}
    with torch.device(device):
        block = blocks.build("ssp3", conv_residual())
    if device == "meta" and not assign:
        block = block.to_empty(device="cpu")
    block.load_state_dict(state, assign=assign)
    norm = block.residual[0]
    assert norm.running_mean.stride() == (4, 1)
    before = norm.num_batches_tracked.clone()
    block(images(seed=2))
    assert (norm.num_batches_tracked - before).tolist() == [1, 1, 1]
    assert not torch.equal(norm.running_mean[0], norm.running_mean[1])
    assert len(safetensors.save(block.state_dict())) > 0


class Masked(nn.Module):
    """F with a mask, an embedding that gradients reach, and a word."""

    def forward(self, x: Tensor, t: object, embedding: Tensor, *, mask: Tensor, mode: str = "tanh") -> Tensor:
        assert mask.dtype == torch.bool
        return torch.where(mask, getattr(torch, mode)(x + embedding), 0.0) * (1 + t)


@pytest.mark.parametrize("memory", ["full", "norm", "stage"])
def test_further_arguments_reach_f_unchanged(memory: str) -> None:
    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mask = x > 0
    block = blocks.build("midpoint", Masked(), time=True, memory=memory)
    embedding = torch.ones(3, dtype=torch.float64, requires_grad=True)
    for _ in range(2):
        y = block(x, 0.5, embedding, mask=mask, mode="sin")

        def f(u: Tensor, t: float) -> Tensor:
            return torch.where(mask, torch.sin(u + embedding), 0.0) * (1 + t)

        expected = x + f(x + f(x, 0.5) / 2, 1.0)
        torch.testing.assert_close(y, expected)
        torch.testing.assert_close(
            torch.autograd.grad(y.sum(), embedding), torch.autograd.grad(expected.sum(), embedding)
        )
    assert torch.equal(block(x, embedding=embedding, mask=mask, mode="sin", t=0.5), y)
    torch._dynamo.reset()
    compiled = torch.compile(block, fullgraph=True, backend="eager")
    torch.testing.assert_close(compiled(x, 0.5, embedding, mask=mask, mode="sin"), y)
    text = refused(lambda: blocks.build("ssp2", Field3())(x, 0.5))
    assert text.startswith("RK510: the block is called with what its F, Field3, does not take: too many positional")


def test_a_tensor_is_no_time_unless_built_so() -> None:
    class Sum(nn.Module):
        def forward(self, x: Tensor, other: Tensor) -> Tensor:
            return other - x

    x, other = torch.zeros(2), torch.ones(2)
    expected = blocks.build("rk4", Field3())
    block = blocks.build("rk4", Sum())
    assert torch.allclose(block(x, other), torch.full((2,), 1 - (1 - 1 + 1 / 2 - 1 / 6 + 1 / 24)))
    assert not expected.step.time
