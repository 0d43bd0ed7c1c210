"""README and docs do what they say: the marked blocks of every page are run, in order, in one empty folder a page.

    ```console run      lines with `$ ` are run by a shell, what follows each must be its output
    ```python run       a script; a directly following ```text output block must be what it prints
    ```json file=NAME   is written to NAME (any language; for the commands after it)

`...` in expected output stands for anything. A last line `$ echo $?` shows an exit status other than 0. Lines of
progress that come by the clock, after a silence that only a slow machine has, are passed over.
"""

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from rkblocks.cli import progress

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "docs").glob("results/*.md")]
)
FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
CHECKER = doctest.OutputChecker()
UNDER_WAY = re.compile(r"^  \w[^:\n]*: \d+/\d+\b[^\n]*, \d+\.\d s\b[^\n]*\n", re.MULTILINE)
"""Lines of `rkblocks.cli.progress` after a silence, which have a clock; no page can know when one comes."""


@dataclass(frozen=True)
class Block:
    info: tuple[str, ...]
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(tuple(match[2].split()), match[3], text.count("\n", 0, match.start()) + 1)
        for match in FENCE.finditer(text)
    ]


def execute(command: list[str], folder: Path) -> str:
    scripts = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}",
        "OMP_NUM_THREADS": "1",
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return done.stdout


def compare(page: Path, line: int, command: str, expected: str, found: str) -> None:
    if not CHECKER.check_output(expected, UNDER_WAY.sub("", found), doctest.ELLIPSIS):
        pytest.fail(
            f"{page.name}, block at line {line}: {command}\n--- expected\n{expected}--- found\n{found}", pytrace=False
        )


def console(page: Path, block: Block, folder: Path) -> None:
    """Run a session: all lines in one shell, so that $? and variables mean what they say."""
    steps = re.findall(r"^\$ ([^\n]*)\n((?:(?!\$ )[^\n]*\n)*)", block.text, re.MULTILINE)
    assert steps, f"{page.name}, line {block.line}: a console block without a command"
    mark = "=== next step ==="
    script = "\n".join(f"{command}\n__status=$?; echo '{mark}'; (exit $__status)" for command, _ in steps)
    found = execute(["bash", "-c", script], folder).split(f"{mark}\n")
    for (command, expected), output in zip(steps, found, strict=False):
        compare(page, block.line, command, expected, output)


def run_page(page: Path, folder: Path) -> int:
    """Run the marked blocks of a page in `folder`; return their number."""
    count = 0
    listed = blocks(page)
    for block, after in zip(listed, [*listed, None][1:], strict=True):
        named = next((word[5:] for word in block.info if word.startswith("file=")), None)
        if named is not None:
            (folder / named).write_text(block.text, encoding="utf-8")
        if "run" not in block.info:
            continue
        count += 1
        if block.info[0] == "console":
            console(page, block, folder)
        elif block.info[0] == "python":
            script = folder / f"block_{block.line}.py"
            script.write_text(block.text, encoding="utf-8")
            expected = after.text if after is not None and after.info == ("text", "output") else ""
            compare(page, block.line, "python", expected, execute([sys.executable, str(script)], folder))
        else:
            pytest.fail(f"{page.name}, line {block.line}: a block of {block.info[0]} cannot be run")
    return count


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_marked_blocks_do_what_the_page_says(page: Path, tmp_path: Path) -> None:
    run_page(page, tmp_path)


def test_the_readme_shows_a_session_and_a_script() -> None:
    kinds = [block.info[0] for block in blocks(ROOT / "README.md") if "run" in block.info]
    assert "console" in kinds
    assert "python" in kinds


@pytest.mark.slow
def test_the_script_of_the_readme_is_typed(tmp_path: Path) -> None:
    script = next(block for block in blocks(ROOT / "README.md") if block.info[:2] == ("python", "run"))
    (tmp_path / "script.py").write_text(script.text, encoding="utf-8")
    found = execute([sys.executable, "-m", "mypy", "--strict", "--config-file=", "script.py"], tmp_path)
    assert found.startswith("Success"), found


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def missing_paths(page: Path) -> list[str]:
    """Return the files and folders of the project that a page names and that are not there.

    In a line: what is written as code and looks like a path, from the root, the package or the page's folder; a part
    with NAME or nnn stands for anything. In a block: what begins with a folder of the project.
    """
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w.-]+\.(?:py|md|toml|json))`", FENCE.sub("", text))
    commands = re.findall(
        r"(?<![\w/.])((?:docs|examples|rkblocks|studies|tableaus|tests)/[\w/]+\.\w+)",
        "".join(block.text for block in blocks(page)),
    )
    places = (ROOT, ROOT / "rkblocks", page.parent)
    general = [(name, re.sub(r"[^/]*(?:NAME|nnn)[^/]*$", "", name)) for name in lines + commands]
    return [name for name, known in general if not any((place / known).exists() for place in places)]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/design.md", "docs/extending.md"])
def test_every_path_named_is_there(name: str) -> None:
    assert missing_paths(ROOT / name) == []


def test_a_path_that_is_not_there_is_found_out(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`rkblocks/gone.py`, `gone.md`, `cli/`, `tableaus/NAME.json`, `gone/NAME.py`, `a / b`\n"
        "```console\n$ rkblocks study studies/gone.toml docs/format.md\n```\n"
    )
    assert missing_paths(page) == ["rkblocks/gone.py", "gone.md", "gone/NAME.py", "studies/gone.toml"]


@pytest.mark.parametrize(
    "text",
    [
        "```console run\n$ echo one\ntwo\n```\n",
        "```python run\nprint(1)\n```\n```text output\n2\n```\n",
        "```console run\n$ false\n$ echo $?\n0\n```\n",
        "```console run\n$ echo '  health: done'\n```\n",
        "```console run\n$ echo '  b: 1/6, 2/3'\n```\n",
    ],
)
def test_a_page_that_lies_is_found_out(text: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(pytest.fail.Exception):
        run_page(page, tmp_path)


def test_an_honest_page_passes(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```json file=a.json\n{}\n```\n```console run\n$ cat a.json\n{}\n$ false\n$ echo $?\n1\n"
        "$ echo a b c\na ... c\n```\n"
        "```python run\nprint(1)\n```\n```text output\n1\n```\n"
    )
    assert run_page(page, tmp_path) == 2


def test_lines_that_come_by_the_clock_are_no_part_of_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = progress.Progress()
    shown.expect(2)
    shown("health", 0, 3)  # the silence begins
    monkeypatch.setattr(progress, "SILENCE", 0.0)
    for done in (1, 2, 3):
        shown.doing("health", "no selection on the test set")
        shown("health", done, 3)
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 3
    (tmp_path / "said.txt").write_text(said)
    page = tmp_path / "page.md"
    page.write_text("```console run\n$ cat said.txt\n  health: done, ...\n```\n")
    assert run_page(page, tmp_path) == 1
