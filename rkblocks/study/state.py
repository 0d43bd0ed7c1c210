"""How far a network of a study is, read from its run folder; nothing here needs the weights to be at hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.runs import config as configs
from rkblocks.runs import evaluations, metrics
from rkblocks.runs.config import Config
from rkblocks.runs.folder import CONFIG, RESUME, WEIGHTS, occupied, recorded
from rkblocks.runs.storage import weights_hashes
from rkblocks.study.plan import WORST, Column, Evaluation
from rkblocks.tableau import Tableau

#: Settings that say where and how fast, and leave the result the same (but for rounding on another device).
INDIFFERENT: Final = ("data.root", "training.device", "training.save_minutes", "net.memory")
ABSENT, PARTIAL, TRAINED = "absent", "partial", "trained"


@dataclass(frozen=True)
class State:
    """stage: absent, partial (some of the training is done), trained; epochs: done, and wanted; seconds of training so
    far; found: the entry of each column that was measured on these weights, by key; health: the checks of those
    evaluations; damage: what makes a file unreadable that all of this depends on; notes: files that were passed over;
    record: run.json; schemes: those of the groups, from the run's own copies; curve: the lines of metrics.jsonl.
    """

    stage: str
    epochs: tuple[int, int]
    seconds: float
    found: Mapping[str, Mapping[str, Any]]
    health: tuple[Mapping[str, Any], ...] = ()
    damage: str = ""
    notes: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    schemes: tuple[Tableau, ...] = ()
    curve: tuple[Mapping[str, Any], ...] = ()

    def missing(self, plan: Sequence[Column]) -> tuple[Column, ...]:
        """The columns that are still to be measured."""
        return tuple(column for column in plan if column.key not in self.found)

    def unfinished(self, plan: Sequence[Column]) -> bool:
        """Whether there is anything left to do."""
        return self.stage != TRAINED or bool(self.missing(plan))


def state(folder: Path, config: Config, plan: Sequence[Column], evaluation: Evaluation) -> State:
    """The state of the network that `config` describes.

    Raises:
        RkblocksError: RK852 where the folder holds another network, and what reading its configuration raises.
    """
    epochs = config.training.epochs
    if not (folder / CONFIG).is_file():
        if occupied(folder):
            fail(
                "RK852", f"{folder} is no run folder: it has no {CONFIG}", help="move it away, or choose another --out"
            )
        return State(ABSENT, (0, epochs), 0.0, {})
    differing = differences(configs.load(folder / CONFIG, trained=True), config)
    if differing:
        fail(
            "RK852",
            f"{folder} is another network than the study asks for: {'; '.join(differing)}",
            help="move it away, or choose another --out",
        )
    known = metrics.read(folder)
    done = min(len(known.epochs), epochs)
    try:
        record, schemes = recorded(folder)
    except RkblocksError as error:
        return State(PARTIAL, (done, epochs), 0.0, {}, damage=known.damage or error.diagnostics[0].message)
    if known.damage:
        return State(PARTIAL, (done, epochs), 0.0, {}, damage=known.damage, record=record, schemes=schemes)
    seconds = sum(float(one.get("seconds", 0.0)) for one in known.epochs)
    if done < epochs or not ((folder / WEIGHTS["last"]).is_file() or not (folder / RESUME).is_file()):
        return State(PARTIAL, (done, epochs), seconds, {}, record=record, schemes=schemes)
    notes: list[str] = []
    n = images(record, evaluation)
    found, health = measured(folder, plan, evaluation, n, notes)
    about: dict[str, Any] = {"record": record, "schemes": schemes, "curve": known.epochs[:epochs]}
    return State(TRAINED, (done, epochs), seconds, found, health, notes=tuple(notes), **about)


def differences(had: Config, wanted: Config) -> list[str]:
    """Return "net.depth is 6, wanted 10" for every setting that differs and matters; keys that an older run's file
    lacks have their defaults.
    """
    found = []
    old, new = had.to_dict(), wanted.to_dict()
    for section, keys in new.items():
        for key, value in keys.items():
            name, had_value = f"{section}.{key}", old[section][key]
            if name not in INDIFFERENT and had_value != value:
                found.append(f"{name} is {had_value}, wanted {value}")
    return found


def lines(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file of lines; a last line that was cut off counts as none, a missing file as empty."""
    found = []
    try:
        texts = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    for text in texts:
        value = _object(text)
        if value is not None:
            found.append(value)
    return found


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def measured(
    folder: Path, plan: Sequence[Column], evaluation: Evaluation, n: int, notes: list[str]
) -> tuple[dict[str, Mapping[str, Any]], tuple[Mapping[str, Any], ...]]:
    """Return the entry of each column from the run's evaluations/*.json, and the health checks of the files used; under
    the key "worst" what stands every attack, where one evaluation made all of them.

    Counted is what was measured on these weights and images, with this seed. Where the weights are not kept, all
    evaluations must be of the same ones. A file with impossible content is passed over, and a note says so.
    """
    hashes = set(weights_hashes(folder / WEIGHTS[evaluation.weights]))
    found: dict[str, Mapping[str, Any]] = {}
    health: dict[str, Mapping[str, Any]] = {}
    saved, wrong = evaluations.read(folder)
    notes += [f"{path} is passed over: {reason}" for path, reason in wrong.items()]
    for one in saved:
        entries = one.entries
        own = {str(entry["weights"]) for entry in entries}
        hashes = hashes or own
        split = one.content.get("data", {}).get("split")
        if not own <= hashes or split != evaluation.split or {entry["seed"] for entry in entries} != {evaluation.seed}:
            continue
        here = {c.key: row for c in plan for row in entries if c.is_of(row) and row["n"] == n}
        if set(here) - set(found):
            health |= {check["check"]: check for check in one.health}
        if len(here) == len(plan) == len(entries) and "worst" in one.content:
            found[WORST.key] = one.content["worst"]
        found = {**here, **found}
    return found, tuple(health.values())


def images(record: Mapping[str, Any], evaluation: Evaluation) -> int:
    """The number of images that an evaluation of a run takes, by its run.json."""
    size = int(record["data"].get(evaluation.split, 0))
    return min(evaluation.limit or size, size)


def problem(error: RkblocksError) -> str:
    """One line for what went wrong with a network."""
    return " ".join(f"{one.code} {one.message}" for one in error.diagnostics)
