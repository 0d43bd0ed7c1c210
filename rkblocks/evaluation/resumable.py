"""The evaluation of one run folder, with its files: continued where it was interrupted, and saved,
with the adversarial examples of its first images where they are wanted.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from rkblocks import distributed
from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.evaluation.journal import Journal, finished, identity
from rkblocks.evaluation.measure import attacked, versions
from rkblocks.evaluation.subject import Subject, state_hash
from rkblocks.evaluation.subject_evaluation import carried_out, save_evaluation
from rkblocks.progress import Progress
from rkblocks.runs import evaluations
from rkblocks.runs.evaluations import EVALUATIONS
from rkblocks.runs.outcomes import Outcomes, load_outcomes
from rkblocks.runs.storage import write
from rkblocks.settings.plan import Plan


@dataclass(frozen=True)
class Resumable:
    """The evaluation of one run by a plan, with the files of this name that it keeps in the run's folder."""

    subject: Subject
    plan: Plan
    name: str

    @property
    def identity(self) -> str:
        """The hash of everything that the result depends on."""
        plan = self.plan
        items = [[item.attack, item.threat.to_dict(), item.definition] for item in plan.items]
        facts: dict[str, Any] = {"plan": items, "seed": plan.seed, "batch": plan.batch, "probe": plan.probe}
        facts |= {"corruptions": True} if plan.corruptions else {}
        facts |= {"versions": versions(), "processes": distributed.size()}
        device = str(self.subject.labels.device)
        subject = {"data": self.subject.data, "weights": self.subject.weights, "origin": str(self.subject.origin)}
        sources = {name: state_hash(model) for name, model in self.subject.sources.items()}
        return identity({**facts, **subject, "sources": sources, "missing": str(plan.missing), "device": device})

    def done(self, progress: Progress, save: bool, resume: bool) -> tuple[dict[str, Any], Outcomes]:
        """Return the element of "runs" and the outcome of every image; from the files, where they are there."""
        if not save:
            evaluation = carried_out(self.subject, self.plan, progress)
            return evaluation.to_dict(), evaluation.outcomes
        assert self.subject.folder is not None
        folder, name = self.subject.folder / EVALUATIONS, self.identity
        before = distributed.agreed(finished(folder, name) if resume else None)
        if before is not None:
            return {**evaluations.load(before).content, "saved": str(before)}, load_outcomes(before)
        share = f"-{distributed.rank()}" if distributed.size() > 1 else ""
        unfinished = folder / f"unfinished-{name[:16]}{share}.safetensors"
        n = len(self.subject)
        with distributed.together():
            journal = Journal.opened(n, unfinished, name) if resume else Journal(n, unfinished, name)
        evaluation = carried_out(self.subject, self.plan, progress, journal)
        with distributed.together():
            saved = save_evaluation(evaluation, folder, self.name, name) if distributed.rank() == 0 else None
        journal.remove()
        saved = distributed.agreed(saved)
        return {**evaluation.to_dict(), "saved": str(saved)}, evaluation.outcomes

    def examples(self, count: int) -> dict[str, str]:
        """Save the adversarial examples of the first images, so many of them, and return where: {"images": path}; {}
        for 0.

        They are made anew: the noise of an image is its own, so they are those that were counted. An attack that this
        model does not let run has none.
        """
        if not count or self.subject.folder is None:
            return {}
        with distributed.together():
            saved = save_examples(self.subject, self.plan, count) if distributed.rank() == 0 else None
        return {"images": str(distributed.agreed(saved))}


def save_examples(subject: Subject, plan: Plan, count: int) -> Path:
    """Return the path of a safetensors file: index and label [k], "0.images" the clean images [k, ...], and "1.images"
    and so on those of each attack of the plan that can be run, floats in [0, 1]; its metadata have the labels of the
    rows.

    Raises RkblocksError RK824 where it cannot be written.
    """
    assert subject.folder is not None
    rows = torch.arange(min(count, len(subject)))
    at = rows.to(subject.labels.device)
    tensors: dict[str, Tensor] = {"index": subject.indices[rows], "label": subject.labels[at]}
    tensors["0.images"], labels = subject.floats(at), {"0": "clean"}
    for number, item in enumerate(plan.items, 1):
        with suppress(RkblocksError):  # it is a missing row of the evaluation, with the reason
            tensors[f"{number}.images"] = attacked(subject, item, rows, plan.seed)
            labels[str(number)] = item.label
    folder = subject.folder / "evaluations"
    free = next(
        k for k in range(1, 10**6) if not (folder / f"images-{subject.split}-seed{plan.seed}-{k}.safetensors").exists()
    )
    path = folder / f"images-{subject.split}-seed{plan.seed}-{free}.safetensors"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write(path, save({name: value.cpu().contiguous() for name, value in tensors.items()}, metadata=labels))
    except OSError as error:
        fail("RK824", f"cannot save the images in {folder}: {error.strerror}", help="check space and rights")
    return path
