"""Blocks under torch.compile, torch.export, vmap and functional_call."""

import copy

import pytest
import torch
import torch._dynamo.testing
from blocks_common import DOUBLE, Field3, conv_residual, images
from torch import nn

from rkblocks import blocks


@pytest.fixture(autouse=True)
def fresh_compiler():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.mark.parametrize("name", ["ssp3", "ark"])
def test_compiles_to_one_graph_and_keeps_statistics(name: str) -> None:
    """Three calls, one graph: telling the norm layers the stage neither breaks the graph nor recompiles it."""
    block = blocks.build(name, conv_residual())
    eager = copy.deepcopy(block)
    counter = torch._dynamo.testing.CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(block, fullgraph=True, backend=counter)
    for seed in range(3):
        x = images(seed=seed)
        ours, theirs = compiled(x), eager(x)
        torch.testing.assert_close(ours, theirs)
        for module, y in ((block, ours), (eager, theirs)):
            module.zero_grad()
            y.square().sum().backward()
        for p, q in zip(block.parameters(), eager.parameters(), strict=True):
            torch.testing.assert_close(p.grad, q.grad)
    assert counter.frame_count == 1
    for a, b in zip(block.buffers(), eager.buffers(), strict=True):
        torch.testing.assert_close(a, b)


def test_two_blocks_in_one_graph() -> None:
    net = nn.Sequential(blocks.build("ssp2", conv_residual()), blocks.build("ssp3", conv_residual(seed=1)))
    eager = copy.deepcopy(net)
    compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(images()), eager(images()))


def test_learned_step_size_and_time_compile() -> None:
    class Forced(nn.Module):
        def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            return torch.sin(x + t)

    block = blocks.build("rk4", Forced(), dt=0.5, time=True, learn_dt=True)
    compiled = torch.compile(block, fullgraph=True, backend="eager")
    x, t = torch.randn(3), torch.tensor(0.3)
    torch.testing.assert_close(compiled(x, t), block(x, t))


@pytest.mark.parametrize("name", ["ssp3", "ark"])
def test_export(name: str) -> None:
    block = blocks.build(name, conv_residual())
    block(images())
    block.eval()
    exported = torch.export.export(block, (images(),))
    torch.testing.assert_close(exported.module()(images(seed=4)), block(images(seed=4)))
    assert set(exported.state_dict) == set(block.state_dict())


def test_vmap_over_inputs_and_over_weights() -> None:
    block = blocks.build("ark", Field3()).double()
    x = torch.randn(5, 2, 3, dtype=DOUBLE)
    torch.testing.assert_close(torch.vmap(block)(x), torch.stack([block(row) for row in x]))
    copies = [copy.deepcopy(block) for _ in range(3)]
    for i, twin in enumerate(copies):
        twin.raw["beta10"].data.fill_(0.5 * i)
    parameters, buffers = torch.func.stack_module_state(copies)

    def call(p, b, x):
        return torch.func.functional_call(block, (p, b), (x,))

    stacked = torch.vmap(call, in_dims=(0, 0, None))(parameters, buffers, x[0])
    torch.testing.assert_close(stacked, torch.stack([twin(x[0]) for twin in copies]))


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")  # torch itself, for forward mode
@pytest.mark.parametrize("name", ["rk4", "dopri5", "ssprk104"])
def test_sums_written_over_under_transforms(name: str) -> None:
    """vmap over x and over the weights, per-example gradients, forward mode: as one example at a time."""
    block = blocks.build(name, Field3())
    x = torch.randn(5, 2, 3, dtype=DOUBLE)
    torch.testing.assert_close(torch.vmap(block)(x), torch.stack([block(row) for row in x]))
    twins = [blocks.build(name, Field3(seed)) for seed in range(3)]
    parameters, buffers = torch.func.stack_module_state(twins)

    def call(p, b, x):
        return torch.func.functional_call(block, (p, b), (x,))

    stacked = torch.vmap(call, in_dims=(0, 0, None))(parameters, buffers, x[0])
    torch.testing.assert_close(stacked, torch.stack([twin(x[0]) for twin in twins]))
    single = dict(block.named_parameters())
    gradients = torch.vmap(torch.func.grad(lambda p, x: call(p, {}, x).square().sum()), in_dims=(None, 0))(single, x)
    for i, row in enumerate(x):
        expected = torch.autograd.grad(block(row).square().sum(), block.residual.weight)[0]
        torch.testing.assert_close(gradients["residual.weight"][i], expected)
    tangent = torch.randn_like(x[0])
    along = torch.func.jvp(block, (x[0],), (tangent,))[1]
    step = 1e-6
    torch.testing.assert_close(
        along, (block(x[0] + step * tangent) - block(x[0] - step * tangent)) / (2 * step), atol=1e-7, rtol=1e-6
    )


def test_vmap_of_batch_norm_in_evaluation() -> None:
    block = blocks.build("ssp2", conv_residual()).eval()
    x = torch.stack([images(seed=i) for i in range(3)])
    torch.testing.assert_close(torch.vmap(block)(x), torch.stack([block(i) for i in x]))
