"""Runs a function in several processes that form a gloo group, and gives back what each of them returned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed


def _work(rank: int, count: int, folder: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    store = f"file://{folder}/store-{function.__name__}"
    distributed.init_process_group("gloo", store, rank=rank, world_size=count, timeout=timedelta(seconds=60))
    torch.save(function(*arguments), Path(folder) / f"{function.__name__}-{rank}.pt")
    distributed.destroy_process_group()


def in_processes(count: int, folder: Path, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `function`, of a module that a child can import, returns in each process: tensors, numbers, texts."""
    torch.multiprocessing.spawn(_work, args=(count, str(folder), function, arguments), nprocs=count)
    return [torch.load(folder / f"{function.__name__}-{rank}.pt") for rank in range(count)]
