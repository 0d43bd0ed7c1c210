"""`rkblocks analyze`: which analyses there are, and how a network goes through those that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rkblocks.analysis.certificate import certificate
from rkblocks.analysis.examples import examples
from rkblocks.analysis.growth import growth
from rkblocks.analysis.lemma1 import lemma1
from rkblocks.analysis.lipschitz import lipschitz
from rkblocks.analysis.record import blocks_of
from rkblocks.analysis.sample import Sample
from rkblocks.analysis.save import save
from rkblocks.analysis.surface import surface
from rkblocks.analysis.variance import variance
from rkblocks.analysis.variation import variation
from rkblocks.analysis.verdict import verdicts
from rkblocks.attacks import Threat
from rkblocks.diagnostics import fail
from rkblocks.evaluation.audit import audit_model
from rkblocks.evaluation.measure import versions
from rkblocks.evaluation.subject import Images, Subject, of_run
from rkblocks.progress import Progress
from rkblocks.runs.network import open_run
from rkblocks.runs.outcomes import ready
from rkblocks.settings.plan import base_threat
from rkblocks.shown import Shown

IMAGES: Final = 256
"""How many images an analysis looks at, unless a limit says otherwise; some look at fewer of them."""


def coefficients(sample: Sample) -> list[dict[str, Any]]:
    """Return the audit of every block: learned coefficients, order, SSP coefficient, Lemma-3 growth, exactly."""
    return [audit.to_dict() for audit in audit_model(sample.model)]


ANALYSES: Final[dict[str, Callable[[Sample], list[dict[str, Any]]]]] = {
    "growth": growth,
    "variation": variation,
    "variance": variance,
    "lemma1": lemma1,
    "lipschitz": lipschitz,
    "coefficients": coefficients,
    "surface": surface,
    "examples": examples,
    "certificate": certificate,
}
"""By name, what is measured: a function from the sample to the rows of a table."""


BULKY: Final = ("clean_image", "adversarial_image", "axis", "loss", "prediction")
"""Keys of the tables that are for figures, not for people."""


@dataclass(frozen=True)
class NetworkAnalysis(Shown):
    """The tables of one network, by the name of the analysis; verdicts: one a block, where lemma1 was asked for."""

    subject: Subject
    threat: Threat
    seed: int
    tables: dict[str, list[dict[str, Any]]]
    verdicts: list[dict[str, Any]]

    def to_dict(self, *, brief: bool = False) -> dict[str, Any]:
        """Return one element of "runs" in the JSON of `analyze --format json`.

        "growth" has the groups by kind of perturbation, as in the paper's Figure 4; "analyses" all tables in full, if
        `brief` without pixels and slices of the loss surface.
        """
        return {
            "run": self.subject.name,
            "blocks": self.subject.blocks,
            "data": {"name": self.subject.dataset, "split": self.subject.split, "n": len(self.subject)},
            "threat": self.threat.to_dict(),
            "seed": self.seed,
            "weights": self.subject.weights,
            "versions": versions(),
            "growth": _groups(self.tables.get("growth", [])),
            "verdicts": self.verdicts,
            "analyses": {name: _brief(rows) for name, rows in self.tables.items()} if brief else self.tables,
        }


def chosen(only: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the analyses asked for, in the order of ANALYSES: all for None.

    Raises RkblocksError RK832 for a name that is none, or where there is no name.
    """
    if only is None:
        return tuple(ANALYSES)
    words = only.split(",") if isinstance(only, str) else list(only)
    names = {word.strip() for word in words if word.strip()}
    unknown = sorted(names - set(ANALYSES))
    if unknown or not names:
        what = f"there is no analysis {unknown[0]!r}" if unknown else "no analysis is named"
        fail("RK832", f"{what}; expected some of {', '.join(ANALYSES)}", help="leave --only out for all of them")
    return tuple(name for name in ANALYSES if name in names)


def analyze_network(
    subject: Subject,
    threat: Threat,
    *,
    only: str | Sequence[str] | None = None,
    seed: int = 0,
    batch: int = 64,
    progress: Progress | None = None,
) -> NetworkAnalysis:
    """Return the analysis of one network of Runge-Kutta blocks, on all images of the subject.

    Raises RkblocksError RK831 where the network has no such block, RK832 for an unknown analysis.
    """
    names = chosen(only)
    blocks_of(subject.model)
    sample = Sample(subject, threat, seed, batch, progress)
    tables = {name: ANALYSES[name](sample) for name in names}
    if not tables.get("certificate", True):  # no network of known constant
        del tables["certificate"]
    found = verdicts(tables["lemma1"], audit_model(subject.model)) if "lemma1" in tables else []
    return NetworkAnalysis(subject, threat, seed, tables, found)


def analyze(
    runs: Sequence[str | Path],
    *,
    only: str | Sequence[str] | None = None,
    eps: str | None = None,
    step: str | None = None,
    steps: int | None = None,
    random_start: bool = True,
    split: str = "test",
    limit: int | None = IMAGES,
    seed: int = 0,
    device: str = "auto",
    data_root: str | Path | None = None,
    weights: str = "best",
    batch: int = 64,
    progress: Progress | None = None,
) -> list[NetworkAnalysis]:
    """Return the analysis of each run folder, saved in its `analysis/`: a CSV for each table, and analysis.json.

    The perturbations are those of PGD-20 in the budget of the run's data set, unless eps, step, steps or random_start
    (False: from the images themselves, as in the published evaluation) say otherwise.
    Raises RkblocksError RK803, RK804, RK823, RK824, RK831, RK832, and what opening a run or a data set raises.
    """
    names = chosen(only)
    for run in runs:  # the work on one run is not lost to a slip in the name of the next
        open_run(run, "cpu", weights)
        ready(Path(run) / "analysis", "analysis")
    found = []
    for run in runs:
        subject = of_run(run, Images(split, limit, seed, weights, data_root), device=device)
        threat = base_threat(subject.dataset, eps=eps, step=step, steps=steps, random_start=random_start)
        analysis = analyze_network(subject, threat, only=names, seed=seed, batch=batch, progress=progress)
        save(analysis.to_dict(), Path(run) / "analysis")
        found.append(analysis)
    return found


def _brief(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key not in BULKY} for row in rows]


def _groups(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of groups by kind of perturbation, under the keys of rkblocks.evaluation.growth."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["level"] == "group":
            rest = {key: value for key, value in row.items() if key not in ("perturbation", "level", "place")}
            found.setdefault(row["perturbation"], []).append({"group": row["place"], **rest})
    return found
