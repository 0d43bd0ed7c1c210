"""Runs a function in several processes that form a gloo group, and gives back what each of them returned.

The processes are forked from a server that has loaded torch once.
"""

from __future__ import annotations

import multiprocessing
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["rkblocks.training", "rkblocks.cli.train", "sklearn.datasets"])


def _work(rank: int, count: int, folder: str, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    torch.set_num_threads(1)
    options = {"rank": rank, "world_size": count, "timeout": timedelta(seconds=60)}
    distributed.init_process_group("gloo", f"file://{folder}/store", **options)
    torch.save(function(*arguments), Path(folder) / f"{rank}.pt")
    distributed.destroy_process_group()


def in_processes(count: int, folder: Path, function: Callable[..., Any], *arguments: Any) -> list[Any]:
    """What `function`, of a module that a child can import, returns in each process: tensors, numbers, texts."""
    place = folder / uuid.uuid4().hex
    place.mkdir()
    settings = (count, str(place), function, arguments)
    torch.multiprocessing.start_processes(_work, args=settings, nprocs=count, start_method="forkserver")
    return [torch.load(place / f"{rank}.pt") for rank in range(count)]
