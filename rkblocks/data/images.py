"""Image files to one uint8 tensor: headers first, to find what does not fit, then pixels, both by a pool of threads."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rkblocks.data import jpeg
from rkblocks.diagnostics import Diagnostic, RkblocksError, diagnostic
from rkblocks.extras import require

GREY = frozenset(("1", "L", "LA"))
DEEP = ("I", "F")  # modes of more than 8 bits a channel, which a conversion would cut off silently
SHOWN = 3  # examples of a problem in its message


@dataclass(frozen=True)
class Header:
    """What the head of an image file says; `error` is why it could not be read."""

    size: tuple[int, int] = (0, 0)
    mode: str = ""
    quality: int | None = None
    error: str = ""


def survey(path: Path, files: Sequence[Path]) -> list[Header]:
    """The headers of the files of a data set at `path`, all readable and of one size.

    Raises:
        RkblocksError: RK605 for those that cannot be read, RK606 where sizes differ; both at once.
    """
    image = _pillow()
    with ThreadPoolExecutor(_workers()) as pool:
        headers = list(pool.map(partial(_header, image), files))
    problems = _unreadable(path, [(f, h.error) for f, h in zip(files, headers, strict=True) if h.error])
    sizes = Counter(header.size for header in headers if not header.error)
    if len(sizes) > 1:
        usual = sizes.most_common(1)[0][0]
        odd = [(f, h.size) for f, h in zip(files, headers, strict=True) if not h.error and h.size != usual]
        shown = some([f"{file} ({width}x{height})" for file, (width, height) in odd])
        message = f"{path}: images of {len(sizes)} sizes; most are {usual[0]}x{usual[1]}, but not {shown}"
        problems.append(diagnostic("RK606", message, help="bring all images to one size first"))
    if problems:
        raise RkblocksError(problems)
    return headers


def decode(path: Path, files: Sequence[Path], headers: Sequence[Header]) -> Tensor:
    """uint8 [n, C, H, W]: C = 1 where all images are grey, else 3.

    Raises:
        RkblocksError: RK605 for files whose pixels cannot be read.
    """
    image = _pillow()
    mode = "L" if all(header.mode in GREY for header in headers) else "RGB"
    width, height = headers[0].size
    pixels = torch.empty((len(files), height, width, len(mode)), dtype=torch.uint8)

    def fill(row: int) -> str:
        try:
            with image.open(files[row]) as opened:
                data = bytearray(opened.convert(mode).tobytes())
        except Exception as error:
            return _reason(error)
        pixels[row] = torch.frombuffer(data, dtype=torch.uint8).view(pixels.shape[1:])
        return ""

    with ThreadPoolExecutor(_workers()) as pool:  # PIL decodes without the interpreter's lock; rows are disjoint
        errors = list(pool.map(fill, range(len(files))))
    problems = _unreadable(path, [(file, error) for file, error in zip(files, errors, strict=True) if error])
    if problems:
        raise RkblocksError(problems)
    return pixels.permute(0, 3, 1, 2).contiguous()


def some(items: Sequence[str]) -> str:
    """The first few items, and how many more there are."""
    more = len(items) - SHOWN
    return ", ".join(items[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _header(image: Any, file: Path) -> Header:
    try:
        with image.open(file) as opened:
            if opened.mode.startswith(DEEP):
                return Header(error=f"more than 8 bits a channel (mode {opened.mode})")
            return Header(opened.size, opened.mode, jpeg.quality(getattr(opened, "quantization", None)))
    except Exception as error:
        return Header(error=_reason(error))


def _reason(error: Exception) -> str:
    # PIL raises many types for a damaged file, SyntaxError and struct.error among them; its message repeats the path.
    text = "not an image" if type(error).__name__ == "UnidentifiedImageError" else " ".join(str(error).split())
    return text or type(error).__name__


def _unreadable(path: Path, broken: list[tuple[Path, str]]) -> list[Diagnostic]:
    if not broken:
        return []
    shown = some([f"{file} ({error})" for file, error in broken])
    count = "one image" if len(broken) == 1 else f"{len(broken)} images"
    return [diagnostic("RK605", f"{path}: {count} cannot be read: {shown}", help="repair or remove what is named")]


def _pillow() -> Any:
    return require("PIL.Image", "vision", "reading an image folder")


def _workers() -> int:
    return min(32, os.cpu_count() or 1)
