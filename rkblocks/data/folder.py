"""Any image folder, train/CLASS/* and test/CLASS/*, as a data set.

The folder is surveyed first, and all that is wrong with it is reported at once; a sound folder is decoded in parallel
and cached, so that the next run reads one file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from rkblocks.data import cache, images, jpeg
from rkblocks.data.images import some
from rkblocks.data.split import Raw, Split
from rkblocks.diagnostics import Diagnostic, RkblocksError, diagnostic, fail

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"))
PARTS = ("train", "test")
LAYOUT = "expected train/CLASS/* and test/CLASS/*, the same classes in both"


def read(path: Path) -> Raw:
    """The data set of the folder: classes are the sorted folder names in train/, images are grey if all of them are.

    Raises:
        RkblocksError: RK604 (layout, classes), RK605 (unreadable images), RK606 (uneven sizes), RK901 (pillow).
    """
    listing = _layout(path)
    classes = tuple(listing["train"])
    train, test = ([(label, file) for label, c in enumerate(classes) for file in listing[p][c]] for p in PARTS)
    return assemble(path, classes, train, test)


def assemble(
    path: Path, classes: tuple[str, ...], train: Sequence[tuple[int, Path]], test: Sequence[tuple[int, Path]]
) -> Raw:
    """The data set of labelled image files under `path`, from the cache or decoded into it.

    Raises:
        RkblocksError: RK605 (unreadable images), RK606 (uneven sizes), RK901 (pillow).
    """
    labels = torch.tensor([label for label, _ in (*train, *test)])
    files = [file for _, file in (*train, *test)]
    key = cache.key(path, files)
    found = cache.load(key, len(files))
    if found is None:
        headers = images.survey(path, files)
        found = images.decode(path, files, headers), jpeg.note(header.quality for header in headers)
        cache.store(key, *found)
    pixels, note = found
    n = len(train)
    return Raw(Split(pixels[:n], labels[:n]), Split(pixels[n:], labels[n:]), classes, note=note)


def _layout(path: Path) -> dict[str, dict[str, list[Path]]]:
    """part -> class -> image files, all sorted; RK604 for everything that is wrong with the layout."""
    problems: list[Diagnostic] = []
    listing: dict[str, dict[str, list[Path]]] = {}
    for part in PARTS:
        if not (path / part).is_dir():
            problems.append(diagnostic("RK604", f"{path} has no folder {part}/", help=LAYOUT))
            continue
        listing[part] = {entry.name: image_files(entry) for entry in _entries(path / part) if entry.is_dir()}
        if not listing[part]:
            problems.append(diagnostic("RK604", f"{path / part} has no class folders", help=LAYOUT))
        problems += [
            diagnostic(
                "RK604", f"class {path / part / name} has no images", help=f"known: {' '.join(sorted(SUFFIXES))}"
            )
            for name, files in listing[part].items()
            if not files
        ]
    train, test = listing.get("train"), listing.get("test")
    if train and test:
        for here, there, part, other in ((train, test, "train", "test"), (test, train, "test", "train")):
            if missing := sorted(here.keys() - there.keys()):
                found = f"{some(missing)} in {path / part}, but not in {path / other}"
                problems.append(diagnostic("RK604", f"the classes differ: {found}", help=LAYOUT))
    if problems:
        raise RkblocksError(problems)
    return listing


def _entries(folder: Path) -> list[Path]:
    """The visible entries, sorted by name."""
    try:
        return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        fail("RK604", f"{folder} cannot be listed: {error.strerror}")


def image_files(folder: Path) -> list[Path]:
    """The image files of a folder by their suffix, sorted; RK604 where it cannot be listed."""
    return [entry for entry in _entries(folder) if entry.suffix.lower() in SUFFIXES]
