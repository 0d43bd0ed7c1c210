"""What training leaves in its folder as it goes: the state for resuming, weights, metrics. Process 0 writes it.

Numbers that are none are never written: the last good state stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from rkblocks import distributed, invocation
from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.runs import folder as runs
from rkblocks.runs.metrics import METRICS
from rkblocks.runs.metrics import read as read_metrics
from rkblocks.runs.storage import append_line, load_weights, save_weights
from rkblocks.training import checkpoint
from rkblocks.training.averaging import Average
from rkblocks.training.checkpoint import Position


@dataclass(frozen=True)
class Keeper:
    """Writes the files of one run; `data` is the fingerprint of the data set, `blocks` are the schemes by name,
    `choice` is validation.choice."""

    folder: Path
    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: Average
    at: Position
    data: str
    blocks: tuple[str, ...]
    choice: str

    def state(self) -> None:
        """Keep the state for resuming, and return once that is done, on every process.

        Raises:
            RkblocksError: RK719 where weights are no numbers, RK716 where the file cannot be written.
        """
        if not self._finite():
            self.diverged()
        with distributed.together():
            if distributed.rank() == 0:
                checkpoint.save(self.folder, self.model, self.optimizer, self.at, self.data)

    def epoch(self, metrics: dict[str, Any]) -> None:
        """Keep the weights of this epoch, also as the best if they are, and its line of metrics."""
        at = self.at
        score = metrics.get("validation_robust", metrics.get("validation_clean"))
        best = score is None or self.choice == "last" or score > at.best  # None: nothing is held out
        if best:
            at.best, at.best_epoch = (at.best if score is None else score), at.epoch + 1
        metrics["best"] = best
        line = json.dumps(metrics)
        if distributed.rank() == 0:
            for name in ("best", "last") if best else ("last",):
                self._weights(name, metrics)
            if self.average.state() and not self.average.settings.evaluated:
                self._weights("average", metrics)
            append_line(self.folder / METRICS, line)

    def repair(self) -> list[str]:
        """Make weights again that are missing or damaged, from the state just restored; returns what was done.

        Raises:
            RkblocksError: RK743 where they are of another epoch than the state.
        """
        at, done = self.at, []
        names = ("best", "last") if at.epoch else ()
        for name, epoch in zip(names, (at.best_epoch, at.epoch), strict=False):
            path = self.folder / runs.WEIGHTS[name]
            if _sound(path) or (name == "last" and at.step):  # the last weights are about to be written anew
                continue
            if at.step or epoch != at.epoch:
                anew = invocation.line("train", preset=self.folder / runs.CONFIG, out="ANOTHER")
                fail(
                    "RK743",
                    f"{path} is missing or damaged: the weights of epoch {epoch}, which the state saved later has not",
                    help=f"restore it from a copy, or train again: {anew}",
                )
            if distributed.rank() == 0:
                lines = {line["epoch"]: line for line in read_metrics(self.folder).epochs}
                self._weights(name, lines.get(epoch, {}))
            done.append(f"{path} was missing or damaged, and is made again from {runs.RESUME}")
        return done

    def _weights(self, name: str, metrics: dict[str, Any]) -> None:
        identity = runs.weights_identity(self.folder, self.blocks)
        with self.average.evaluated():
            own: Mapping[str, Tensor] = self.model.state_dict() if name != "average" else self.average.state()
            save_weights(self.folder / runs.WEIGHTS[name], own, {"metrics": metrics, **identity})

    @contextmanager
    def naming_divergence(self) -> Iterator[None]:
        """Weights or logits that are no numbers are reported as such, not by what they make of an attack."""
        try:
            yield
        except RkblocksError as error:
            if error.diagnostics[0].code == "RK814" or not self._finite():
                self.diverged()
            raise

    def _finite(self) -> bool:
        return all(bool(parameter.isfinite().all()) for parameter in self.model.parameters())

    def diverged(self) -> NoReturn:
        """Raise RkblocksError RK719."""
        fail(
            "RK719",
            f"the loss is no number in epoch {self.at.epoch + 1}, step {self.at.step}; what was saved before is kept",
            help="lower optimizer.lr, or check the images",
        )


def _sound(path: Path) -> bool:
    try:
        load_weights(path)
    except RkblocksError:
        return False
    return True
