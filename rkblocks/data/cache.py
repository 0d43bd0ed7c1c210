"""Decoded image folders, one safetensors file each, under ~/.cache/rkblocks (or XDG_CACHE_HOME); safe to delete.

A folder has one copy, under a hash of its path; with it is kept a hash of its listing (path, size and time of change of
every file), so that a folder that changed is decoded anew and its copy replaced. Nothing is written beside the user's
images, and a cache that cannot be read or written costs time, never a run. `rkblocks cache` lists and clears it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from rkblocks.extras import require

VERSION = 2  # raise when decoding changes
_LONGEST = 1 << 20  # of the head of a file


@dataclass(frozen=True)
class Key:
    """What a copy is of: the folder, resolved, and a hash of what lies in it."""

    root: Path
    listing: str

    @property
    def file(self) -> Path:
        """Where the copy is."""
        return folder() / f"{hashlib.sha256(os.fsencode(self.root)).hexdigest()[:32]}.safetensors"


@dataclass(frozen=True)
class Copy:
    """A file of the cache: of which folder (as text; "" where it does not say), how many bytes."""

    file: Path
    root: str
    size: int


def folder() -> Path:
    """The folder of the cache."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "rkblocks"


def copies() -> Iterator[Copy]:
    """The files of the cache, sorted by name; what an interrupted writer left among them."""
    for file in sorted([*folder().glob("*.safetensors"), *folder().glob("*.part")]):
        try:
            yield Copy(file, _head(file).get("root", ""), file.stat().st_size)
        except OSError:  # gone meanwhile
            continue


def _head(file: Path) -> dict[str, str]:
    """What was noted with the images; {} where the file is damaged or another's."""
    try:
        with open(file, "rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            found = json.loads(opened.read(min(length, _LONGEST))).get("__metadata__", {})
    except (ValueError, AttributeError, RecursionError):
        return {}
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def key(root: Path, files: list[Path]) -> Key:
    """The key of a folder: names relative to its root, sizes, times of change in nanoseconds."""
    digest = hashlib.sha256(f"{VERSION}\0".encode())
    for file in files:
        try:
            status = file.stat()
        except OSError:  # a dangling link: reading the headers reports it
            continue
        digest.update(
            f"{file.relative_to(root)}\0{status.st_size}\0{status.st_mtime_ns}\0".encode("utf-8", "surrogateescape")
        )
    return Key(root.resolve(), digest.hexdigest())


def load(key: Key, count: int) -> tuple[Tensor, str] | None:
    """The images and the note stored under this key, or None where there are none for `count` files."""
    file = key.file
    if not file.is_file() or _head(file).get("listing") != key.listing:
        return None
    safetensors = require("safetensors", "torch", "the cache of decoded images")
    try:
        with safetensors.safe_open(file, framework="pt") as opened:
            images: Tensor = opened.get_tensor("images")
            note: str = opened.metadata()["note"]
    except Exception:  # damaged or foreign: decoded anew and overwritten
        return None
    return (images, note) if len(images) == count else None


def store(key: Key, images: Tensor, note: str) -> None:
    """Keep the images and their note under this key, atomically; a cache that cannot be written is left alone."""
    safetensors = require("safetensors.torch", "torch", "the cache of decoded images")
    target = key.file
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".part")
        os.close(handle)
    except OSError:
        return
    try:
        safetensors.save_file(
            {"images": images},
            temporary,
            metadata={"note": note, "listing": key.listing, "root": os.fsencode(key.root).decode("utf-8", "replace")},
        )
        os.replace(temporary, target)
    except Exception:  # a full disk appears as SafetensorError
        Path(temporary).unlink(missing_ok=True)
