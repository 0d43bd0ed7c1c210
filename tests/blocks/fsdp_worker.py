"""One process of the test of FSDP: a network with learned coefficients, sharded, for some steps of training."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard

from rkblocks import blocks

STEPS = 3


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def model() -> nn.Sequential:
    torch.manual_seed(0)
    parts = [nn.Sequential(nn.LayerNorm(8), nn.Linear(8, 8), nn.Tanh()) for _ in range(2)]
    return nn.Sequential(nn.Linear(4, 8), *(blocks.build("ark", part) for part in parts), nn.Linear(8, 2))


def batch() -> Tensor:
    return torch.randn(6, 4, generator=torch.Generator().manual_seed(1))


def train(net: nn.Module, x: Tensor) -> None:
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(STEPS):
        optimizer.zero_grad()
        net(x).square().mean().backward()
        optimizer.step()


def work(rank: int, port: int, version: int, folder: str) -> None:
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu" if version == 2 else "cuda", (2,))
    net: nn.Module = model()
    if version == 1:
        net = FullyShardedDataParallel(net, device_mesh=mesh, use_orig_params=True)
    else:
        for block in net[1:3]:
            fully_shard(block, mesh=mesh)
        fully_shard(net, mesh=mesh)
    train(net, batch().chunk(2)[rank])
    if version == 1:
        with FullyShardedDataParallel.summon_full_params(net):
            state = {name: value.detach().clone() for name, value in net.module.state_dict().items()}
    else:
        state = get_model_state_dict(net, options=StateDictOptions(full_state_dict=True))
    if rank == 0:
        torch.save(state, Path(folder) / "state.pt")
    dist.barrier()
    dist.destroy_process_group()
