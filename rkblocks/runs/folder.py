"""The run folder: everything a later question about a result can ask for, in files that are whole or absent.

    config.toml              every setting, defaults included
    run.json                 data set, tableaus with their hashes, versions, device, number of parameters
    tableaus/NAME.json       the schemes as they were trained
    module.py                of a network of one's own, its file
    metrics.jsonl            one JSON object an epoch
    weights.safetensors      best on the validation images      last.safetensors   after the last epoch
    average.safetensors      the averaged weights, where averaging is on and they are not the evaluated ones
    resume.pt                what continuing needs, bit for bit         resume.previous.pt   the same, saved before
    in-use                   while a process trains here: which

A run is read from its own files alone: neither the library of schemes nor the data set is asked, and torch is not
needed; `network.open_run` opens its network.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rkblocks import files
from rkblocks.diagnostics import fail
from rkblocks.runs import records
from rkblocks.runs.config import Config, load
from rkblocks.runs.lock import IN_USE
from rkblocks.runs.storage import damaged, sha256, write_text
from rkblocks.settings import toml
from rkblocks.tableau import Tableau

if TYPE_CHECKING:
    from rkblocks.data import Dataset

CONFIG, RECORD, TABLEAUS, MODULE = "config.toml", "run.json", "tableaus", "module.py"
RESUME, PREVIOUS = "resume.pt", "resume.previous.pt"
WEIGHTS = {"best": "weights.safetensors", "last": "last.safetensors", "average": "average.safetensors"}
PACKAGES = ("rkblocks", "torch", "numpy", "sympy", "safetensors", "torchvision", "scikit-learn", "pillow")


def occupied(folder: Path) -> bool:
    """Whether there is a file of this name, or a folder that holds more than its lock and what a run that was killed
    while `create` wrote may have left: all but config.toml, which comes last.
    """
    if not folder.is_dir():
        return folder.is_file()
    names = _names(folder)
    return bool(names if CONFIG in names else names - {TABLEAUS, RECORD, MODULE})


def made(folder: Path) -> list[str]:
    """The names of what training has made in a run folder, sorted: all but what is there before the first step."""
    return sorted(_names(folder) - {CONFIG, RECORD, TABLEAUS, MODULE})


def _names(folder: Path) -> set[str]:
    """The names of all in a folder but its lock and what was left half written."""
    return {path.name for path in folder.iterdir() if path.suffix != ".part"} - {IN_USE}


def vacant(folder: Path) -> None:
    """Return nothing if a new run may be put into `folder`; raises RkblocksError RK711 where something is there."""
    if folder.is_file():
        fail("RK711", f"{folder} is a file, expected a new folder", help="choose another --out")
    if occupied(folder):
        run = f"continue it with --resume {folder}, or " if (folder / CONFIG).is_file() else ""
        help = f"{run}choose another --out"
        fail("RK711", f"{folder} exists already and is not overwritten", help=help)


def create(folder: Path, config: Config, tableaus: Sequence[Tableau], record: Mapping[str, Any]) -> dict[str, Any]:
    """Write all that is known before training; returns the content of run.json. record: its "data", "mean", "std", and
    whatever else is to be kept there.

    Raises:
        RkblocksError: RK711 (something is there already), RK716 (cannot be written).
    """
    vacant(folder)
    try:
        (folder / TABLEAUS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail("RK716", f"{folder} cannot be created: {error.strerror}", help="choose another --out")
    copies: dict[str, str] = {}  # digest -> file
    for tableau in tableaus:
        if tableau.digest not in copies:
            name = tableau.name if f"tableaus/{tableau.name}.json" not in copies.values() else tableau.digest[:16]
            copies[tableau.digest] = f"tableaus/{name}.json"
            _copy(tableau, folder / copies[tableau.digest])
    if config.net.kind == "module":
        record = {**record, "module": _copy_module(config, folder)}
    text = toml.write(config)
    content = {
        "version": 1,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "config": hashlib.sha256(text.encode()).hexdigest(),
        "groups": [copies[tableau.digest] for tableau in tableaus],
        "tableaus": {file: sha256(folder / file) for file in copies.values()},
        **record,
        "versions": versions(),
    }
    write_text(folder / RECORD, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    write_text(folder / CONFIG, text)  # last: without it the folder is free for another run
    return content


def _copy(tableau: Tableau, path: Path) -> None:
    text = tableau.origin.text if tableau.origin else tableau.to_json()
    if path.is_file() and path.read_bytes() != text.encode():
        help = "choose another --out, or remove it where it is of a run that was killed at its start"
        fail("RK711", f"{path} exists already and is not overwritten", help=help)
    write_text(path, text)


def _copy_module(config: Config, folder: Path) -> str:
    """Copy the file of a network of one's own; return its SHA-256."""
    file, _, _ = config.net.module.rpartition(":")
    write_text(folder / MODULE, Path(file).expanduser().read_text(encoding="utf-8"))
    return sha256(folder / MODULE)


def about(data: Dataset) -> dict[str, Any]:
    """What run.json says of a data set."""
    parts = {"train": len(data.train), "validation": len(data.validation), "test": len(data.test)}
    return {"name": data.name, "note": data.note, "shape": list(data.shape), "classes": list(data.classes), **parts}


def versions() -> dict[str, str]:
    """Versions of Python, of the packages that shape a result, and of the machine's system."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def read(folder: Path) -> tuple[Config, dict[str, Any], tuple[Tableau, ...]]:
    """Configuration, run.json and the tableau of every group, from the run's own files.

    Raises:
        RkblocksError: RK712 (no run), RK713 (run.json damaged), RK714 (a tableau was changed since), RK715 (the
        configuration was), RK702 to RK704.
    """
    record, tableaus = recorded(folder)
    if "config" in record and record["config"] != sha256(folder / CONFIG):  # runs of earlier versions have no hash
        help = "restore it from a copy; other settings are another run: rkblocks train --preset FILE --out ANOTHER"
        fail("RK715", f"{folder / CONFIG} is not the configuration that this run was trained with", help=help)
    config = load(folder / CONFIG, trained=True)
    if config.net.kind == "module":
        if not (folder / MODULE).is_file() or sha256(folder / MODULE) != record.get("module"):
            help = "restore it from a copy; a changed network is another run"
            fail("RK714", f"{folder / MODULE} is not the network that this run was trained with", help=help)
        name = config.net.module.rpartition(":")[2]
        config = replace(config, net=replace(config.net, module=f"{folder / MODULE}:{name}"))
    return config, record, tableaus


def recorded(folder: Path) -> tuple[dict[str, Any], tuple[Tableau, ...]]:
    """run.json and the tableau of every group, as the run was trained. Raises RkblocksError RK712 to RK714."""
    for name in (CONFIG, RECORD):
        if not (folder / name).is_file():
            fail("RK712", f"{folder} is no run folder: it has no {name}", help=_instead(folder))
    try:
        record = records.read(folder / RECORD, RECORD, records.Record)
    except (OSError, records.UnfitError) as error:
        damaged(folder / RECORD, error)
    for file, expected in record["tableaus"].items():
        if sha256(folder / file) != expected:
            help = "restore it from a copy; a changed scheme is another run"
            fail("RK714", f"{folder / file} is not the tableau that this run was trained with", help=help)
    return record, tuple(files.load(str(folder / file)) for file in record["groups"])


def _instead(folder: Path) -> str:
    """Return which folder to name instead: the runs in this one, or in its folders."""
    for pattern in ("*", "*/*"):
        runs = sorted(path.parent for path in folder.glob(f"{pattern}/{CONFIG}") if (path.parent / RECORD).is_file())
        if runs:
            more = f" and {len(runs) - 3} more" if len(runs) > 3 else ""
            return f"it holds runs: {', '.join(map(str, runs[:3]))}{more}; all of them are {folder / pattern}"
    return "give the folder that `train` wrote"


def weights_identity(folder: Path, blocks: Sequence[str]) -> dict[str, str]:
    """What a weights file says of the run that it belongs to: the hash of its configuration, and its schemes.

    Raises RkblocksError RK716 where the configuration is gone: so is the folder that the weights were to be written to.
    """
    if not (folder / CONFIG).is_file():
        fail(
            "RK716",
            f"weights of {folder} cannot be written: No such file or directory ({CONFIG})",
            help="the folder was removed or changed during training; train again into another --out",
        )
    return {"config": sha256(folder / CONFIG), "blocks": ",".join(blocks)}
