"""The state of an evaluation under way, on disk: an interrupted one continues after its last finished batch."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.runs.storage import write

PARTS = ("prediction", "done")
SAVE_SECONDS = 1.0  # a batch that ends sooner after the last save waits for the next one, or for the end


def identity(facts: Mapping[str, Any]) -> str:
    """Return the sha256 of all that decides the outcomes, as JSON. Evaluations of the same identity are the same."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


class Journal:
    """Rows of predictions [n], by their number in the table, and which images each of them is done with.

    With a path, the state is written there atomically, about once a second and whenever the evaluation stops.
    """

    def __init__(self, n: int, path: Path | None = None, name: str = "") -> None:
        self.n, self.path, self.name = n, path, name
        self._rows: dict[int, tuple[Tensor, Tensor]] = {}
        self._saved, self._dirty = time.monotonic(), False

    @classmethod
    def opened(cls, n: int, path: Path, name: str) -> Journal:
        """Return the journal that an interrupted evaluation of this identity left at `path`, an empty one if none did.

        Raises RkblocksError RK826 where the file is damaged or belongs to another evaluation.
        """
        journal = cls(n, path, name)
        if not path.is_file():
            return journal
        try:
            with safe_open(path, "pt") as file:
                if (file.metadata() or {}).get("identity") != name:
                    raise ValueError("it belongs to another evaluation")
                for number in sorted({int(key.partition(".")[0]) for key in file.keys()}):  # noqa: SIM118 (no mapping)
                    row = file.get_tensor(f"{number}.prediction"), file.get_tensor(f"{number}.done")
                    if any(part.shape != (n,) for part in row) or row[1].dtype != torch.bool:
                        raise ValueError(f"row {number} is not of {n} images")
                    journal._rows[number] = row
        except (OSError, ValueError, SafetensorError) as error:
            reason = " ".join(str(error).split())[:200]
            fail("RK826", f"{path} cannot be continued: {reason}", help="delete it, or leave --resume out")
        return journal

    def row(self, number: int) -> tuple[Tensor, Tensor]:
        """Return (prediction, done) of a row, both [n]; prediction counts where done."""
        if number not in self._rows:
            self._rows[number] = (torch.zeros(self.n, dtype=torch.long), torch.zeros(self.n, dtype=torch.bool))
        return self._rows[number]

    def finished(self, number: int, rows: Tensor, prediction: Tensor) -> None:
        """Enter the outcome of a batch. Raises RkblocksError RK824 where the file cannot be written."""
        kept, done = self.row(number)
        kept[rows], done[rows], self._dirty = prediction, True, True
        if time.monotonic() - self._saved >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """Write what is not written yet."""
        if self.path is None or not self._dirty:
            return
        tensors = {f"{k}.{part}": t for k, row in self._rows.items() for part, t in zip(PARTS, row, strict=True)}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write(self.path, save(tensors, metadata={"identity": self.name}))
        except (OSError, RkblocksError) as error:
            reason = error.diagnostics[0].message if isinstance(error, RkblocksError) else str(error)
            fail("RK824", f"the state of the evaluation cannot be saved: {reason}", help="check space and rights")
        self._saved, self._dirty = time.monotonic(), False

    def remove(self) -> None:
        """Delete the file: the evaluation is complete."""
        if self.path is not None:
            self._dirty = False
            with suppress(OSError):
                self.path.unlink(missing_ok=True)


def finished(folder: Path, name: str) -> Path | None:
    """Return the JSON of a complete evaluation of this identity in a run's `evaluations/`, or None."""
    for path in sorted(folder.glob("*.json")):
        with suppress(OSError, SafetensorError), safe_open(path.with_suffix(".safetensors"), "pt") as file:
            if (file.metadata() or {}).get("identity") == name:
                return path
    return None


@contextmanager
def kept(journal: Journal) -> Iterator[Callable[[int, Tensor, Tensor], None]]:
    """Save the journal however the block ends; yields journal.finished."""
    try:
        yield journal.finished
    finally:
        journal.save()
