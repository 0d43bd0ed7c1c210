"""On a GPU: CUDA graphs replay a training step; the memory modes give the same bits.  Elsewhere these do not run."""

import copy

import pytest
import torch
from blocks_common import images
from torch import nn

from rkblocks import blocks
from rkblocks.nets import PreActivation

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU: not tested on this machine")


def one_step(block: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Forward and backward, gradients left in place."""
    for parameter in block.parameters():
        parameter.grad = None
    y = block(x)
    (y * y.detach().cos()).sum().backward()
    return y


@pytest.mark.parametrize("memory", ["full", "norm"])
@pytest.mark.parametrize("name", ["euler", "ssp3", "ark"])
def test_graph_of_a_training_step(name: str, memory: str) -> None:
    torch.manual_seed(0)
    block = blocks.build(name, PreActivation(8), memory=memory).cuda()
    eager = copy.deepcopy(block)
    state = copy.deepcopy(block.state_dict())
    x = images(4, 8, 16).cuda()
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            one_step(block, x)
    torch.cuda.current_stream().wait_stream(side)
    for parameter in block.parameters():
        parameter.grad = None
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        y = one_step(block, x)
    block.load_state_dict(state)  # the steps before the capture have moved the statistics
    for seed in (2, 3):
        x.copy_(images(4, 8, 16, seed=seed))
        graph.replay()
        torch.testing.assert_close(y, one_step(eager, x))
        for ours, theirs in zip(block.parameters(), eager.parameters(), strict=True):
            torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-4)
        for ours, theirs in zip(block.buffers(), eager.buffers(), strict=True):
            torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("memory", ["norm", "stage"])
@pytest.mark.parametrize("autocast", [False, True])
def test_memory_modes_give_the_same_bits(memory: str, autocast: bool) -> None:
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True, warn_only=True)
    full = blocks.build("ssp3", PreActivation(8)).cuda()
    lean = copy.deepcopy(full)
    lean.memory = memory
    x = images(4, 8, 16).cuda()
    try:
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=autocast):
            results = [one_step(block, x) for block in (full, lean)]
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(*results)
    for ours, theirs in zip(full.parameters(), lean.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)
