"""The evaluation of one run folder, with its files: continued where it was interrupted, and saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rkblocks import distributed
from rkblocks.evaluation.images import save_examples
from rkblocks.evaluation.journal import Journal, finished, identity
from rkblocks.evaluation.measure import versions
from rkblocks.evaluation.subject import Subject, state_hash
from rkblocks.evaluation.subject_evaluation import carried_out, save_evaluation
from rkblocks.progress import Progress
from rkblocks.runs import evaluations
from rkblocks.runs.evaluations import EVALUATIONS
from rkblocks.runs.outcomes import Outcomes, load_outcomes
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
