"""The notebooks run from top to bottom in IPython, what they show can be read, and they are stored without outputs."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs" / "site"))
notebooks = pytest.importorskip("notebooks")
NOTEBOOKS = notebooks.files()


def cells(path: Path) -> list[dict[str, Any]]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    found: list[dict[str, Any]] = notebook["cells"]
    return found


def test_there_are_five_and_their_readme_lists_them_in_order() -> None:
    assert [path.name[0] for path in NOTEBOOKS] == ["1", "2", "3", "4", "5"]
    text = (notebooks.FOLDER / "README.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if ".ipynb)" in line]
    for path, line in zip(NOTEBOOKS, lines, strict=True):
        title = "".join(cells(path)[0]["source"]).partition("\n")[0].removeprefix("# ")
        assert line.startswith(f"{path.name[0]}. [{title}]({path.name}): ")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    for cell in cells(path):
        assert cell["cell_type"] in ("markdown", "code")
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_its_page_shows_what_it_printed(path: Path, tmp_path: Path) -> None:
    found = notebooks.executed(path, tmp_path)
    assert not any(tmp_path.iterdir()), "a notebook leaves nothing behind"
    outputs = [output for cell in found["cells"] if cell["cell_type"] == "code" for output in cell["outputs"]]
    assert "Warning" not in "".join(output["stderr"] for output in outputs)
    text = notebooks.page(found, path)
    assert text.count("```python\n") == len(outputs)
    seen = sum(len(output["data"]) + bool(output["stdout"]) for output in outputs)
    assert text.count('<div class="rk-output"') == seen >= 2
    assert "$$" not in text  # formulas are MathML
    assert str(ROOT) not in text  # where it was built says nothing to a reader


def test_a_cell_that_fails_is_an_error(tmp_path: Path) -> None:
    broken = json.loads(NOTEBOOKS[3].read_text(encoding="utf-8"))
    broken["cells"] = [{**broken["cells"][1], "source": "import rkblocks\nassert rkblocks.__name__ == 'other'"}]
    path = tmp_path / "broken.ipynb"
    path.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(notebooks.CellError, match=r"broken\.ipynb(.|\n)*AssertionError"):
        notebooks.executed(path, tmp_path)
