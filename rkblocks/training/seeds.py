"""Every random choice has a stream of its own, derived from the one seed of a run.

Streams start anew in every epoch, so that adding a use of random numbers, or resuming at an epoch, changes no other.
"""

from __future__ import annotations

import hashlib

import torch

EPOCH_STREAMS = ("augment", "noise", "attack")


def derive(seed: int, *labels: str | int) -> int:
    """A seed of 63 bits for the stream of these labels: independent of all others, the same on every machine."""
    text = "/".join(str(label) for label in ("rkblocks", seed, *labels))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def stream(seed: int, *labels: str | int, device: str | torch.device = "cpu") -> torch.Generator:
    """A generator on `device` for the stream of these labels."""
    return torch.Generator(device).manual_seed(derive(seed, *labels))


def epoch_streams(seed: int, epoch: int, device: str | torch.device) -> dict[str, torch.Generator]:
    """The generators that training uses within one epoch, at its beginning."""
    return {name: stream(seed, name, epoch, device=device) for name in EPOCH_STREAMS}
