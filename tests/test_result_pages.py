"""The results kept in docs/results are what their small files give: tables and pictures are made again and compared."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from rkblocks.cli import main

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "results"
KEPT = sorted(path.parent for path in RESULTS.glob("*/study.toml"))
TEXTS = ("results.json", "table.md", "table.csv", "table.tex")


def test_there_are_results() -> None:
    assert KEPT
    pages = "".join(page.read_text(encoding="utf-8") for page in RESULTS.glob("*.md"))
    assert [folder.name for folder in KEPT if f"{folder.name}/results" not in pages] == [], "a page speaks of each"


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: folder.name)
def test_tables_and_pictures_follow_from_the_small_files(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("results"))
    assert main(["study", str(copy), "--report-only"]) == 0
    for name in TEXTS:
        assert (copy / "results" / name).read_text() == (folder / "results" / name).read_text(), name
    pictures = sorted(path.name for path in (folder / "results").glob("*.png"))
    assert {"accuracy.png", "training.png"} <= set(pictures)
    for name in pictures:
        assert alike(imread(copy / "results" / name), imread(folder / "results" / name)), name


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two pictures show the same; edges may be smoothed by another version of matplotlib."""
    return one.shape == other.shape and float(np.abs(one - other).mean()) < 0.004


def test_another_picture_is_found_out() -> None:
    kept = imread(RESULTS / "ladder" / "results" / "ladders.png")
    assert alike(kept, kept)
    assert not alike(kept, kept[:-1])
    moved = kept.copy()
    moved[:, 4:] = kept[:, :-4]  # all that is drawn, by the width of a marker
    assert not alike(kept, moved)
