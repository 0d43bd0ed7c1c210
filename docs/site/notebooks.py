"""The notebooks as pages. They are stored without outputs: a build executes them and keeps the outputs in build/.

    python docs/site/notebooks.py docs/notebooks/1-tableau.ipynb        the notebook with its outputs, on stdout

A notebook is executed from top to bottom by IPython, in a process of its own and in an empty folder.
"""

from __future__ import annotations

import html
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from formulas import displayed
from kept import KEPT, SUBSET, key
from pages import ROOT, fenced, for_site

FOLDER = ROOT / "docs" / "notebooks"
QUICK = ("4-design",)
"""Those executed in a part of the site (`kept.SUBSET`)."""

Notebook = dict[str, Any]
"""A notebook of format 4; the outputs of its cells have the keys stdout and stderr, and data: what was shown."""


class CellError(Exception):
    """A cell raised; the message is what IPython says."""


def files() -> list[Path]:
    """Return the notebooks, in the order in which they are read."""
    return sorted(FOLDER.glob("*.ipynb"))


def executed(path: Path, folder: Path) -> Notebook:
    """Return a notebook with the outputs of its cells, run in `folder`; raises `CellError`."""
    with tempfile.TemporaryDirectory() as settings:
        environment = {**os.environ, "IPYTHONDIR": settings, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, __file__, str(path)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise CellError(f"{path.name}:\n{done.stdout}{done.stderr}")
    found: Notebook = json.loads(done.stdout)
    return found


def pages() -> dict[str, str]:
    """Return the page of each notebook by address."""
    return {f"notebooks/{path.stem}.md": page(_kept(path), path) for path in files()}


def page(notebook: Notebook, path: Path) -> str:
    """Return a notebook as Markdown: its cells, and below a cell of code what it prints and shows."""
    source = path.relative_to(ROOT).as_posix()
    parts = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(for_site(text, source))
        else:
            parts += [fenced(text, "python"), *map(_output, cell["outputs"])]
    title, _, first = parts[0].partition("\n")
    download = f"This page is a notebook, executed: [{path.name}]({path.name})."
    return "\n\n".join([title, download, first.strip(), *parts[1:]]) + "\n"


def _kept(path: Path) -> Notebook:
    if os.environ.get(SUBSET) and path.stem not in QUICK:
        return _read(path)
    kept = KEPT / f"notebook-{path.stem}-{key(path.read_bytes())}.ipynb"
    if not kept.exists():
        for old in KEPT.glob(f"notebook-{path.stem}-*"):
            old.unlink()
        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            kept.write_text(json.dumps(executed(path, Path(folder))), encoding="utf-8")
    return _read(kept)


def _read(path: Path) -> Notebook:
    found: Notebook = json.loads(path.read_text(encoding="utf-8"))
    return found


def _output(output: dict[str, Any]) -> str:
    """Return what a cell gave, each value in the richest of its forms; what a progress bar says is left out."""
    shown = [_shown(output["stdout"])] if output["stdout"] else []
    for data in output["data"]:
        rich = data.get("text/html")
        shown.append(_shown(data["text/plain"]) if rich is None else _box(displayed(rich), "div"))
    return "\n\n".join(shown)


def _shown(text: str) -> str:
    return _box(html.escape(text.strip("\n")), "pre")


def _box(content: str, tag: str) -> str:
    here = content.replace(f"{ROOT}/", "")
    return f'<div class="rk-output" tabindex="0"><{tag}>{here}</{tag}></div>'


def _execute(notebook: Notebook) -> None:
    """Run the cells in this process and put their outputs where they belong."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output
    from traitlets.config import Config

    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}), colors="nocolor")
    shell.display_formatter.active_types = ["text/plain", "text/html"]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            with capture_output() as seen:
                shell.display_trap.hook = sys.displayhook  # the value of the last line is an output like others
                result = shell.run_cell("".join(cell["source"]))
            if not result.success:
                sys.exit(f"{seen.stdout}{seen.stderr}")
            data = [output.data for output in seen.outputs]
            cell["outputs"] = [{"stdout": seen.stdout, "stderr": seen.stderr, "data": data}]


if __name__ == "__main__":
    chosen = _read(Path(sys.argv[1]))
    _execute(chosen)
    print(json.dumps(chosen))
