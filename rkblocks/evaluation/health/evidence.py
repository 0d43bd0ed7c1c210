"""What the health checks look at: the rows of the evaluation, and further searches on a sample, each done once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, nn

from rkblocks import attacks
from rkblocks.attacks import ATTACKS, ExampleStreams, Threat, frozen
from rkblocks.attacks.losses import LOSS, input_gradient
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation.measure import Measurement, measure, measure_clean
from rkblocks.evaluation.subject import Subject, state_hash
from rkblocks.runs.network import OpenRun, open_run
from rkblocks.settings.plan import Item, Missing

T = TypeVar("T")
#: Attacks that follow the model's own gradient, more than one step.
ITERATIVE: Final = tuple(n for n, a in ATTACKS.items() if a.gradients and not a.transfers and n != "fgsm")
#: Of them those whose one search the checks can vary, the one looked at first in front.
SEARCHES: Final = tuple(sorted((n for n in ITERATIVE if "steps" in ATTACKS[n].options), key=lambda name: name != "pgd"))


@dataclass(frozen=True)
class Trace:
    """A search with the final iterate, watched: mean loss [steps + 1], and for each image whether an iterate, and the
    last, broke it.
    """

    loss: Tensor
    ever_broken: Tensor
    finally_broken: Tensor


@dataclass(frozen=True)
class Evidence:
    """rows: the measurements on all images, clean first; sample: the images for further searches; missing: rows that
    were wanted and cannot be run on any model, by attack; unrun: rows that this model or its images did not let run.
    """

    subject: Subject
    rows: tuple[Measurement, ...]
    sample: Subject
    seed: int
    batch: int
    missing: Mapping[str, Missing] = field(default_factory=dict)
    unrun: tuple[Missing, ...] = ()
    _done: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def n(self) -> int:
        """The number of images in the sample."""
        return len(self.sample)

    def slack(self, n: int | None = None, share: float = 0.02) -> int:
        """The number of images that a comparison may differ by without anything being wrong: 2 %, at least one."""
        return max(1, round(share * (self.n if n is None else n)))

    @property
    def items(self) -> tuple[Item, ...]:
        """The attacks of the evaluation."""
        return tuple(row.item for row in self.rows if row.item)

    def strongest(self) -> Measurement | None:
        """Return the row of the most thorough PGD: any before final, then by number of steps in all; None without a
        PGD row.
        """
        rows = [row for row in self.rows if row.item and row.item.attack == "pgd"]

        def effort(row: Measurement) -> tuple[bool, int]:
            item = row.item
            return (False, 0) if item is None else (item.definition == "any", item.threat.steps * item.threat.restarts)

        return max(rows, key=effort, default=None)

    @cached_property
    def probe(self) -> Item | None:
        """The search that the checks vary: the plan's PGD with the most steps, or another iterative attack where there
        is no PGD; one restart. None without one or with eps 0.
        """
        rows = [item for item in self.items if item.attack in SEARCHES and item.threat.eps]
        if not rows:
            return None
        chosen = max(rows, key=lambda i: (-SEARCHES.index(i.attack), i.threat.steps, i.definition == "any"))
        return replace(chosen, threat=replace(chosen.threat, restarts=1))

    @cached_property
    def ball(self) -> Threat | None:
        """A threat model with the ball that the other attacks are tried in: the probe's, or that of the last row with
        an eps above 0.
        """
        threats = [item.threat for item in self.items if item.threat.eps]
        return self.probe.threat if self.probe else replace(threats[-1], source=None) if threats else None

    @cached_property
    def gradient(self) -> Tensor | None:
        """The gradient of the cross-entropy at the images of the sample, [n, ...]; None where there is none."""
        try:
            return self.gradients(self.images, "ce")
        except RkblocksError:
            return None

    def gradients(self, x: Tensor, loss: str) -> Tensor:
        """Return the gradient of this loss at images x of the sample; raises RkblocksError RK809 without one."""
        parts = zip(torch.split(x, self.batch), torch.split(self.sample.labels, self.batch), strict=True)
        with frozen(self.subject.model):
            return torch.cat([input_gradient(self.subject.model, part, y, loss)[1] for part, y in parts])

    @cached_property
    def images(self) -> Tensor:
        """The images of the sample as floats."""
        return self.sample.floats(torch.arange(self.n, device=self.sample.labels.device))

    @cached_property
    def clean(self) -> Measurement:
        return measure_clean(self.sample, self.batch)

    @cached_property
    def classes(self) -> int:
        """The number of classes that the model tells apart."""
        return self.subject.classes

    @cached_property
    def places(self) -> Tensor:
        """The position of each image of the sample among those of the subject, [n]."""
        place = {index: k for k, index in enumerate(self.subject.indices.tolist())}
        return torch.tensor([place[index] for index in self.sample.indices.tolist()])

    @cached_property
    def source(self) -> tuple[str, nn.Module] | None:
        """A network to transfer examples from, with its name: one given, one evaluated together, or the run's other
        weights where they differ. None for a model that comes alone.
        """
        subject, origin = self.subject, self.subject.origin
        if subject.sources:
            return next(iter(subject.sources.items()))
        if origin is None:
            return None
        if origin.siblings:
            path = origin.siblings[0]
            return str(path), self._opened(path, origin.chosen).model
        other = self.other_weights
        if state_hash(other.model) == subject.state:
            return None
        return f"the {'last' if origin.chosen == 'best' else 'best'} weights", other.model

    @cached_property
    def other_weights(self) -> Subject:
        """The sample under the other weights of its run: the last for the best, and the other way round.

        Raises RkblocksError RK712 or RK713 where they are absent or damaged.
        """
        origin, folder = self.subject.origin, self.subject.folder
        assert origin is not None
        assert folder is not None
        run = self._opened(folder, "last" if origin.chosen == "best" else "best")
        return replace(self.sample, model=run.model, weights=run.weights_hash, state="")

    def _opened(self, folder: Path, weights: str) -> OpenRun:
        """Return another run, or the same under other weights; what looks at each forward pass of the subject's model,
        such as for a signal, looks at those of this one as well.
        """
        run = open_run(folder, self.subject.labels.device, weights)
        for hook in self.subject.model._forward_pre_hooks.values():
            run.model.register_forward_pre_hook(hook)
        return run

    def once(self, key: Any, make: Callable[[], T]) -> T:
        """Return make(), worked out on first use of the key."""
        if key not in self._done:
            self._done[key] = make()
        found: T = self._done[key]
        return found

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits of the model in eval mode, batch by batch."""
        return torch.cat([self.subject.logits(part) for part in torch.split(x, self.batch)])

    def outcome(self, item: Item) -> Measurement:
        """Return what this attack does to the sample."""
        return self.once(item, lambda: measure(self.sample, item, self.clean, seed=self.seed, batch=self.batch))

    def measured(self, sample: Subject, item: Item) -> Measurement:
        """Return what this attack does to other images or under other weights than those of the sample."""
        return measure(sample, item, measure_clean(sample, self.batch), seed=self.seed, batch=self.batch)

    def trace(self, item: Item) -> Trace:
        """Return the course of this search on the sample."""
        return self.once(("trace", item), lambda: self._watch(item))

    def _watch(self, item: Item) -> Trace:
        labels, threat = self.sample.labels, item.threat
        losses = torch.zeros(threat.steps + 1, self.n, dtype=torch.float64)
        broken = torch.zeros(threat.steps + 1, self.n, dtype=torch.bool)
        streams = ExampleStreams.of(self.seed, self.sample.indices)
        for rows in torch.split(torch.arange(self.n, device=labels.device), self.batch):

            def observe(restart: int, step: int, part: Tensor, logits: Tensor, rows: Tensor = rows) -> None:
                at = rows[part]
                losses[step, at.cpu()] = LOSS[threat.loss](logits, labels[at]).double().cpu()
                broken[step, at.cpu()] = (logits.argmax(1) != labels[at]).cpu()

            own = streams.select(rows)
            attacks.run(item.attack, self.subject.model, self.images[rows], labels[rows], threat, own, observe=observe)
        return Trace(losses.mean(1), broken.any(0), broken[-1])
