"""The results kept in docs/results are what their small files give: every table is rebuilt and compared."""

import shutil
from pathlib import Path

import pytest

from rkblocks.cli import main

RESULTS = Path(__file__).resolve().parent.parent / "docs" / "results"
KEPT = sorted(path.parent for path in RESULTS.glob("*/study.toml"))
TEXTS = ("results.json", "table.md", "table.csv", "table.tex")


def test_there_are_results() -> None:
    assert KEPT
    pages = "".join(page.read_text(encoding="utf-8") for page in RESULTS.glob("*.md"))
    assert [folder.name for folder in KEPT if f"{folder.name}/results" not in pages] == [], "a page speaks of each"


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: folder.name)
def test_the_tables_follow_from_the_small_files(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("results"))
    assert main(["study", str(copy), "--report-only"]) == 0
    for name in TEXTS:
        assert (copy / "results" / name).read_text() == (folder / "results" / name).read_text(), name
