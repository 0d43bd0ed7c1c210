"""The pre-commit hook: its entry is a command of ours, and the pattern of its files fits what it should."""

import re
import shlex
from pathlib import Path

import pytest

from rkblocks.cli import main

ROOT = Path(__file__).resolve().parent.parent


def hook() -> dict[str, str]:
    """The one hook of the file, whose values are all on one line."""
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    assert len(re.findall(r"^- id:", text, re.MULTILINE)) == 1
    return dict(re.findall(r"^[- ] (\w+): (.*)$", text, re.MULTILINE))


def test_the_keys_that_pre_commit_needs() -> None:
    assert {"id", "name", "entry", "language", "files", "types"} <= set(hook())
    assert (hook()["id"], hook()["language"], hook()["types"]) == ("rkblocks-check", "python", "[json]")
    assert "id: rkblocks-check" in (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def test_its_files_are_those_in_folders_of_tableaus() -> None:
    pattern = re.compile(hook()["files"])
    assert all(pattern.search(str(path.relative_to(ROOT))) for path in (ROOT / "tableaus").glob("*.json"))
    assert pattern.search("sub/tableau/a.json")
    for other in ("package.json", "tableaus/notes/a.json", "mytableaus/a.json", "tableaus/a.json.bak", "tableaus.json"):
        assert not pattern.search(other), other


def test_its_entry_checks_the_files_that_are_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_text('{"name": "a", "A": [[]], "b": ["1"]}')
    Path("b.json").write_text('{"name": "b", "A": [[]], "b": ["1"], "claims": {"order": 2}}')
    program, *arguments = shlex.split(hook()["entry"])
    assert program == "rkblocks"
    assert main([*arguments, "a.json"]) == 0
    assert main([*arguments, "a.json", "b.json"]) == 1
    assert "RK401" in capsys.readouterr().out
