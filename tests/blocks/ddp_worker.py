"""What each of two processes does in `test_blocks_parallel`: some steps of a block under DistributedDataParallel."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from rkblocks import blocks
from rkblocks.nets import PreActivation

CASES = [("ssp3", "group", "full"), ("ark", "group", "norm"), ("ssp2", "group", "stage"), ("ark", "batch", "full")]
STEPS = 2


def model(scheme: str, norm: str, memory: str) -> nn.Module:
    torch.manual_seed(0)
    return blocks.build(scheme, PreActivation(4, norm), memory=memory)


def batch() -> Tensor:
    return torch.randn(4, 4, 6, 6, generator=torch.Generator().manual_seed(1))


def loss(y: Tensor) -> Tensor:
    return (y * y.detach().cos()).mean()


def work(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    x = batch()[2 * rank : 2 * rank + 2]
    for i, case in enumerate(CASES):
        block = DistributedDataParallel(model(*case))
        optimizer = torch.optim.SGD(block.parameters(), lr=0.1)
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss(block(x)).backward()
            optimizer.step()
        torch.save(block.module.state_dict(), Path(folder) / f"{i}-{rank}.pt")
    distributed.destroy_process_group()
