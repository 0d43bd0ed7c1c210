"""A stand-in for MNIST or CIFAR-10: scikit-learn's digits, enlarged, as an image folder of 800 images.

Only `--tiny` uses it. It shows that everything runs; its numbers say nothing about MNIST or CIFAR-10.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch.nn.functional import interpolate

from rkblocks import data
from rkblocks.extras import require


def stand_in(folder: Path, size: int, channels: int) -> str:
    """Return the name of `folder` as a data set, filled, having said so."""
    print(f"Enlarged digits of scikit-learn stand in for the data set, in {folder}.", file=sys.stderr)
    return str(digits_folder(folder, size, channels))


def digits_folder(folder: Path, size: int, channels: int, per_class: int = 40) -> Path:
    """Return `folder`, filled with train/CLASS/*.png and test/CLASS/*.png of `size` x `size` pixels."""
    image = require("PIL.Image", "vision", "writing images")
    digits = data.load("digits", validation=0.0)
    for part, split in (("train", digits.train), ("test", digits.test)):
        for label in range(10):
            target = folder / part / str(label)
            target.mkdir(parents=True, exist_ok=True)
            rows = torch.nonzero(split.labels == label)[:per_class, 0]
            large = interpolate(split.images[rows].float(), size=(size, size), mode="bilinear").round().to(torch.uint8)
            for number, picture in enumerate(large.expand(-1, channels, -1, -1)):
                pixels = picture[0] if channels == 1 else picture.permute(1, 2, 0)
                image.fromarray(pixels.numpy()).save(target / f"{number:03d}.png")
    return folder
