"""Corruptions pixel by pixel: noise, contrast, brightness. They map images [n, C, H, W] to values yet to be clamped."""

from __future__ import annotations

import torch
from torch import Tensor

from rkblocks.attacks.streams import Streams


def gaussian_noise(x: Tensor, deviation: float, streams: Streams) -> Tensor:
    """Return x plus normal noise of this standard deviation."""
    return x + deviation * streams.normal(x, "gaussian noise")


def shot_noise(x: Tensor, photons: float, streams: Streams) -> Tensor:
    """Return Poisson(x photons) / photons, drawn by inverting the distribution function at uniform numbers."""
    u, rate = streams.uniform(x, "shot noise").double(), x.double() * photons
    low, high = torch.zeros_like(rate), torch.full_like(rate, photons + 20 * photons**0.5 + 60).ceil()
    while bool((low < high).any()):  # the least count k with P(count <= k) > u
        middle = ((low + high) / 2).floor()
        enough = torch.special.gammaincc(middle + 1, rate) > u
        low, high = torch.where(enough, low, middle + 1), torch.where(enough, middle, high)
    return (low / photons).to(x.dtype)


def speckle_noise(x: Tensor, deviation: float, streams: Streams) -> Tensor:
    """Return x plus normal noise in proportion to x."""
    return x + x * deviation * streams.normal(x, "speckle noise")


def impulse_noise(x: Tensor, share: float, streams: Streams) -> Tensor:
    """Return x with this share of its values set to 0 or 1, as likely the one as the other."""
    u = streams.uniform(x, "impulse noise")
    return torch.where(u < share / 2, torch.zeros_like(x), torch.where(u < share, torch.ones_like(x), x))


def contrast(x: Tensor, factor: float, streams: Streams) -> Tensor:
    """Return x with the distance from the mean of each channel scaled."""
    mean = x.mean(dim=(2, 3), keepdim=True)
    return (x - mean) * factor + mean


def brightness(x: Tensor, lift: float, streams: Streams) -> Tensor:
    """Return x with its value in the sense of HSV, the largest channel, raised; hue and saturation stay."""
    value = x.amax(1, keepdim=True)
    raised = (value + lift).clamp_max(1)
    return torch.where(value > 0, x * (raised / value.clamp_min(torch.finfo(x.dtype).tiny)), raised)
