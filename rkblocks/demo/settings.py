"""What a demo does, as one frozen value that lies in its folder: continuing with other settings is refused, not
mixed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from rkblocks.attacks import Threat
from rkblocks.diagnostics import fail

FILE: Final = "demo.json"
#: The five schemes of the paper (INTERFACE section 4).
PAPER: Final = ("euler", "midpoint", "ssp2", "ssp3", "ark")
MAX_SEEDS: Final = 100


@dataclass(frozen=True)
class Settings:
    """schemes: names, aliases or paths; seeds: networks of each; changes: settings that differ from the training
    preset; sweep: radii beyond the attack's own, the last holding the whole box; limit: test images (None: all);
    probe: images of the health checks.
    """

    schemes: tuple[str, ...] = PAPER
    seeds: int = 3
    preset: str = "digits"
    changes: dict[str, Any] = field(default_factory=lambda: {"training.epochs": 8})
    eps: str = "1/10"
    step: str = "1/40"
    sweep: tuple[str, ...] = ("1/20", "1/5", "2/5", "1")
    limit: int | None = None
    probe: int = 60

    @property
    def threat(self) -> Threat:
        """The threat model of FGSM and PGD-20."""
        return Threat(eps=Fraction(self.eps), steps=20, step=Fraction(self.step))

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All networks to train: seed by seed, so that an interrupted demo has all schemes for the seeds it has."""
        return tuple(Task(scheme, seed) for seed in range(self.seeds) for scheme in self.schemes)


@dataclass(frozen=True)
class Task:
    """One network: a scheme and a seed."""

    scheme: str
    seed: int

    @property
    def name(self) -> str:
        """The name of its run folder."""
        return f"{Path(self.scheme).stem}-seed{self.seed}"

    @property
    def label(self) -> str:
        """What the progress calls it."""
        return f"{self.scheme}, seed {self.seed}"


def tiny() -> Settings:
    """Return settings that run everything in seconds; their numbers mean nothing."""
    changes = {"training.epochs": 1, "net.widths": [4, 8], "attack.steps": 1, "data.validation": 0.05}
    return Settings(seeds=1, changes=changes, sweep=("1",), limit=40, probe=10)


def settle(folder: Path, settings: Settings) -> None:
    """Create the demo's folder with its settings, or find that it has these very ones already.

    Raises RkblocksError RK841 where it belongs to something else, RK824 where it cannot be written.
    """
    path = folder / FILE
    text = json.dumps({"version": 1, **asdict(settings)}, indent=2) + "\n"
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
