"""The results kept in docs/results are what their small files give: tables and pictures are made again and compared."""

import json
import runpy
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from rkblocks.cli import main

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results"
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


def test_table_2_is_what_the_study_says() -> None:
    text = (RESULTS / "table2.md").read_text(encoding="utf-8")
    made = runpy.run_path(str(ROOT / "docs" / "make_table2.py"))
    assert made["page"](text) == text, "run `python docs/make_table2.py`"
    shown = made["section"]({})
    assert shown.count("not run |") == len(made["schemes"]()) == 7
    assert "| 0.4403 (+2.5) | 0.4943 (+2.9) | 0.4310 (+2.0) | 0.5016 (+2.6) |" in shown
    assert "**Not run.**" in shown


@pytest.mark.parametrize("seeds", [5, 2])
def test_a_study_fills_table_2_whole_or_in_part(seeds: int, tmp_path: Path) -> None:
    """Another study with the same schemes stands for it: its numbers are those of its own table."""
    folder = RESULTS / "mechanism"
    if seeds < 5:  # in part: the report of what is there
        folder = tmp_path / "mechanism"
        shutil.copytree(RESULTS / "mechanism", folder, ignore=shutil.ignore_patterns("results", "runs.zip"))
        kept = zipfile.ZipFile(RESULTS / "mechanism" / "runs.zip")
        with kept as whole, zipfile.ZipFile(folder / "runs.zip", "w") as part:
            for name in whole.namelist():
                if int(name.split("/")[0][-1]) < seeds:
                    part.writestr(name, whole.read(name))
        assert main(["study", str(folder), "--report-only"]) == 0
    table = (folder / "results" / "table.md").read_text()
    section = runpy.run_path(str(ROOT / "docs" / "make_table2.py"))["section"]
    shown = section(json.loads((folder / "results" / "results.json").read_text()))
    rows = [[cell.strip() for cell in line.split("|")] for line in shown.splitlines() if line.startswith("| ssp")]
    assert [row[1] for row in rows] == ["ssp2", "ssp3"]
    for row in rows:
        own = next(line for line in table.splitlines() if line.startswith(f"| {row[1]} | {seeds} "))
        assert row[6] in own
        assert row[7] in table
        assert row[8] in table
    assert "Health checks: " in table
    assert ("nothing is decided yet" in shown) == (seeds < 5)
    assert f"- {10 * seeds} of 50 networks" in shown
    assert "would have been found with 80 %" in shown
    assert ("- C positive against C = 0: so far (" in shown) == (seeds < 5)  # two seeds would have it shown
    assert "**shown**" not in shown
