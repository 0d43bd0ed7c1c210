"""What an evaluation leaves behind of every image: saved beside its JSON, and read back for comparisons."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from rkblocks.diagnostics import RkblocksError, fail
from rkblocks.runs import evaluations
from rkblocks.runs.storage import write, write_text

ROOM = 1 << 20
"""Bytes that a result must have room for: about those of ten rows of ten thousand images."""


@dataclass(frozen=True)
class Outcomes:
    """The images of one run under each row of its evaluation.

    data: name, split, n and the sha256 of the images; index, label: integers [n]; rows: the key of an entry (`row_key`)
    to whether each image is correct, [n]. The first row is clean. failed: the health checks that failed; settings: the
    run's, with dotted keys, empty where they are not known.
    """

    run: str
    data: Mapping[str, Any]
    index: Tensor
    label: Tensor
    rows: Mapping[str, Tensor]
    failed: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def row_key(entry: Mapping[str, Any]) -> str:
    """Return what makes two rows the same: attack, threat model and definition, as JSON text."""
    return json.dumps({name: entry[name] for name in ("attack", "threat", "definition")}, sort_keys=True)


def ready(folder: Path, what: str) -> None:
    """See, before the work, that the folder of a result can be made and has room; no new one is left behind.

    what: "evaluation", "analysis". Raises RkblocksError RK824 where it cannot be made, or takes no file of some size.
    """
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM))
            file.flush()
    except OSError as error:
        reason = error.strerror or str(error)
        fail("RK824", f"cannot save the {what} in {folder}: {reason}", help="check space and rights")
    finally:
        with suppress(OSError):
            for one in new:
                one.rmdir()


def save_outcomes(
    folder: Path, stem: str, content: Mapping[str, Any], tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> Path:
    """Return the path of the JSON written to `folder`; the tensors lie beside it as .safetensors.

    Nothing is overwritten: a second evaluation of the same stem gets a number. Raises RkblocksError RK824.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = next(k for k in range(1, 10**6) if not (folder / f"{stem}{'' if k == 1 else f'-{k}'}.json").exists())
        path = folder / f"{stem}{'' if free == 1 else f'-{free}'}.json"
        write(path.with_suffix(".safetensors"), save(dict(tensors), metadata=dict(metadata)))
        write_text(path, json.dumps(content, indent=2) + "\n")
    except (OSError, RkblocksError) as error:
        reason = error.diagnostics[0].message if isinstance(error, RkblocksError) else error.strerror or str(error)
        fail("RK824", f"cannot save the evaluation in {folder}: {reason}", help="check space and rights")
    return path


def load_outcomes(path: str | Path) -> Outcomes:
    """Return what a saved evaluation (its .json) says of every image.

    Raises RkblocksError RK826 where one of its two files is absent, damaged, or does not fit the other.
    """
    path = Path(path)
    try:
        saved = evaluations.load(path)
        entries = saved.entries
        with safe_open(path.with_suffix(".safetensors"), "pt") as file:
            index, label = file.get_tensor("index"), file.get_tensor("label")
            rows = {row_key(entry): file.get_tensor(f"{number}.correct") for number, entry in enumerate(entries)}
        for entry, correct in zip(entries, rows.values(), strict=True):
            if correct.dtype != torch.bool or int(correct.sum()) != round(entry["accuracy"] * entry["n"]):
                raise ValueError(f"the outcomes of {entry['attack']} do not add up to its accuracy")
        failed = tuple(check["check"] for check in saved.health if not check["ok"])
        return Outcomes(saved.content.get("run", ""), saved.content.get("data", {}), index, label, rows, failed)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        fail("RK826", f"{path} is no saved evaluation: {reason}", help="give the .json in a run's evaluations/")
