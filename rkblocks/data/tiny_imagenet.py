"""Tiny ImageNet in its own layout: 200 classes of 64x64 images, 500 of each for training and 50 for testing.

tiny-imagenet-200/wnids.txt                     a class (WordNet id) a line
tiny-imagenet-200/train/CLASS/images/*.JPEG
tiny-imagenet-200/val/images/*.JPEG             the test images; the labels of test/ were never published
tiny-imagenet-200/val/val_annotations.txt       file, class and a box, separated by tabs, an image a line
"""

from __future__ import annotations

from pathlib import Path

from rkblocks.data.folder import assemble, image_files
from rkblocks.data.images import some
from rkblocks.data.split import Raw
from rkblocks.diagnostics import Diagnostic, RkblocksError, diagnostic, fail

NAME = "tiny-imagenet-200"
URL = "http://cs231n.stanford.edu/tiny-imagenet-200.zip"
ANNOTATIONS = "val/val_annotations.txt"
AGAIN = f"unpack {URL} again"


def read(root: Path) -> Raw:
    """The data set in root/tiny-imagenet-200; classes are sorted WordNet ids, and its split `val` is the test split.

    Raises:
        RkblocksError: RK602 (not there), RK607 (incomplete or changed, all that is wrong at once), RK605, RK606
        (images), RK901 (pillow).
    """
    path = root / NAME
    if not (path / "wnids.txt").is_file():
        fail(
            "RK602",
            f"data set tiny-imagenet cannot be read: there is no {path / 'wnids.txt'}",
            help=f"point --data-root or RKBLOCKS_DATA to the folder that holds {NAME}; unpack {URL} there once",
        )
    problems: list[Diagnostic] = []
    classes = tuple(sorted({line.strip() for line in _lines(path / "wnids.txt", problems)} - {""}))
    train = _training(path, classes, problems)
    test = _annotated(path, classes, problems)
    if problems:
        raise RkblocksError(problems)
    return assemble(path, classes, train, test)


def _training(path: Path, classes: tuple[str, ...], problems: list[Diagnostic]) -> list[tuple[int, Path]]:
    folders = [path / "train" / name / "images" for name in classes]
    listed = [image_files(folder) if folder.is_dir() else [] for folder in folders]
    if empty := [str(folder) for folder, files in zip(folders, listed, strict=True) if not files]:
        problems.append(_incomplete(f"no images in {some(empty)}"))
    return [(label, file) for label, files in enumerate(listed) for file in files]


def _annotated(path: Path, classes: tuple[str, ...], problems: list[Diagnostic]) -> list[tuple[int, Path]]:
    """Labels and files as the annotations list them, in their order."""
    labels = {name: label for label, name in enumerate(classes)}
    found: list[tuple[int, Path]] = []
    for number, line in enumerate(_lines(path / ANNOTATIONS, problems), 1):
        file, _, rest = line.partition("\t")
        name = rest.partition("\t")[0].strip()
        if not file or "/" in file or name not in labels:
            what = f"{path / ANNOTATIONS}: expected FILE, tab, a class of wnids.txt, found {line[:60]!r}"
            problems.append(diagnostic("RK607", what, line=number, column=1, help=AGAIN))
            break  # one wrong line is rarely alone
        found.append((labels[name], path / "val" / "images" / file))
    if missing := [str(file) for _, file in found if not file.is_file()]:
        problems.append(_incomplete(f"{ANNOTATIONS} names images that are not there: {some(missing)}"))
    if not found and not problems:
        problems.append(_incomplete(f"{ANNOTATIONS} names no image"))
    return found


def _incomplete(what: str) -> Diagnostic:
    return diagnostic("RK607", f"tiny-imagenet is incomplete: {what}", help=AGAIN)


def _lines(file: Path, problems: list[Diagnostic]) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        problems.append(_incomplete(f"{file} cannot be read: {reason}"))
        return []
