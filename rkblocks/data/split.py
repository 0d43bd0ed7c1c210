"""What a data set is to the rest of the package, and how a validation split is held out of training."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from rkblocks.diagnostics import fail


@dataclass(frozen=True)
class Split:
    """Images uint8 [n, C, H, W] and labels int64 [n], both on one device."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Tensor) -> Split:
        """The examples at these positions, in this order."""
        return Split(self.images.index_select(0, rows), self.labels[rows])  # whole images: a copy each

    def to(self, device: str | torch.device) -> Split:
        """The same split on another device."""
        return Split(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class Raw:
    """A data set as its reader gives it: uint8 images and labels of the two splits it comes with, class names, a note.

    mean, std: for each channel of images in [0, 1] as the field uses them; None asks for those of the training images.
    """

    train: Split
    test: Split
    classes: tuple[str, ...]
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    note: str = ""


@dataclass(frozen=True)
class Dataset:
    """A data set ready for training. `train` lacks the examples of `validation`; `note` belongs to every result."""

    name: str
    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    note: str = ""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width of an image."""
        channels, height, width = self.train.images.shape[1:]
        return channels, height, width


def unit(images: Tensor) -> Tensor:
    """uint8 images as float32 in [0, 1]."""
    return images.to(torch.float32, copy=True).div_(255)


def hold_out(labels: Tensor, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Positions kept and positions held out (both ascending): of every class the same share, rounded, by chance.

    Args:
        labels: int64 [n], on the CPU.
        share: of each class to hold out, in [0, 1).
        generator: a CPU generator; the same seed holds out the same examples.

    Raises:
        RkblocksError: RK603 where a class would keep no example.
    """
    held = torch.zeros(len(labels), dtype=torch.bool)
    for label in sorted(set(labels.tolist())):
        rows = (labels == label).nonzero()[:, 0]
        count = round(share * len(rows))
        if count >= len(rows):
            fail("RK603", f"class {label} has {len(rows)} training images; {share:g} of them leave none to train on")
        held[rows[torch.randperm(len(rows), generator=generator)[:count]]] = True
    return (~held).nonzero()[:, 0], held.nonzero()[:, 0]


def fingerprint(data: Dataset) -> str:
    """The SHA-256 of all labels and images of all splits, in their order: equal if and only if the data are."""
    digest = hashlib.sha256()
    for split in (data.train, data.validation, data.test):
        for tensor in (split.labels, split.images):
            digest.update(f"{tuple(tensor.shape)}".encode())
            digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()


def moments(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel of uint8 images [n, C, H, W], in units of [0, 1].

    Worked out from the 256 counts of a channel in float64, so that no image is ever converted.
    """
    levels = torch.arange(256, dtype=torch.float64) / 255
    means, deviations = [], []
    for channel in images.unbind(1):
        share = torch.bincount(channel.flatten(), minlength=256).cpu().double() / channel.numel()
        mean = float(share @ levels)
        variance = float(share @ (levels - mean) ** 2)
        means.append(mean)
        deviations.append(variance**0.5 if variance > 0 else 1.0)  # a constant channel needs no scaling
    return tuple(means), tuple(deviations)
