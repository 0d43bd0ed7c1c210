"""The registry of corruptions and the one way to apply them.

To add one: a function of (x, amount, streams) that returns the corrupted images, before clamping, and an entry below
with an amount for each severity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from rkblocks.attacks.corruptions.blur import defocus_blur, gaussian_blur
from rkblocks.attacks.corruptions.jpeg import jpeg_compression
from rkblocks.attacks.corruptions.pixels import (
    brightness,
    contrast,
    gaussian_noise,
    impulse_noise,
    shot_noise,
    speckle_noise,
)
from rkblocks.attacks.streams import Streams, as_streams
from rkblocks.diagnostics import fail


@dataclass(frozen=True)
class Corruption:
    """A corruption: its function, what its amount is, and the amount at severities 1 to 5."""

    function: Callable[[Tensor, Any, Streams], Tensor]
    amount: str
    amounts: tuple[Any, Any, Any, Any, Any]


#: Names and amounts of CIFAR-10-C (Hendrycks & Dietterich 2019, make_cifar_c.py), made for images of 32 x 32 pixels.
CORRUPTIONS: Final[dict[str, Corruption]] = {
    "gaussian_noise": Corruption(gaussian_noise, "standard deviation", (0.04, 0.06, 0.08, 0.09, 0.10)),
    "shot_noise": Corruption(shot_noise, "photons", (500, 250, 100, 75, 50)),
    "impulse_noise": Corruption(impulse_noise, "share of the values", (0.01, 0.02, 0.03, 0.05, 0.07)),
    "speckle_noise": Corruption(speckle_noise, "standard deviation", (0.06, 0.1, 0.12, 0.16, 0.2)),
    "gaussian_blur": Corruption(gaussian_blur, "standard deviation in pixels", (0.4, 0.6, 0.7, 0.8, 1.0)),
    "defocus_blur": Corruption(
        defocus_blur, "radius and smoothing in pixels", ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1.0, 0.2), (1.5, 0.1))
    ),
    "brightness": Corruption(brightness, "lift", (0.05, 0.1, 0.15, 0.2, 0.3)),
    "contrast": Corruption(contrast, "factor", (0.75, 0.5, 0.4, 0.3, 0.15)),
    "jpeg_compression": Corruption(jpeg_compression, "quality", (80, 65, 58, 50, 40)),
}


def find(name: str, severity: int) -> tuple[Corruption, Any]:
    """Return the corruption of this name and its amount at this severity. Raises RkblocksError RK815 or RK816."""
    if name not in CORRUPTIONS:
        fail(
            "RK815",
            f"there is no corruption {name!r}; expected one of {', '.join(CORRUPTIONS)}",
            help="choose 'gaussian_noise'",
        )
    if isinstance(severity, bool) or not isinstance(severity, int) or not 1 <= severity <= 5:
        fail("RK816", f"severity is {severity!r}; expected a whole number from 1 to 5", help="choose severity 3")
    return CORRUPTIONS[name], CORRUPTIONS[name].amounts[severity - 1]


def corrupt(name: str, x: Tensor, severity: int, generator: Streams | torch.Generator | None = None) -> Tensor:
    """Return the images [n, C, H, W] in [0, 1] under a corruption, clamped to [0, 1]; worked out on their device.

    generator: as in attacks.run. Values are not rounded to 8 bit, but for JPEG. Raises RkblocksError RK815, RK816,
    RK817 (x are no images), RK808 (outside [0, 1]).
    """
    corruption, amount = find(name, severity)
    if x.dim() != 4 or not x.is_floating_point() or 0 in x.shape[1:]:
        fail(
            "RK817",
            f"corruption {name} was given {x.dtype} of shape {tuple(x.shape)}; expected float images [n, C, H, W]",
            help="reshape x to images and scale them: x.float() / 255",
        )
    if not bool(((x >= 0) & (x <= 1)).all()):
        fail("RK808", "some pixels lie outside [0, 1] or are not numbers", help="scale the images to [0, 1]")
    return corruption.function(x, amount, as_streams(generator)).clamp(0, 1)
