"""The folder of a study: it belongs to one study, and can be written, which is known before anything is trained.

What its networks were is kept and shared in one file: runs.zip holds the small files of all run folders, no weights.
With study.toml beside it, it gives the same table byte for byte.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rkblocks.diagnostics import fail
from rkblocks.runs.storage import write, write_text
from rkblocks.settings import toml
from rkblocks.study.spec import FILE, Study

if TYPE_CHECKING:
    from rkblocks.runs.outcomes import Outcomes

RESULTS = "results"
KEPT, RUNS = "runs.zip", "runs"
SMALL: Final = ("config.toml", "run.json", "metrics.jsonl", "tableaus/*.json", "evaluations/*", "analysis/*.json")
NAME: Final = re.compile(
    r"[\w+-][\w.+-]*/"
    r"(config\.toml|run\.json|metrics\.jsonl|(tableaus|evaluations|analysis)/[^/\\\0]+\.(json|safetensors))"
)
LARGEST: Final = 1 << 30  # bytes, unpacked


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


def pack(folder: Path) -> Path:
    """Write FOLDER/runs.zip from FOLDER/runs and return its path; the same files give the same bytes.

    What became of every image under every attack is in it where an evaluation has kept that, and what `analyze` found.
    Raises RkblocksError RK850 where there are no runs, RK716.
    """
    runs = folder / RUNS
    paths = sorted(path for one in SMALL for path in runs.glob(f"*/{one}") if not path.name.startswith("unfinished-"))
    if not paths:
        fail("RK850", f"{runs} holds no run", help="give the folder that a study has written")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in paths:
            entry = zipfile.ZipInfo(path.relative_to(runs).as_posix())  # of 1980: the time of packing is no content
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    write(folder / KEPT, buffer.getvalue())
    return folder / KEPT


def outcomes(folder: str | Path) -> dict[str, Outcomes]:
    """Return by run what became of every image of a study under every attack, for `evaluation.compare`; from runs.zip
    where there is no runs/.

    Runs whose evaluations have accuracies alone are left out. Raises RkblocksError RK826 where all are, RK747, RK850.
    """
    from rkblocks.runs import evaluations
    from rkblocks.runs.outcomes import load_outcomes  # torch, which the rest of the file does without

    found: dict[str, Outcomes] = {}
    with opened(Path(folder)) as (runs, _):
        if not any(runs.glob("*")):
            fail("RK850", f"{folder} holds no run", help="give the folder that a study has written")
        for run in sorted(runs.glob("*")):
            kept = (one.path for one in evaluations.read(run)[0] if one.path.with_suffix(".safetensors").is_file())
            if path := next(kept, None):
                found[run.name] = replace(load_outcomes(path), run=run.name)
    if not found:
        reason = "its evaluations have accuracies, and not what became of every image"
        fail("RK826", f"{folder}: {reason}", help="it was packed before that was kept: run the study anew")
    return found


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Give the folder of the run folders, and whether it is that of kept ones: runs/, or where there is only a runs.zip
    what that holds, as long as the context lasts.

    Raises RkblocksError RK747 where runs.zip is damaged, holds anything else, or would unpack to more than 1 GB.
    """
    path = folder / KEPT
    if (folder / RUNS).exists() or not path.is_file():
        yield folder / RUNS, False
        return
    with tempfile.TemporaryDirectory(prefix="rkblocks-") as place:
        try:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
                if wrong := [one.filename for one in members if not NAME.fullmatch(one.filename)]:
                    raise zipfile.BadZipFile(f"{wrong[0]!r:.100} is no file of a run")
                if sum(one.file_size for one in members) > LARGEST:
                    raise zipfile.BadZipFile(f"it would unpack to more than {LARGEST} bytes")
                archive.extractall(place)
        except Exception as error:  # a damaged zip raises almost anything
            fail("RK747", f"{path} cannot be read: {error}", help="it is damaged; restore it from a copy")
        yield Path(place), True
