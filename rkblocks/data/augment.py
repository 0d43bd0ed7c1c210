"""Random crops and flips of a whole batch at once, on the device where it lies."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def augment(images: Tensor, generator: torch.Generator | None = None, *, padding: int = 4, flip: bool = True) -> Tensor:
    """The batch with every image shifted by up to `padding` pixels (zeros enter) and, if `flip`, mirrored by chance.

    The random numbers are drawn for the whole batch, on the generator's device. Both ways of moving the pixels give
    the same images: all windows of the padded batch indexed at once, and for uint8 on a CPU the faster way, one window
    copied after the other.

    Shape: [n, C, H, W] of any dtype -> the same.
    """
    if not padding and not flip:
        return images
    n = len(images)
    device = images.device if generator is None else generator.device
    shifts = torch.randint(2 * padding + 1, (2, n), generator=generator, device=device) if padding else None
    mirrored = torch.randint(2, (n,), generator=generator, device=device).bool() if flip else None
    move = copied if images.is_cpu and images.dtype == torch.uint8 else indexed
    return move(images, shifts, mirrored, padding)


def indexed(images: Tensor, shifts: Tensor | None, mirrored: Tensor | None, padding: int) -> Tensor:
    """Every window is an entry of one strided view of the padded batch: a single indexing operation.

    shifts: rows and columns of the windows, int64 [2, n], or None; mirrored: bool [n], or None.
    """
    n, _, height, width = images.shape
    out = images
    if shifts is not None:
        dy, dx = shifts.to(images.device)
        windows = functional.pad(images, (padding,) * 4).unfold(2, height, 1).unfold(3, width, 1)
        out = windows[torch.arange(n, device=images.device), :, dy, dx]
    if mirrored is not None:
        out = torch.where(mirrored.to(images.device).view(n, 1, 1, 1), out.flip(-1), out)
    return out


def copied(images: Tensor, shifts: Tensor | None, mirrored: Tensor | None, padding: int) -> Tensor:
    """As `indexed`, window by window; numpy's small copies take microseconds, where torch's indexing goes by bytes."""
    n, _, height, width = images.shape
    dy, dx = ([0] * n, [0] * n) if shifts is None else shifts.tolist()
    turned = [False] * n if mirrored is None else mirrored.tolist()
    padded = (images if shifts is None else functional.pad(images, (padding,) * 4)).numpy()
    out = torch.empty(images.shape, dtype=images.dtype)
    target = out.numpy()
    for i in range(n):
        window = padded[i, :, dy[i] : dy[i] + height, dx[i] : dx[i] + width]
        target[i] = window[:, :, ::-1] if turned[i] else window
    return out
