"""Accuracy under common corruptions (Hendrycks & Dietterich 2019): no adversary, five severities."""

from __future__ import annotations

from typing import Any, Final

from rkblocks.attacks import ExampleStreams
from rkblocks.attacks.checked_forward import predicted
from rkblocks.attacks.corruptions import CORRUPTIONS, corrupt
from rkblocks.evaluation.subject import Subject
from rkblocks.intervals import wilson
from rkblocks.progress import Progress

SEVERITIES: Final = (1, 2, 3, 4, 5)


def corrupted(
    subject: Subject, *, seed: int = 0, batch: int = 256, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """Return an entry for each corruption and severity: corruption, severity, n, accuracy, interval, seed.

    The noise of an image depends on the seed, the corruption, the severity and the place of the image in its split
    alone. Intervals are 95 % Wilson.
    """
    return [_entry(subject, name, severity, seed, batch, progress) for name in CORRUPTIONS for severity in SEVERITIES]


def _entry(
    subject: Subject, name: str, severity: int, seed: int, batch: int, progress: Progress | None
) -> dict[str, Any]:
    streams = ExampleStreams.of(seed, subject.indices).fork(f"{name} {severity}")
    right, n = 0, len(subject)
    for rows, x, y in subject.batches(batch):
        logits = subject.logits(corrupt(name, x, severity, streams.select(rows)))
        right += int((predicted(logits, f"images under {name}") == y).sum())
    if progress:
        progress(f"{name} {severity}", n, n)
    interval = list(wilson(right, n))
    return {
        "corruption": name,
        "severity": severity,
        "n": n,
        "accuracy": right / n,
        "interval": interval,
        "seed": seed,
    }
