"""The evaluation of one subject: clean accuracy, then every attack of the plan, then the health of the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from rkblocks import distributed
from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation.certify import certificate_of
from rkblocks.evaluation.corrupted import corrupted
from rkblocks.evaluation.health import Evidence, Verdict, health_report
from rkblocks.evaluation.journal import Journal, kept
from rkblocks.evaluation.measure import Measurement, Row, entry, measure, measure_clean, occurring
from rkblocks.evaluation.subject import Subject
from rkblocks.intervals import wilson
from rkblocks.progress import Progress
from rkblocks.runs.outcomes import Outcomes, row_key, save_outcomes
from rkblocks.settings.options import check_progress
from rkblocks.settings.plan import BATCH, Item, Missing, Plan, stand_ins
from rkblocks.shown import Shown

UNFIT: Final = ("RK801", "RK819")  # from, to: what an attack says of a model or images that it cannot attack


@dataclass(frozen=True)
class Evaluation(Shown):
    """All rows of one subject and the health of its numbers. measurements[0] is clean; missing: what was not run."""

    subject: Subject
    seed: int
    measurements: tuple[Measurement, ...]
    health: tuple[Verdict, ...]
    missing: tuple[Missing, ...] = ()
    corruptions: tuple[dict[str, Any], ...] = ()
    radii: Tensor | None = None
    """Certified radii in l2, where every block of the network has a guarantee."""

    @property
    def healthy(self) -> bool:
        return all(verdict.ok for verdict in self.health)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The rows as entries of INTERFACE section 5."""
        found = [entry(row, seed=self.seed, weights=self.subject.weights) for row in self.measurements]
        if self.radii is not None:  # the ball of each row lies in one of l2; its share is a lower bound
            features = self.subject.images[0].numel()
            for one in found:
                if one["threat"]:
                    threat = one["threat"]
                    eps = float(Fraction(threat["eps"])) * (features**0.5 if threat["norm"] == "linf" else 1.0)
                    one["certified"] = int((self.radii > eps).sum()) / len(self.radii)
        return found

    @property
    def outcomes(self) -> Outcomes:
        """What became of every image, for `compare`."""
        subject, rows = self.subject, zip(self.entries, self.measurements, strict=True)
        correct = {row_key(found): row.correct for found, row in rows}
        failed = tuple(verdict.check for verdict in self.health if not verdict.ok)
        return Outcomes(subject.name, subject.data, subject.indices, subject.labels.cpu(), correct, failed)

    def to_dict(self) -> dict[str, Any]:
        """Return one element of "runs" in the JSON of INTERFACE section 5.

        `worst` counts images that every row left correct.
        """
        survivors = torch.stack([row.correct for row in self.measurements]).all(0)
        right = int(survivors.sum())
        common = {"corruptions": list(self.corruptions)} if self.corruptions else {}
        return {
            "run": self.subject.name,
            "blocks": self.subject.blocks,
            "data": self.subject.data,
            "entries": self.entries,
            "missing": [row.to_dict() for row in self.missing],
            "worst": {"accuracy": right / len(survivors), "interval": list(wilson(right, len(survivors)))},
            **common,
            "health": [verdict.to_dict() for verdict in self.health],
        }


def evaluate_subject(
    subject: Subject,
    items: Sequence[Item],
    *,
    seed: int = 0,
    batch: int = BATCH,
    probe: int = 100,
    progress: Progress | None = None,
) -> Evaluation:
    """Return the evaluation of one subject: clean, then these rows, then the health checks on `probe` images (0:
    none).
    """
    check_progress(progress)
    return carried_out(subject, Plan(tuple(items), seed=seed, batch=batch, probe=probe), progress)


def carried_out(
    subject: Subject, plan: Plan, progress: Progress | None = None, journal: Journal | None = None
) -> Evaluation:
    """Return the evaluation of a subject by a plan. Of the processes of a group each attacks its share of the images,
    and all return the whole.

    journal: rows and parts of rows that are in it are taken from there; it is saved however the evaluation ends.
    """
    journal = Journal(len(subject)) if journal is None else journal
    seed, batch = plan.seed, plan.batch
    if expect := getattr(progress, "expect", None):
        expect(1 + len(plan.items) + bool(plan.probe))
    with kept(journal):
        clean = distributed.agreed(measure_clean(subject, batch, progress))
        subject = replace(subject, occurring=occurring(subject.labels, clean.prediction))
        rows, unrun = _rows(subject, plan, clean, Row(journal, 0, progress))
        common = []
        if plan.corruptions:
            common = distributed.agreed(corrupted(subject, seed=seed, batch=batch, progress=progress))
        checks: tuple[Verdict, ...] = ()
        if plan.probe:
            absent = {row.attack: row for row in plan.missing}
            sample = subject.sample(plan.probe, seed)
            evidence = Evidence(subject, tuple(rows), sample, seed, batch, absent, tuple(unrun))
            checks = health_report(evidence, progress)
    certificate = certificate_of(subject)
    radii = None if certificate is None else certificate.radii
    return Evaluation(subject, seed, tuple(rows), checks, (*plan.missing, *unrun), tuple(common), radii)


def _rows(subject: Subject, plan: Plan, clean: Measurement, row: Row) -> tuple[list[Measurement], list[Missing]]:
    """Return clean and the rows of the plan, and those that this model or its images do not let run."""
    rows, waiting = [clean], list(plan.items)
    unrun: list[Missing] = []
    for number in count(1):
        if len(waiting) < number:
            return rows, unrun
        item = waiting[number - 1]
        try:
            own = replace(row, number=number)
            rows.append(measure(subject, item, clean, seed=plan.seed, batch=plan.batch, row=own))
        except RkblocksError as error:
            found = error.diagnostics[0]
            if not UNFIT[0] <= found.code <= UNFIT[1]:
                raise
            unrun.append(Missing(item.attack, found.message, found.help, item.label))
            waiting += stand_ins(item.threat) if item.attack == "autoattack" else ()
        else:
            decoys = item.attack == "autoattack" and len(subject.occurring) < subject.classes
            waiting += stand_ins(item.threat)[1:2] if decoys else ()
    raise AssertionError


def save_evaluation(evaluation: Evaluation, folder: Path, name: str, identity: str = "") -> Path:
    """Return the path of the JSON written to `folder`; the outcome of every image lies beside it as .safetensors.

    The tensors: index and label of each image, and for every row of the table its prediction and whether it is
    correct. Nothing is overwritten: a second evaluation of the same name gets a number. Raises RkblocksError RK824.
    """
    subject = evaluation.subject
    tensors: dict[str, Tensor] = {"index": subject.indices.contiguous(), "label": subject.labels.cpu().contiguous()}
    for number, row in enumerate(evaluation.measurements):
        tensors[f"{number}.prediction"] = row.prediction.contiguous()
        tensors[f"{number}.correct"] = row.correct.contiguous()
    labels = {str(k): row.item.label if row.item else "clean" for k, row in enumerate(evaluation.measurements)}
    labels |= {"identity": identity} if identity else {}
    stem = f"{name}-{subject.split}-seed{evaluation.seed}"
    return save_outcomes(folder, stem, evaluation.to_dict(), tensors, labels)
