"""MNIST, Fashion-MNIST and CIFAR-10, read by torchvision from where the user keeps them; nothing is downloaded here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from rkblocks.data.split import Raw, Split
from rkblocks.diagnostics import fail
from rkblocks.extras import require


@dataclass(frozen=True)
class Source:
    """A torchvision class, and the mean and deviation that the published code uses (none for grey images)."""

    name: str
    torchvision_class: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


MNIST = Source("mnist", "MNIST", (0.0,), (1.0,))
FASHION = Source("fashion", "FashionMNIST", (0.0,), (1.0,))
CIFAR10 = Source("cifar10", "CIFAR10", (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010))


def read(source: Source, root: Path) -> Raw:
    """The data set under `root`, as torchvision lays it out (MNIST/raw, FashionMNIST/raw, cifar-10-batches-py).

    Raises:
        RkblocksError: RK901, RK902 (torchvision), RK602 (not there, or damaged).
    """
    train, test = _torchvision(source, root)
    return Raw(_split(train), _split(test), tuple(str(name) for name in train.classes), source.mean, source.std)


mnist, fashion, cifar10 = (partial(read, source) for source in (MNIST, FASHION, CIFAR10))


def _torchvision(source: Source, root: Path) -> tuple[Any, Any]:
    """The two torchvision data sets. Only this function touches torchvision, which may be missing or unable to load."""
    datasets = require("torchvision.datasets", "vision", f"the {source.name} data set")
    reader = getattr(datasets, source.torchvision_class)
    try:
        return reader(root, train=True, download=False), reader(root, train=False, download=False)
    except (RuntimeError, OSError, EOFError, ValueError) as error:
        reason = " ".join(str(error).split()).removesuffix(" You can use download=True to download it")
        fetch = f"import torchvision; torchvision.datasets.{source.torchvision_class}({str(root)!r}, download=True)"
        fail(
            "RK602",
            f"data set {source.name} cannot be read under {root}: {reason}",
            help=f'point --data-root or RKBLOCKS_DATA to it, or download it once: python -c "{fetch}"',
        )


def _split(part: Any) -> Split:
    images = torch.as_tensor(part.data)
    images = images[:, None] if images.dim() == 3 else images.permute(0, 3, 1, 2)
    return Split(images.to(torch.uint8).contiguous(), torch.as_tensor(part.targets, dtype=torch.int64))
