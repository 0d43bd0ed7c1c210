"""docs/extending.md is enough to extend: its edits, made in a copy of the package, give commands that work.

```python new=FILE      a file of its own
```python in=FILE       the first line is there already, once; the rest follows it
```console try          lines with `$ rkblocks` are run, and what follows each must be what it prints
"""

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "extending.md"
FENCE = re.compile(r"^```\w+ (new|in|try)=?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STEP = re.compile(r"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", re.MULTILINE)
#: Python files that may be touched to add a thing: one of its own, and one where it is entered.
MOST = 2
KINDS = (
    "A scheme for the library",
    "A data set",
    "An option of an attack",
    "An attack",
    "A health check",
    "A figure of a scheme",
    "A command",
)
#: All commands in one process, so that torch is imported once.
DRIVER = """
import contextlib, io, json, shlex, sys
import rkblocks, torch
from rkblocks.cli import main
torch.set_num_threads(1)
found = []
for line in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        status = main(shlex.split(line)[1:])
    found.append((status, said.getvalue()))
json.dump([rkblocks.__file__, found], sys.stdout)
"""


def sections() -> dict[str, list[tuple[str, str, str]]]:
    """The marked blocks of each section: kind, file and text."""
    parts = re.split(r"^## (.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        title: [(match[1], match[2], match[3]) for match in FENCE.finditer(text)]
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    }


SECTIONS = sections()


def edit(copy: Path, kind: str, name: str, text: str) -> None:
    """Make one edit of the page in the copy."""
    path = copy / name
    if kind == "new":
        assert not path.exists(), name
        path.write_text(text, encoding="utf-8")
        return
    anchor, rest = text.split("\n", 1)
    before = path.read_text(encoding="utf-8")
    assert before.count(f"\n{anchor}\n") == 1, f"{name} has no single line {anchor!r}"
    path.write_text(before.replace(f"\n{anchor}\n", f"\n{anchor}\n{rest}"), encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_adding_one_touches_two_python_files_at_most(kind: str) -> None:
    edits = {name for how, name, _ in SECTIONS[kind] if how != "try"}
    assert edits
    assert len([name for name in edits if name.endswith(".py")]) <= MOST


@pytest.mark.slow
def test_what_the_page_shows_works(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for folder in ("rkblocks", "tableaus"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    steps: list[tuple[str, str]] = []
    for blocks in SECTIONS.values():
        for how, name, text in blocks:
            if how == "try":
                steps += STEP.findall(text)
            else:
                edit(copy, how, name, text)
    environment = {**os.environ, "PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        cwd=tmp_path,
        env=environment,
        input=json.dumps([command for command, _ in steps]),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    package, found = json.loads(done.stdout)
    assert Path(package).is_relative_to(copy)
    same: Callable[[str, str, int], bool] = doctest.OutputChecker().check_output
    for (command, expected), (status, output) in zip(steps, found, strict=True):
        assert status == 0, f"{command}\n{output}{done.stderr}"
        assert same(expected, output, doctest.ELLIPSIS), f"{command}\n--- expected\n{expected}--- found\n{output}"
    assert (tmp_path / "nodes.png").is_file()
