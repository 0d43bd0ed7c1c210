"""`rkblocks analyze`: how perturbations grow through the groups of a trained network, under attack and at random."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from rkblocks import attacks
from rkblocks.attacks import ExampleStreams, Threat
from rkblocks.diagnostics import fail
from rkblocks.evaluation.growth import NORMS, GroupGrowth, perturbation_growth
from rkblocks.evaluation.measure import Progress, versions
from rkblocks.evaluation.plan import base_threat
from rkblocks.evaluation.subject import Subject, of_run

KINDS = {"adversarial": "pgd", "random": "noise"}
COLUMNS = ("run", "blocks", "perturbation", "group", "p", "mean", "deviation", "largest", "pairs", "zeros")


@dataclass(frozen=True)
class Analysis:
    """The growth of one subject; growth: by kind of perturbation (adversarial, random), one entry for each group and
    norm.
    """

    subject: Subject
    threat: Threat
    seed: int
    growth: dict[str, list[GroupGrowth]]

    def to_dict(self) -> dict[str, Any]:
        return {
            "run": self.subject.name,
            "blocks": self.subject.blocks,
            "data": {"name": self.subject.dataset, "split": self.subject.split, "n": len(self.subject)},
            "threat": self.threat.to_dict(),
            "seed": self.seed,
            "weights": self.subject.weights,
            "versions": versions(),
            "growth": {kind: [row.to_dict() for row in rows] for kind, rows in self.growth.items()},
        }

    def csv_rows(self) -> list[dict[str, Any]]:
        """Return the table of growth, one dictionary of COLUMNS a row."""
        return [
            {"run": self.subject.name, "blocks": self.subject.blocks, "perturbation": kind, **row.to_dict()}
            for kind, rows in self.growth.items()
            for row in rows
        ]


def analyze_subject(
    subject: Subject, threat: Threat, *, seed: int = 0, batch: int = 256, progress: Progress | None = None
) -> Analysis:
    """Return the growth of PGD's and of random perturbations, p = 1, 2 and inf. The PGD examples are the final
    iterates, as in the paper.

    Raises RkblocksError RK830 where the model has no `trace`.
    """
    if not hasattr(subject.model, "trace"):
        fail(
            "RK830", f"{type(subject.model).__name__} has no groups to look at", help="give the model a method trace(x)"
        )
    streams = ExampleStreams.of(seed, subject.indices)

    def pairs(kind: str) -> Iterator[tuple[Tensor, Tensor]]:
        done = 0
        for rows, x, y in subject.batches(batch):
            yield x, attacks.run(KINDS[kind], subject.model, x, y, threat, streams.select(rows))
            done += len(rows)
            if progress:
                progress(f"growth, {kind}", done, len(subject))

    growth = {kind: perturbation_growth(subject.model, pairs(kind), NORMS) for kind in KINDS}
    return Analysis(subject, threat, seed, growth)


def analyze(
    runs: Sequence[str | Path],
    *,
    eps: str | None = None,
    step: str | None = None,
    steps: int | None = None,
    split: str = "test",
    limit: int | None = None,
    seed: int = 0,
    device: str = "auto",
    data_root: str | Path | None = None,
    weights: str = "best",
    batch: int = 256,
    progress: Progress | None = None,
) -> list[Analysis]:
    """Return the analysis of each run folder, saved in its `analysis/` as growth.json and growth.csv.

    The perturbations are those of PGD-20 in the budget of the run's data set, unless eps, step or steps say otherwise.
    Raises RkblocksError RK803, RK804, RK823, RK824, RK830, and what opening a run or a data set raises.
    """
    found = []
    for run in runs:
        subject = of_run(run, split=split, limit=limit, device=device, data_root=data_root, seed=seed, weights=weights)
        threat = base_threat(subject.dataset, eps=eps, step=step, steps=steps)
        found.append(analyze_subject(subject, threat, seed=seed, batch=batch, progress=progress))
        save_analysis(found[-1], Path(run) / "analysis")
    return found


def save_analysis(analysis: Analysis, folder: Path) -> None:
    """Write growth.json and growth.csv to `folder`. Raises RkblocksError RK824 where that is impossible."""
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(analysis.csv_rows())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "growth.csv").write_text(table.getvalue(), encoding="utf-8")
        (folder / "growth.json").write_text(json.dumps(analysis.to_dict(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        fail("RK824", f"cannot save the analysis in {folder}: {error.strerror or error}", help="check space and rights")
