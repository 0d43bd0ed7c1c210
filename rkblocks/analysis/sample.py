"""The images that all analyses of one network look at, and their perturbed copies, which are made once.

Adversarial copies are the final iterates of PGD, as in the paper; random ones are uniform in the same ball. Both
depend on the seed and the image alone, so the batch size changes nothing but rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from rkblocks import attacks
from rkblocks.attacks import ExampleStreams, Threat
from rkblocks.evaluation.subject import Subject
from rkblocks.progress import Progress

KINDS = {"adversarial": "pgd", "random": "noise"}


@dataclass
class Sample:
    """A subject whose images are all looked at, the threat model of its perturbations, and the seed of all chance."""

    subject: Subject
    threat: Threat
    seed: int = 0
    batch: int = 64
    progress: Progress | None = None
    _made: dict[str, Tensor] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.subject)

    @property
    def model(self) -> torch.nn.Module:
        return self.subject.model

    @property
    def streams(self) -> ExampleStreams:
        """Random numbers for each image, the same in every call."""
        return ExampleStreams.of(self.seed, self.subject.indices)

    def first(self, count: int) -> Sample:
        """Return the first `count` images with what was made for them; images drawn by a limit are a random part."""
        if count >= len(self):
            return self
        made = {kind: images[:count] for kind, images in self._made.items()}
        return Sample(self.subject.only(torch.arange(count)), self.threat, self.seed, self.batch, self.progress, made)

    def images(self) -> Tensor:
        """Return all images as floats [n, C, H, W]."""
        return self.subject.floats(torch.arange(len(self), device=self.subject.labels.device))

    def perturbed(self, kind: str) -> Tensor:
        """Return the adversarial or random copies [n, C, H, W] of all images."""
        if kind not in self._made:
            parts, done = [], 0
            for rows, x, y in self.subject.batches(self.batch):
                streams = self.streams.select(rows)
                parts.append(attacks.run(KINDS[kind], self.model, x, y, self.threat, streams))
                done += len(rows)
                self.tell(f"{kind} perturbations", done, len(self))
            self._made[kind] = torch.cat(parts)
        return self._made[kind]

    def pairs(self, kind: str) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches of images with their perturbed copies."""
        for rows, x, _ in self.subject.batches(self.batch):
            yield x, self.perturbed(kind)[rows]

    def tell(self, label: str, done: int, total: int) -> None:
        """Report progress, where somebody listens."""
        if self.progress:
            self.progress(label, done, total)
