"""What a training says while it runs, on standard error: bars on a terminal, one line an epoch elsewhere; and, for
those who want it, the metrics of every epoch as event files of TensorBoard.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from rkblocks import escape
from rkblocks.extras import require
from rkblocks.progress import duration

SHOWN = {
    "train_loss": "loss",
    "train_accuracy": "train",
    "validation_clean": "clean",
    "validation_robust": "robust",
}
BOARD = "tensorboard"  # a folder of the run


class Reporter(Protocol):
    """Is told where training stands."""

    def say(self, text: str) -> None:
        """A line of its own."""

    def step(self, epoch: int, step: int, steps: int) -> None:
        """`step` of the `steps` of this epoch are done."""

    def epoch(self, metrics: Mapping[str, Any], epochs: int, seconds_left: float) -> None:
        """An epoch is done."""


def reporter(progress: bool | Callable[[Mapping[str, Any]], None]) -> Reporter:
    """Bars or lines for True, silence for False; a function is called with the metrics of every epoch."""
    if callable(progress):
        return Quiet(progress)
    if not progress or sys.stderr is None:  # closed by the shell: 2>&-
        return Quiet(lambda metrics: None)
    return Bars() if sys.stderr.isatty() or "ipykernel" in sys.modules else Lines()


class Quiet:
    """Passes the metrics of an epoch to a function, and says nothing."""

    def __init__(self, listener: Callable[[Mapping[str, Any]], None]) -> None:
        self.listener = listener

    def say(self, text: str) -> None:
        pass

    def step(self, epoch: int, step: int, steps: int) -> None:
        pass

    def epoch(self, metrics: Mapping[str, Any], epochs: int, seconds_left: float) -> None:
        self.listener(metrics)


class Lines(Quiet):
    """One plain line an epoch."""

    def __init__(self) -> None:
        super().__init__(lambda metrics: None)

    def say(self, text: str) -> None:
        print(escape.lines(text), file=sys.stderr, flush=True)

    def epoch(self, metrics: Mapping[str, Any], epochs: int, seconds_left: float) -> None:
        self.say(summary(metrics, epochs, seconds_left))


class Bars(Lines):
    """A bar within the epoch, replaced by its line."""

    def __init__(self) -> None:
        super().__init__()
        self.tqdm = require("tqdm.auto", "torch", "the progress bar").tqdm
        self.bar: Any = None

    def say(self, text: str) -> None:
        self.tqdm.write(escape.lines(text), file=sys.stderr)

    def step(self, epoch: int, step: int, steps: int) -> None:
        if self.bar is None:
            self.bar = self.tqdm(
                total=steps, initial=step - 1, desc=f"epoch {epoch + 1}", unit="step", leave=False, file=sys.stderr
            )
        self.bar.update()
        if step == steps:
            self.bar.close()
            self.bar = None


def board_writer() -> Any:
    """Return torch's writer class; raises RkblocksError RK901 where the package tensorboard is not installed."""
    require("tensorboard", "tensorboard", "--tensorboard")
    return require("torch.utils.tensorboard", "tensorboard", "--tensorboard").SummaryWriter


class Board:
    """Passes everything on to another reporter, and writes the numbers of an epoch as scalars at its number, from 1.

    epoch: of those done so far; what an interrupted run has written of later ones is not shown any more.
    """

    def __init__(self, inner: Reporter, folder: Path, epoch: int) -> None:
        self.inner, self.say, self.step = inner, inner.say, inner.step
        self.writer = board_writer()(str(folder / BOARD), purge_step=epoch + 1)

    def epoch(self, metrics: Mapping[str, Any], epochs: int, seconds_left: float) -> None:
        for name, value in metrics.items():
            if isinstance(value, (int, float)) and name != "epoch":
                self.writer.add_scalar(escape.line(name), value, metrics["epoch"])
        self.writer.flush()
        self.inner.epoch(metrics, epochs, seconds_left)


def summary(metrics: Mapping[str, Any], epochs: int, seconds_left: float) -> str:
    """ "epoch 3/10  loss 0.412  train 0.871  clean 0.944  robust 0.803  12 s, 28 s left"."""
    values = [f"{label} {metrics[key]:.3f}" for key, label in SHOWN.items() if key in metrics]
    clock = f"{duration(metrics['seconds'])}, {duration(seconds_left)} left"
    return "  ".join([f"epoch {metrics['epoch']}/{epochs}", *values, clock])
