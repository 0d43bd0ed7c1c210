"""Blurs: convolutions of each channel with one kernel."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from rkblocks.attacks.streams import Streams


def gaussian_blur(x: Tensor, deviation: float, streams: Streams) -> Tensor:
    """Return x under a Gaussian cut off at four deviations, the border repeated (as skimage.filters.gaussian)."""
    line = _line(int(4 * deviation + 0.5), deviation, x)
    return _filtered(x, line[:, None] * line[None, :], "replicate")


def defocus_blur(x: Tensor, lens: tuple[float, float], streams: Streams) -> Tensor:
    """Return x under a disk of this radius, itself smoothed by a 3x3 Gaussian of this deviation; borders mirrored."""
    radius, deviation = lens
    reach = int(radius) + 1  # one pixel more than the disk, for its smoothed rim
    at = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    disk = (at[:, None] ** 2 + at[None, :] ** 2 <= radius**2).to(x.dtype)
    line = _line(1, deviation, x)
    smooth = F.conv2d(disk[None, None] / disk.sum(), (line[:, None] * line[None, :])[None, None], padding=1)
    return _filtered(x, smooth[0, 0], "reflect")


def _line(reach: int, deviation: float, like: Tensor) -> Tensor:
    at = torch.arange(-reach, reach + 1, device=like.device, dtype=like.dtype)
    weights = torch.exp(-(at**2) / (2 * deviation**2))
    return weights / weights.sum()


def _filtered(x: Tensor, kernel: Tensor, border: str) -> Tensor:
    reach = kernel.shape[0] // 2
    padded = F.pad(x, (reach,) * 4, mode=border)
    return F.conv2d(padded.flatten(0, 1)[:, None], kernel[None, None]).reshape(x.shape)
