"""One row of an evaluation: run the attack over all images and keep what happened to each."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any
from zlib import crc32

import torch
from torch import Tensor

from rkblocks import attacks, distributed
from rkblocks.attacks import ExampleStreams
from rkblocks.attacks.checked_forward import check_labels, predicted
from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.evaluation.journal import Journal
from rkblocks.evaluation.subject import Subject
from rkblocks.intervals import wilson
from rkblocks.progress import Progress
from rkblocks.settings.plan import Item

TOGETHER = 256  # images at once for an attack whose outcomes depend on the images beside, whatever the batch size


@dataclass(frozen=True)
class Listener:
    """Hands progress on, if anybody listens, and calls `after` each time. A listener may also have `expect`, which is
    told how many labels will come, `doing`, told what part of one comes next, and `say`, for a sentence.
    """

    progress: Progress | None
    after: Callable[[], None] = lambda: None

    def __call__(self, label: str, done: int, total: int) -> None:
        if self.progress:
            self.progress(label, done, total)
        self.after()

    def expect(self, labels: int) -> None:
        """Tell the listener how many labels will come."""
        if expect := getattr(self.progress, "expect", None):
            expect(labels)

    def doing(self, label: str, part: str) -> None:
        """Tell the listener the part of a label that the next call is about."""
        if doing := getattr(self.progress, "doing", None):
            doing(label, part)


@dataclass(frozen=True)
class Measurement:
    """The outcome for each image, on the CPU: prediction [n] on the image that the attack returned, and whether it is
    correct [n].

    item is None for clean images. With definition `any` an image counts as correct only if it was so when clean.
    """

    item: Item | None
    prediction: Tensor
    correct: Tensor

    @property
    def accuracy(self) -> float:
        return int(self.correct.sum()) / len(self.correct)


def predict(subject: Subject, batch: int) -> Tensor:
    """Return the class [n] that the model, in eval mode, gives each clean image (CPU).

    Raises RkblocksError RK808 or RK814 where its outputs are no logits of the classes that the labels name.
    """
    found = []
    for _, x, y in subject.batches(batch):
        logits = subject.logits(x)
        check_labels(y, logits.shape[1])
        found.append(predicted(logits, "clean images").cpu())
    return torch.cat(found)


def measure_clean(subject: Subject, batch: int, progress: Progress | None = None) -> Measurement:
    """Return the row that every evaluation begins with."""
    prediction = predict(subject, batch)
    if progress:
        progress("clean", len(subject), len(subject))
    return Measurement(None, prediction, prediction == subject.labels.cpu())


@dataclass(frozen=True)
class Row:
    """A row of a table that all processes of a group measure together: what the journal has under its number is not
    measured again, and what is measured goes into it.
    """

    journal: Journal
    number: int
    progress: Progress | None


def measure(
    subject: Subject, item: Item, clean: Measurement, *, seed: int, batch: int, row: Row | None = None
) -> Measurement:
    """Return the outcome of one attack. With definition `any`, images that were wrong when clean are not attacked at
    all.

    The noise of image i depends on seed and i alone, so the batch size changes nothing but rounding. row: of several
    processes each attacks every size-th batch, and all return the whole; the batches are those of one process, hence
    the numbers. Raises what `attacks.run` raises, on all processes.
    """
    shared, row = row is not None, row or Row(Journal(len(subject)), 0, None)
    wanted = clean.correct if item.definition == "any" else torch.ones_like(clean.correct)
    images_done, own = 0, torch.zeros_like(clean.correct)
    rank, processes = (distributed.rank(), distributed.size()) if shared else (0, 1)
    length = batch if attacks.ATTACKS[item.attack].per_example else TOGETHER
    batches = torch.split(torch.nonzero(wanted)[:, 0], length)
    for start in range(0, len(batches), processes):
        at_once = batches[start : start + processes]
        problem: RkblocksError | None = None
        if rank < len(at_once):
            rows = at_once[rank]
            own[rows] = True
            if not row.journal.row(row.number)[1][rows].all():
                try:
                    prediction = _attacked(subject, item, rows, seed)
                except RkblocksError as error:
                    problem = error
                else:
                    row.journal.finished(row.number, rows, prediction)
        _on_all(problem, shared)
        images_done += sum(map(len, at_once))
        if row.progress:  # as often on every process
            row.progress(item.label, images_done, int(wanted.sum()))
    found = row.journal.row(row.number)[0] * own
    prediction = torch.where(wanted, distributed.total(found) if shared else found, clean.prediction)
    return Measurement(item, prediction, prediction == subject.labels.cpu())


def _attacked(subject: Subject, item: Item, rows: Tensor, seed: int) -> Tensor:
    """Return the class of these images after the attack, on the CPU."""
    with _random(subject, item, rows, seed):
        return predicted(subject.logits(attacked(subject, item, rows, seed)), f"images after {item.label}").cpu()


@contextmanager
def _random(subject: Subject, item: Item, rows: Tensor, seed: int) -> Iterator[None]:
    """Seed torch's own generators, which a randomised model draws from, where the attack averages over it."""
    if item.threat.eot is None:
        yield
        return
    with torch.random.fork_rng(devices=[subject.labels.device] if subject.labels.is_cuda else []):
        torch.manual_seed(crc32(f"{seed} {item.label} {int(subject.indices[rows[0]])}".encode()))
        yield


def attacked(subject: Subject, item: Item, rows: Tensor, seed: int) -> Tensor:
    """Return these images after the attack, on the model's device."""
    at = rows.to(subject.labels.device)
    x, y = subject.floats(at), subject.labels[at]
    streams = ExampleStreams.of(seed, subject.indices[rows])
    source = subject.sources[item.threat.source] if item.threat.source else None
    options: dict[str, Any] = {"definition": item.definition, "source": source}
    if isinstance(item.threat.targets, int) and item.attack != "autoattack":
        options["aims"] = aims(subject, x, y, item.threat.targets)
    return attacks.run(item.attack, subject.model, x, y, item.threat, streams, **options)


def _on_all(problem: RkblocksError | None, shared: bool) -> None:
    """Raise the problem of this process, or one of its code where another process has one."""
    code = int(problem.diagnostics[0].code[2:]) if problem else 0
    code = distributed.largest(code) if shared else code
    if problem:
        raise problem
    if code:
        fail(f"RK{code}", "another process could not attack its share of the images", help="its own message says why")


def entry(measurement: Measurement, *, seed: int, weights: str) -> dict[str, Any]:
    """Return the measurement as an entry of INTERFACE section 5."""
    n, right = len(measurement.correct), int(measurement.correct.sum())
    item = measurement.item
    return {
        "attack": item.attack if item else "clean",
        "threat": item.threat.to_dict() if item else None,
        "definition": item.definition if item else "final",
        "n": n,
        "accuracy": right / n,
        "interval": list(wilson(right, n)),
        "seed": seed,
        "weights": weights,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Return the versions of what a number depends on."""
    return {"rkblocks": version("rkblocks"), "torch": torch.__version__, "python": platform.python_version()}


def occurring(labels: Tensor, prediction: Tensor) -> tuple[int, ...]:
    """Return the classes that occur among labels [n] or predictions [n], in order."""
    return tuple(torch.cat([labels.cpu(), prediction.cpu()]).unique().tolist())


def aims(subject: Subject, x: Tensor, y: Tensor, targets: int) -> Tensor:
    """Return the target classes [n, k] of each image: the `targets` wrong ones of largest clean logit among those that
    occur, and those of largest clean logit among all where they are others. All there are, where there are fewer.

    A model may have classes that never win and yet lie close behind: they absorb the margin of every loss, and the
    targets of largest logit are theirs. So targeted searches aim at the classes that occur, among labels or
    predictions, as well.
    """
    wrong = subject.logits(x).scatter(1, y[:, None], float("-inf"))
    first = wrong.topk(min(targets, wrong.shape[1] - 1), dim=1).indices
    if len(subject.occurring) in (0, wrong.shape[1]):
        return first
    never = torch.ones(wrong.shape[1], dtype=torch.bool, device=wrong.device)
    never[list(subject.occurring)] = False
    count = min(targets, max(len(subject.occurring) - 1, 0))
    rivals = wrong.masked_fill(never, float("-inf")).topk(count, dim=1).indices
    return torch.cat([rivals, first], dim=1)  # doubles are kept: how many there are must not depend on the batch
