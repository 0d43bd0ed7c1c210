"""Averages of the weights over training, kept beside them and never fed back into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import torch
from torch import Tensor, nn

from rkblocks.runs.config import Averaging

PREFIX, COUNT = "average.", "averaged"  # names among what training carries from step to step


class Average:
    """The average of a model's state: of weights, coefficients and running statistics alike; counters are the latest.

    "ema": after every step a <- decay a + (1 - decay) w. "uniform": after every epoch the mean of the states so far
    (stochastic weight averaging, Izmailov et al. 2018). Either begins as a copy in epoch `start`, with no correction.
    Running statistics are averaged as weights are; they are not measured again by a pass over the images.
    """

    def __init__(self, settings: Averaging, model: nn.Module, carried: dict[str, Tensor]) -> None:
        """carried: where the average is kept, and found again after resuming."""
        self.settings, self.model, self.carried = settings, model, carried

    def state(self) -> dict[str, Tensor]:
        """The averaged state_dict; empty as long as averaging has not begun."""
        return {name.removeprefix(PREFIX): t for name, t in self.carried.items() if name.startswith(PREFIX)}

    def after_step(self, epoch: int) -> None:
        """Take the weights into an exponential average; epochs count from 0."""
        if self.settings.kind == "ema" and epoch >= self.settings.start:
            self._take()

    def after_epoch(self, epoch: int) -> None:
        """Take the weights into a uniform average, once an epoch however often validation is begun."""
        taken = int(self.carried.get(COUNT, torch.zeros(())))
        if self.settings.kind == "uniform" and taken <= epoch - self.settings.start:
            self._take()

    @cached_property
    def _live(self) -> dict[str, Tensor]:
        """The model's state by name, as views that follow it: training changes tensors in place and replaces none."""
        return self.model.state_dict()

    @torch.no_grad()
    def _take(self) -> None:
        current, average = self._live, self.state()
        if not average:
            self.carried |= {PREFIX + name: value.detach().clone() for name, value in current.items()}
            self.carried[COUNT] = torch.ones((), dtype=torch.int64)
            return
        real = [name for name, value in current.items() if value.is_floating_point()]
        for name in current.keys() - set(real):
            average[name].copy_(current[name])
        share = 1 - self.settings.decay if self.settings.kind == "ema" else 1 / (int(self.carried[COUNT]) + 1)
        torch._foreach_lerp_([average[name] for name in real], [current[name] for name in real], share)
        self.carried[COUNT] += 1

    @contextmanager
    def evaluated(self) -> Iterator[None]:
        """Within: the model has the averaged state, if it is to be evaluated and there is one; afterwards its own."""
        average = self.state() if self.settings.evaluated else {}
        own = {name: value.clone() for name, value in self.model.state_dict().items()} if average else {}
        try:
            _copy(average, self.model)
            yield
        finally:
            _copy(own, self.model)


@torch.no_grad()
def _copy(state: dict[str, Tensor], model: nn.Module) -> None:
    target = model.state_dict()
    for name, value in state.items():
        target[name].copy_(value)
