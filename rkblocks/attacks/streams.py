"""Random numbers for attacks: one shared generator (training), or one stream per example (evaluation).

An evaluation must give the same outcome for example 4711 whatever the batch size, whichever examples were broken
before it, and on any device. So its noise depends on (seed, label, index of the example) alone, and is drawn on the
CPU.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor


class Streams(Protocol):
    """A source of noise for a batch of examples; `label` names the use, so that two uses are independent."""

    def uniform(self, like: Tensor, label: str) -> Tensor:
        """Return uniform numbers in [0, 1) of like's shape, dtype and device."""

    def normal(self, like: Tensor, label: str) -> Tensor:
        """Return standard normal numbers of like's shape, dtype and device."""

    def select(self, rows: Tensor) -> Streams:
        """Return the streams of these examples of the batch (indices [k])."""

    def fork(self, label: str) -> Streams:
        """Return streams independent of these, for the same examples."""


@dataclass(frozen=True)
class SharedStream:
    """All noise from one generator, in the order of the calls; None is torch's own. Fast, and tied to the batches."""

    generator: torch.Generator | None = None

    def uniform(self, like: Tensor, label: str) -> Tensor:
        return torch.rand(like.shape, generator=self.generator, dtype=like.dtype, device=like.device)

    def normal(self, like: Tensor, label: str) -> Tensor:
        return torch.randn(like.shape, generator=self.generator, dtype=like.dtype, device=like.device)

    def select(self, rows: Tensor) -> SharedStream:
        return self

    def fork(self, label: str) -> SharedStream:
        return self


@dataclass(frozen=True)
class ExampleStreams:
    """Noise that depends on (seed, path of labels, example index) alone.

    indices: position of each example in its split.
    """

    seed: int
    indices: tuple[int, ...]
    path: str = ""
    _generator: torch.Generator = field(default_factory=torch.Generator, repr=False, compare=False)

    @classmethod
    def of(cls, seed: int, indices: Tensor | range) -> ExampleStreams:
        """Return the streams of the examples at these positions of a split."""
        return cls(seed, tuple(int(index) for index in indices))

    def uniform(self, like: Tensor, label: str) -> Tensor:
        return self._draw(torch.rand, like, label)

    def normal(self, like: Tensor, label: str) -> Tensor:
        return self._draw(torch.randn, like, label)

    def select(self, rows: Tensor) -> ExampleStreams:
        return replace(self, indices=tuple(self.indices[row] for row in rows.tolist()))

    def fork(self, label: str) -> ExampleStreams:
        return replace(self, path=f"{self.path}/{label}")

    def _draw(self, draw, like: Tensor, label: str) -> Tensor:  # type: ignore[no-untyped-def]
        if len(like) != len(self.indices):
            raise ValueError(f"{len(like)} examples, but streams for {len(self.indices)}")
        noise = torch.empty(like.shape, dtype=like.dtype)
        for row, index in enumerate(self.indices):
            digest = hashlib.blake2b(f"{self.seed}{self.path}/{label}#{index}".encode(), digest_size=8).digest()
            self._generator.manual_seed(int.from_bytes(digest, "big") >> 1)
            draw(like.shape[1:], generator=self._generator, out=noise[row])
        return noise.to(like.device)


def as_streams(source: Streams | torch.Generator | None) -> Streams:
    """Return `source` as streams: a torch generator, or None for torch's own, is shared by all examples."""
    return SharedStream(source) if source is None or isinstance(source, torch.Generator) else source
