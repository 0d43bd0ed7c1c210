"""Data sets by name (rkblocks.settings.data); anything else is an image folder."""

from __future__ import annotations

import difflib
import os
from importlib import import_module
from pathlib import Path

import torch

from rkblocks.data.split import Dataset, Raw, hold_out, moments
from rkblocks.diagnostics import fail
from rkblocks.settings.data import DATA_SETS, data_set


def names() -> tuple[str, ...]:
    """The names that `load` knows, beside folders."""
    return tuple(DATA_SETS)


def data_root(root: str | os.PathLike[str] | None = None) -> Path:
    """The folder of downloaded data sets: the argument, else the environment variable RKBLOCKS_DATA, else `data`."""
    return Path(root or os.environ.get("RKBLOCKS_DATA") or "data").expanduser()


def load(
    name_or_folder: str,
    root: str | os.PathLike[str] | None = None,
    device: str | torch.device = "cpu",
    validation: float = 0.1,
    seed: int = 0,
) -> Dataset:
    """A data set on `device`, with a stratified share of its training images held out for validation.

    Args:
        name_or_folder: one of `names()`, else the path of a folder with train/CLASS/* and test/CLASS/*.
        root: where downloaded data sets lie; see `data_root`.
        device: of all images and labels, uint8 and int64.
        validation: share of each class of the training images, in [0, 1); 0 holds out nothing.
        seed: of the choice of the validation images.

    Raises:
        RkblocksError: RK601 (no such data set), RK602 to RK607 (its files), RK901, RK902 (extras).
    """
    raw = _read(name_or_folder, root)
    kept, held = hold_out(raw.train.labels, validation, torch.Generator().manual_seed(seed))
    train = raw.train.take(kept)
    mean, std = (raw.mean, raw.std) if raw.mean and raw.std else moments(train.images)
    return Dataset(
        name_or_folder,
        train.to(device),
        raw.train.take(held).to(device),
        raw.test.to(device),
        raw.classes,
        mean,
        std,
        raw.note,
    )


def _read(name: str, root: str | os.PathLike[str] | None) -> Raw:
    path = data_root(root) if name in DATA_SETS else Path(name).expanduser()
    if not name or (name not in DATA_SETS and not path.is_dir()):
        near = difflib.get_close_matches(name.lower(), DATA_SETS, n=1)
        help = f"did you mean {near[0]}?" if near else "give the path of a folder with train/CLASS/* and test/CLASS/*"
        fail("RK601", f"{name!r} is neither a data set ({', '.join(DATA_SETS)}) nor a folder", help=help)
    module, _, function = data_set(name).reader.partition(":")
    raw: Raw = getattr(import_module(f"rkblocks.data.{module}"), function)(path)
    return raw
