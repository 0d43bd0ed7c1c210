"""evaluations/ of a run folder: what was measured of a network, read in one way by all who need it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rkblocks.diagnostics import fail
from rkblocks.runs import records

EVALUATIONS = "evaluations"


@dataclass(frozen=True)
class Saved:
    """A saved evaluation. content: one element of "runs" in the JSON of `evaluate`."""

    path: Path
    content: dict[str, Any]

    @property
    def entries(self) -> list[dict[str, Any]]:
        """The rows, clean images first."""
        found: list[dict[str, Any]] = self.content["entries"]
        return found

    @property
    def health(self) -> list[dict[str, Any]]:
        """The health checks; none where none was made."""
        found: list[dict[str, Any]] = self.content.get("health", [])
        return found


def load(path: Path) -> Saved:
    """Return the evaluation of a file. Raises RkblocksError RK826 with the key where it is none."""
    try:
        return _load(path)
    except records.UnfitError as error:
        fail("RK826", f"{path} is no saved evaluation: {error}", help="give the .json in a run's evaluations/")


def read(folder: Path) -> tuple[list[Saved], dict[Path, str]]:
    """Return the evaluations in a run folder, by name, and why others of its files are none."""
    found, wrong = [], {}
    for path in sorted((folder / EVALUATIONS).glob("*.json")):
        try:
            found.append(_load(path))
        except records.UnfitError as error:
            wrong[path] = str(error)
    return found, wrong


def _load(path: Path) -> Saved:
    try:
        return Saved(path, records.read(path, "evaluation", records.Evaluation))
    except OSError as error:
        raise records.UnfitError(error.strerror or str(error)) from None
