"""The command that messages name is one that works from the current folder."""

import os
import sys
from pathlib import Path

import pytest

from rkblocks.invocation import command


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed script in .venv/bin of the current folder, which is not on the path."""
    path = tmp_path / ".venv" / "bin" / "rkblocks"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    return path


def test_a_script_beside_the_path_is_named_by_its_own(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for called in (str(script), ".venv/bin/rkblocks"):
        monkeypatch.setattr(sys, "argv", [called, "demo"])
        assert command() == ".venv/bin/rkblocks"
        assert os.access(command(), os.X_OK)
    monkeypatch.chdir(script.parent)
    monkeypatch.setattr(sys, "argv", [str(script), "demo"])
    assert command() == "./rkblocks", "a bare name would be looked up on the path"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr(sys, "argv", [str(script), "demo"])
    assert command() == str(script)
    monkeypatch.setenv("PATH", str(script.parent))
    assert command() == "rkblocks"


def test_a_module_is_named_as_one(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/rkblocks/__main__.py"])
    assert command() == f"{sys.executable} -m rkblocks"
    (script.parent / "python").symlink_to("/bin/sh")
    monkeypatch.setattr(sys, "executable", str(script.parent / "python"))
    assert command() == ".venv/bin/python -m rkblocks"
    monkeypatch.setenv("PATH", str(script.parent))
    assert command() == "python -m rkblocks"


def test_within_other_programs_it_is_the_plain_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/script.py"])
    assert command() == "rkblocks"
