"""DistributedDataParallel: two processes (gloo, CPU) do what one does with the whole batch."""

from pathlib import Path

import ddp_worker
import pytest
import torch
from ddp_worker import CASES, STEPS, batch, loss, model
from torch import Tensor

State = dict[str, Tensor]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[State, State]]:
    """The states of both processes after all steps, for every case."""
    folder = tmp_path_factory.mktemp("ddp")
    torch.multiprocessing.spawn(ddp_worker.work, args=(str(folder),), nprocs=2)
    return [tuple(torch.load(Path(folder) / f"{i}-{rank}.pt") for rank in (0, 1)) for i in range(len(CASES))]


@pytest.mark.parametrize("i", range(len(CASES)), ids=lambda i: "-".join(CASES[i]))
def test_two_processes_are_one(i: int, states: list[tuple[State, State]]) -> None:
    """The gradient is the mean over the halves: without batch statistics that is the gradient of the whole batch."""
    block = model(*CASES[i])
    halves = [batch()] if CASES[i][1] == "group" else batch().split(2)
    optimizer = torch.optim.SGD(block.parameters(), lr=0.1)
    before = block.residual.conv2.weight.detach().clone()
    for _ in range(STEPS):
        optimizer.zero_grad()
        buffers = {}
        for j, half in enumerate(halves):
            start = {k: v.clone() for k, v in block.named_buffers()}
            (loss(block(half)) / len(halves)).backward()
            buffers[j] = {k: v.clone() for k, v in block.named_buffers()}
            for k, v in block.named_buffers():  # both halves begin at the statistics of the first process
                v.copy_(start[k])
        for k, v in block.named_buffers():
            v.copy_(buffers[0][k])
        optimizer.step()
    assert not torch.equal(block.residual.conv2.weight, before)
    first, second = states[i]
    assert list(first) == list(block.state_dict())
    for name, parameter in block.named_parameters():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], parameter.detach(), rtol=1e-5, atol=1e-6)
    for name, buffer in block.named_buffers():
        torch.testing.assert_close(first[name], buffer, rtol=1e-5, atol=1e-6)
        assert buffer.shape[0] == block.program.calls
