"""The results kept in docs/results are what their small files give: tables and pictures are made again and compared."""

import json
import runpy
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from rkblocks.cli import main
from rkblocks.figures import growth, save

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


PAGES = runpy.run_path(str(ROOT / "docs" / "make_results.py"))


@pytest.mark.parametrize("page", sorted(RESULTS.glob("*.md")), ids=lambda page: page.stem)
def test_pages_are_what_the_studies_say(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert PAGES["page"](text) == text, "run `python docs/make_results.py`"
    marks = text.count("<!-- study ") + text.count("<!-- figure4 ")
    assert marks == 2 * len(PAGES["PLACE"].findall(text)), "every mark has its other one"


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*/figure4.json")), ids=lambda path: path.parent.name)
def test_growth_is_that_of_networks_that_are_kept(path: Path, tmp_path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    with zipfile.ZipFile(path.parent / "runs.zip") as runs:
        kept = {name.split("/")[0] for name in runs.namelist() if "/evaluations/" in name}
    assert set(content["networks"]) == kept
    assert f"<!-- figure4 {path.parent.name}: begin -->" in (RESULTS / "figure4.md").read_text()
    (drawn,) = save(growth(list(content["networks"].values()), (1, 2)), tmp_path / "figure4.png")
    assert alike(imread(drawn), imread(path.with_suffix(".png")))


def test_a_study_that_was_not_run_says_so() -> None:
    shown = PAGES["section"]("cifar10-short", {})
    assert shown.count("| not run |") == len(PAGES["schemes"]("cifar10-short")) == 7
    assert "| 0.4403 (+2.5) | 0.4943 (+2.9) | 0.4310 (+2.0) | 0.5016 (+2.6) |" in shown
    assert "**Not run.**" in shown


def part(tmp_path: Path, keep: Callable[[str], bool]) -> Path:
    """The study `mechanism` with the runs alone whose names are to be kept, and the report of them."""
    folder = tmp_path / "mechanism"
    shutil.copytree(RESULTS / "mechanism", folder, ignore=shutil.ignore_patterns("results", "runs.zip"))
    kept = zipfile.ZipFile(RESULTS / "mechanism" / "runs.zip")
    with kept as whole, zipfile.ZipFile(folder / "runs.zip", "w") as packed:
        for name in whole.namelist():
            if keep(name.split("/")[0]):
                packed.writestr(name, whole.read(name))
    assert main(["study", str(folder), "--report-only"]) == 0
    return folder


def test_schemes_without_a_network_are_not_run(tmp_path: Path) -> None:
    folder = part(tmp_path, {"euler-seed0", "ssp2-seed0"}.__contains__)
    content = json.loads((folder / "results" / "results.json").read_text())
    rows = [line for line in PAGES["section"]("mechanism", content).splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0] for row in rows if " |  | not run | - | - |" not in row] == [
        "| blocks",
        "| euler",
        "| ssp2",
    ]
    assert "| 0.2110 † | 0.7994 † | - | - |" in rows[3], "one seed is marked, and nothing follows from it"


@pytest.mark.parametrize("seeds", [5, 2])
def test_a_study_fills_its_place_whole_or_in_part(seeds: int, tmp_path: Path) -> None:
    """Its numbers are those of its own table; Table 2 is filled by another study with the same schemes."""
    folder = RESULTS / "mechanism" if seeds == 5 else part(tmp_path, lambda run: int(run[-1]) < seeds)
    table = (folder / "results" / "table.md").read_text()
    content = json.loads((folder / "results" / "results.json").read_text())
    for study, before in (("cifar10-short", 5), ("mechanism", 1)):
        shown = PAGES["section"](study, content)
        rows = [[cell.strip() for cell in line.split("|")] for line in shown.splitlines() if line.startswith("| ssp")]
        assert {"ssp2", "ssp3"} <= {row[1] for row in rows}
        for row in rows:
            own = [line for line in table.splitlines() if line.startswith(f"| {row[1]} | ")]
            loss, accuracy, difference, equal = row[1 + before : 5 + before]
            assert f"| {seeds} | {loss} |" in own[-1]
            assert accuracy in own[0]
            assert difference in table
            assert equal in table
        assert ("nothing is decided yet" in shown) == (seeds < 5)
        assert f"- {10 * seeds} of 50 networks" in shown
        assert "would have been found with 80 %" in shown
        assert ("- C positive against C = 0: so far. " in shown) == (seeds < 5)  # two seeds would have it shown
        assert "nothing below is a verdict" in shown
        assert "shown" not in shown


@pytest.mark.parametrize("ok", [True, False])
def test_what_decides_is_at_equal_loss_where_losses_lie_apart(ok: bool) -> None:
    content = json.loads((RESULTS / "mechanism-calls" / "results" / "results.json").read_text())
    content["ended"][0] |= {"ok": ok, "allowed": 3.0}
    for with_all, at_equal_loss in ((0.01, 0.9), (0.9, 0.01)):
        for one in content["contrasts"]:
            one["two_way"]["holm"], one["two_way"]["at_equal_loss"]["holm"] = with_all, at_equal_loss
        decided = "**shown**" if (with_all if ok else at_equal_loss) < 0.05 else "not shown"
        assert f"- C positive against C = 0: {decided}. +0.0169 " in PAGES["section"]("mechanism-calls", content)
