"""What a demo does: a study file of its own, which lies in its folder. Continuing with other settings is refused, not
mixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from rkblocks.diagnostics import fail
from rkblocks.settings.threat import Threat
from rkblocks.settings.toml import literal
from rkblocks.study import spec
from rkblocks.study.main import tasks_of
from rkblocks.study.task import Task

FILE: Final = "demo.toml"
NETWORKS: Final = "networks"
#: The five schemes of the paper (INTERFACE section 4).
PAPER: Final = ("euler", "midpoint", "ssp2", "ssp3", "ark")
MAX_SEEDS: Final = 100

STUDY = """\
name = "demo"
preset = "digits"

[set]
training.device = "cpu"
{changes}

[grid]
blocks = {schemes}
seeds = {seeds}

[evaluation]
limit = {limit}
probe = {probe}

[[evaluation.attacks]]
attack = "fgsm"

[[evaluation.attacks]]
attack = "pgd"
steps = 20
"""


@dataclass(frozen=True)
class Settings:
    """schemes: names, aliases or paths; seeds: networks of each; changes: settings that differ from the training
    preset; sweep: radii beyond the attack's own, the last holding the whole box; limit: test images (0: all); probe:
    images of the health checks.
    """

    schemes: tuple[str, ...] = PAPER
    seeds: int = 3
    changes: Mapping[str, Any] = field(default_factory=lambda: {"training.epochs": 8})
    sweep: tuple[str, ...] = ("1/20", "1/5", "2/5", "1")
    limit: int = 0
    probe: int = 60

    def study(self) -> str:
        """The study file."""
        return STUDY.format(
            changes="\n".join(f"{key} = {literal(value)}" for key, value in self.changes.items()),
            schemes=literal(list(self.schemes)),
            seeds=literal(list(range(self.seeds))),
            limit=self.limit,
            probe=self.probe,
        )

    def tasks(self, folder: Path) -> list[Task]:
        """All networks of the demo in this folder, seed by seed; each is attacked with the random numbers of its seed.

        Raises what reading a study raises.
        """
        every = tuple(range(self.seeds))
        found = tasks_of(spec.load(folder / FILE), folder / NETWORKS, 1, None, None)
        return [
            replace(task, evaluation=replace(task.evaluation, seed=seed), series="demo", seeds=every)
            for (_, seed), task in found.items()
        ]


def tiny() -> Settings:
    """Return settings that run everything in seconds; their numbers mean nothing."""
    changes = {"training.epochs": 1, "net.widths": [4, 8], "attack.steps": 1, "data.validation": 0.05}
    return Settings(seeds=1, changes=changes, sweep=("1",), limit=40, probe=10)


def pgd(task: Task) -> Threat:
    """Return the threat model of PGD-20, which is that of FGSM too but for its step."""
    (threat,) = (column.item.threat for column in task.plan if column.item and column.item.attack == "pgd")
    return threat


def settle(folder: Path, settings: Settings) -> None:
    """Create the demo's folder with its study file, or find that it has this very one already.

    Raises RkblocksError RK841 where it belongs to something else, RK824 where it cannot be written.
    """
    path, text = folder / FILE, settings.study()
    try:
        if path.is_file():
            if path.read_text(encoding="utf-8") != text:
                fail(
                    "RK841",
                    f"{folder} holds a demo with other settings (see {path})",
                    help="choose another --out, or leave the options as they were to continue it",
                )
            return
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            fail("RK841", f"{folder} exists and is no demo: it has no {FILE}", help="choose another --out")
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail("RK824", f"cannot write to {folder}: {error.strerror or error}", help="choose another --out")
