"""JPEG at a given quality, as libjpeg compresses: tensor operations on whole batches, no file and no Pillow.

8 bit; YCbCr with chroma averaged 2x2 for three channels, one channel as it is; an 8x8 cosine transform; the tables of
ITU-T T.81, annex K, scaled by the quality; the decoder interpolates chroma linearly. Huffman coding loses nothing and
is left out. Other numbers of channels are compressed one by one, each as luminance.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from rkblocks.attacks.streams import Streams

LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)


def jpeg_compression(x: Tensor, quality: int, streams: Streams) -> Tensor:
    """Return the images after compression and decompression, in steps of 1/255."""
    pixels = (x * 255).round()
    if x.shape[1] != 3:
        return _coded(pixels, LUMINANCE, quality) / 255
    red, green, blue = pixels.unbind(1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = torch.stack([(blue - luma) / 1.772, (red - luma) / 1.402], dim=1) + 128
    luma = _coded(luma[:, None].round(), LUMINANCE, quality)[:, 0]
    height, width = x.shape[2:]
    even = F.pad(chroma.round(), (0, width % 2, 0, height % 2), mode="replicate")
    small = _coded(_halved(even), CHROMINANCE, quality)
    wide = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)[:, :, :height, :width]
    cb, cr = (wide.round() - 128).unbind(1)
    colours = [luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb]
    return torch.stack(colours, dim=1).round().clamp(0, 255) / 255


def scaled(table: tuple[tuple[int, ...], ...], quality: int) -> list[list[int]]:
    """Return the quantisation table of a quality from 1 to 100 (libjpeg's jpeg_quality_scaling)."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return [[min(max((entry * percent + 50) // 100, 1), 255) for entry in row] for row in table]


def _coded(planes: Tensor, table: tuple[tuple[int, ...], ...], quality: int) -> Tensor:
    """Return planes [n, c, h, w] of 0 to 255 after transform, rounding to multiples of the table, and back."""
    height, width = planes.shape[2:]
    padded = F.pad(planes, (0, -width % 8, 0, -height % 8), mode="replicate") - 128
    blocks = padded.unfold(2, 8, 8).unfold(3, 8, 8)
    basis = _cosines(planes)
    steps = torch.tensor(scaled(table, quality), device=planes.device, dtype=planes.dtype)
    grid = 4 * math.sqrt(8)  # the encoder works in integers: rows in units of 1 / grid, then coefficients in eighths
    across = (blocks @ basis.T * grid).round() / grid
    ratio = (basis @ across * 8).round() / 8 / steps
    kept = torch.sign(ratio) * (ratio.abs() + 0.5).floor() * steps  # halves away from zero; integers make them frequent
    back = (basis.T @ kept @ basis).transpose(3, 4).reshape(padded.shape) + 128
    return back[:, :, :height, :width].round().clamp(0, 255)


def _halved(planes: Tensor) -> Tensor:
    """Return the means of 2x2 values, halves rounded down and up in alternate columns as libjpeg does."""
    sums = F.avg_pool2d(planes, 2) * 4
    bias = 1 + torch.arange(sums.shape[3], device=planes.device) % 2
    return ((sums + bias) / 4).floor()


def _cosines(like: Tensor) -> Tensor:
    """Return the orthonormal cosine transform [8, 8]: row k, place j."""
    k, j = torch.arange(8.0, dtype=torch.float64)[:, None], torch.arange(8.0, dtype=torch.float64)[None, :]
    basis = torch.cos(math.pi * (2 * j + 1) * k / 16) / 2
    basis[0] /= math.sqrt(2)
    return basis.to(like.device, like.dtype)
