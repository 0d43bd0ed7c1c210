"""What each process does in `test_training_parallel`; the same functions, called alone, are the reference."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import torch
from commands import signalled
from safetensors.torch import load_file
from torch import Tensor, nn

from rkblocks import distributed, nets
from rkblocks.attacks.streams import as_streams
from rkblocks.diagnostics import RkblocksError
from rkblocks.training import load, loop, parallel, resume, train, validation

State = dict[str, Tensor]
CASES = [("full", "stage"), ("norm", "stage"), ("stage", "stage"), ("full", "shared")]
ROWS, COPIES = 7, 2


def network(memory: str, statistics: str) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    net = nets.grouped(
        "ark,ssp2", 1, widths=(3, 4), channels=1, memory=memory, statistics=statistics, generator=generator
    )
    return net.double()


def some_steps(memory: str, statistics: str) -> State:
    """The state after three steps on seven images, which two processes have to divide unevenly."""
    model = network(memory, statistics)
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(3, ROWS, 1, 6, 6, generator=generator, dtype=torch.float64)
    labels = torch.randint(10, (3, ROWS), generator=generator)
    own = distributed.part(ROWS)
    net = parallel.divide(model, torch.device("cpu"))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    with parallel.synchronised():
        for x, y in zip(images, labels, strict=True):
            optimizer.zero_grad()
            parallel.backward(nn.functional.cross_entropy(net(x[own]), y[own]), ROWS)
            optimizer.step()
    return model.state_dict()


def drawn() -> dict[str, Tensor]:
    """Noise for the own part, gathered: of single rows, and of copies."""
    like = torch.empty(ROWS, 2, dtype=torch.float64)[distributed.part(ROWS)]
    streams = parallel.part_streams({"noise": torch.Generator().manual_seed(2)}, ROWS)["noise"]
    source = as_streams(streams)
    found = {"uniform": source.uniform(like, "x"), "normal": source.normal(like, "x")}
    copies = source.uniform(like.repeat(COPIES, 1), "x").view(COPIES, len(like), 2)
    found |= {f"copy {i}": copy for i, copy in enumerate(copies)}
    return {name: distributed.gather(value) for name, value in found.items()}


def divided() -> dict[str, State]:
    return {"noise": drawn()} | {"-".join(case): some_steps(*case) for case in CASES}


TINY = {
    "data.validation": 0.2,
    "net.blocks": "ark,ssp2",
    "net.widths": [3, 4],
    "training.device": "cpu",
    "training.epochs": 2,
    "training.batch_size": 381,  # three steps an epoch; two processes have 191 and 190
    "training.eval_batch_size": 150,
    "attack.steps": 2,
    "validation.steps": 2,
    "validation.images": 75,
}
RUNS = {
    "adversarial": {
        "net.memory": "norm",
        "data.padding": 1,
        "data.flip": True,
        "averaging.kind": "ema",
        "attack.fold": True,
    },
    "train-mode": {"attack.mode": "train", "attack.norm": "l2", "attack.eps": "1/2", "training.loss": "trades"},
    "noise": {"training.method": "noise", "noise.copies": 2, "net.memory": "stage", "optimizer.nesterov": False},
}
STOPPED = "adversarial"


def in_float64() -> None:
    """Have this process train in double precision, where rounding cannot hide a difference."""
    torch.set_default_dtype(torch.float64)
    loop.unit = validation.unit = lambda images: images.double() / 255


def member(rank: int, size: int, port: int, number: int = 0, steps: int = 0) -> None:
    """Make this process one of a group, by the environment that torchrun gives, in double precision.

    The last process gets the signal of this number, if any, after some steps.
    """
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in {"RANK": rank, "WORLD_SIZE": size, **place}.items()})
    in_float64()
    if number and rank == size - 1:
        signalled(number, steps)


def trained(folder: str, name: str) -> State:
    """The weights of one run of RUNS; its metrics are in its folder."""
    in_float64()
    out = train(load("digits", TINY | RUNS[name]), Path(folder) / name, progress=False)
    return load_file(out / "last.safetensors")


def all_trained(folder: str) -> dict[str, State]:
    return {name: trained(folder, name) for name in RUNS}


def stopped(folder: str, at: int) -> str:
    """Train until the last process alone gets a signal in step `at`; what each process says."""
    in_float64()
    if distributed.rank() == distributed.size() - 1:
        signalled(signal.SIGTERM, at)
    try:
        train(load("digits", TINY | RUNS[STOPPED]), Path(folder) / "stopped", progress=False)
    except RkblocksError as error:
        return str(error)
    return "not stopped"


def resumed(folder: str) -> State:
    in_float64()
    return load_file(resume(Path(folder) / "stopped", progress=False) / "last.safetensors")
