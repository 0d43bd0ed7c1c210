"""Random crops and flips of a whole batch at once, on the device where it lies."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def augment(images: Tensor, generator: torch.Generator | None = None, *, padding: int = 4, flip: bool = True) -> Tensor:
    """The batch with every image shifted by up to `padding` pixels (zeros enter) and, if `flip`, mirrored by chance.

    All windows of the padded batch are one strided view, from which each image takes its own: a single indexing
    operation on the CPU and on a GPU, and still uint8. The random numbers are drawn on the generator's device.

    Shape: [n, C, H, W] of any dtype -> the same.
    """
    n, _, height, width = images.shape
    device = images.device if generator is None else generator.device
    out = images
    if padding:
        dy, dx = torch.randint(2 * padding + 1, (2, n), generator=generator, device=device).to(images.device)
        windows = functional.pad(images, (padding,) * 4).unfold(2, height, 1).unfold(3, width, 1)
        out = windows[torch.arange(n, device=images.device), :, dy, dx]
    if flip:
        mirrored = torch.randint(2, (n, 1, 1, 1), generator=generator, device=device).to(images.device).bool()
        out = torch.where(mirrored, out.flip(-1), out)
    return out
