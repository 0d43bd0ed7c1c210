"""TensorBoard, for those who want it: the metrics of every epoch as event files in the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rkblocks import escape
from rkblocks.extras import require
from rkblocks.training.progress import Reporter

FOLDER = "tensorboard"


def available() -> Any:
    """Return torch's writer class; raises RkblocksError RK901 where the package tensorboard is not installed."""
    require("tensorboard", "tensorboard", "--tensorboard")
    return require("torch.utils.tensorboard", "tensorboard", "--tensorboard").SummaryWriter


class Board:
    """Passes everything on to another reporter, and writes the numbers of an epoch as scalars at its number, from 1.

    epoch: of those done so far; what an interrupted run has written of later ones is not shown any more.
    """

    def __init__(self, inner: Reporter, folder: Path, epoch: int) -> None:
        self.inner = inner
        self.writer = available()(str(folder / FOLDER), purge_step=epoch + 1)

    def say(self, text: str) -> None:
        self.inner.say(text)

    def step(self, epoch: int, step: int, steps: int) -> None:
        self.inner.step(epoch, step, steps)

    def epoch(self, metrics: Mapping[str, Any], epochs: int, seconds_left: float) -> None:
        for name, value in metrics.items():
            if isinstance(value, (int, float)) and name != "epoch":
                self.writer.add_scalar(escape.line(name), value, metrics["epoch"])
        self.writer.flush()
        self.inner.epoch(metrics, epochs, seconds_left)
