"""The folder of a study: it belongs to one study, and can be written, which is known before anything is trained."""

from __future__ import annotations

import os
from pathlib import Path

from rkblocks.diagnostics import fail
from rkblocks.runs.storage import write_text
from rkblocks.settings import toml
from rkblocks.study.spec import FILE, Study

RESULTS = "results"


def own(study: Study, folder: Path) -> None:
    """Raise RkblocksError RK857 where the folder holds a study of another name."""
    path = folder / FILE
    if not path.is_file():
        return
    name = toml.parse(path)[0].get("name", "")
    if name and name != study.name:
        fail(
            "RK857",
            f"{folder} is the folder of the study {name}, not of {study.name}",
            help=f"choose another --out, or move {path} away if the networks are to be taken over",
        )


def prepare(study: Study, folder: Path) -> None:
    """Make the folder with its results folder, and keep the study file there, so that it is all that a table needs.

    Raises RkblocksError RK716 where something cannot be written.
    """
    try:
        (folder / RESULTS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fail("RK716", f"{folder / RESULTS} cannot be created: {error.strerror}", help="choose another --out")
    if not os.access(folder / RESULTS, os.W_OK):
        fail("RK716", f"{folder / RESULTS} cannot be written: no permission", help="choose another --out")
    path = folder / FILE
    if not path.is_file() or path.read_bytes() != study.text.encode():
        write_text(path, study.text)
