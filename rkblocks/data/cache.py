"""Decoded image folders, one safetensors file each, under ~/.cache/rkblocks (or XDG_CACHE_HOME); safe to delete.

The key is the listing of the folder: path, size and time of change of every file. Nothing is written beside the user's
images, and a cache that cannot be read or written costs time, never a run.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from torch import Tensor

from rkblocks.extras import require

VERSION = 1  # raise when decoding changes


def folder() -> Path:
    """The folder of the cache."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "rkblocks"


def key(root: Path, files: list[Path]) -> str:
    """A hash of what lies in the folder: names relative to its resolved root, sizes, times of change in nanoseconds."""
    digest = hashlib.sha256(f"{VERSION}\0{root.resolve()}\0".encode())
    for file in files:
        try:
            status = file.stat()
        except OSError:  # a dangling link: reading the headers reports it
            continue
        digest.update(
            f"{file.relative_to(root)}\0{status.st_size}\0{status.st_mtime_ns}\0".encode("utf-8", "surrogateescape")
        )
    return digest.hexdigest()[:32]


def load(name: str, count: int) -> tuple[Tensor, str] | None:
    """The images and the note stored under this key, or None where there are none for `count` files."""
    file = folder() / f"{name}.safetensors"
    if not file.is_file():
        return None
    safetensors = require("safetensors", "torch", "the cache of decoded images")
    try:
        with safetensors.safe_open(file, framework="pt") as opened:
            images: Tensor = opened.get_tensor("images")
            note: str = opened.metadata()["note"]
    except Exception:  # damaged or foreign: decoded anew and overwritten
        return None
    return (images, note) if len(images) == count else None


def store(name: str, images: Tensor, note: str) -> None:
    """Keep the images and their note under this key, atomically; a cache that cannot be written is left alone."""
    safetensors = require("safetensors.torch", "torch", "the cache of decoded images")
    target = folder() / f"{name}.safetensors"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".part")
        os.close(handle)
    except OSError:
        return
    try:
        safetensors.save_file({"images": images}, temporary, metadata={"note": note})
        os.replace(temporary, target)
    except Exception:  # a full disk appears as SafetensorError
        Path(temporary).unlink(missing_ok=True)
