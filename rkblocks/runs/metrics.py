"""metrics.jsonl: a line for each epoch of a training, read in one way by all who need it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rkblocks.runs import records

METRICS = "metrics.jsonl"


@dataclass(frozen=True)
class Metrics:
    """epochs: the lines that can be read, in the order of their epochs; damage: "FILE, line 3: ..." of the first that
    cannot, else "".
    """

    epochs: tuple[dict[str, Any], ...] = ()
    damage: str = ""


def read(folder: Path) -> Metrics:
    """Return the metrics of a run folder. A missing file is empty, and a last line that was cut off, as by a crash, is
    no damage: its epoch is repeated.
    """
    path = folder / METRICS
    try:
        with open(path, "rb") as file:
            text = file.read(records.LIMITS[METRICS] + 1)
    except FileNotFoundError:
        return Metrics()
    except OSError as error:
        return Metrics(damage=f"{path} cannot be read: {error.strerror or error}")
    if len(text) > records.LIMITS[METRICS]:
        return Metrics(damage=f"{path} has more than {records.LIMITS[METRICS]} bytes")
    found: list[dict[str, Any]] = []
    damage = ""
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        last = found[-1]["epoch"] if found else 0
        try:
            value = records.parse(line, records.Epoch)
            if value["epoch"] <= last:
                raise records.UnfitError(f"epoch: expected {last + 1}, got {value['epoch']}")
        except records.UnfitError as error:
            if number == len(lines) and not text.endswith(b"\n"):
                break
            damage = damage or f"{path}, line {number}: expected the metrics of epoch {last + 1}; {error}"
            continue
        if value["epoch"] != last + 1:
            damage = damage or f"{path}, line {number}: expected the metrics of epoch {last + 1}, got {value['epoch']}"
        found.append(value)
    return Metrics(tuple(found), damage)
