"""The pytest plugin runs the properties on the files of a folder, and fails for the unsound one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SOUND = {"name": "mine", "A": [[], ["1"]], "b": ["1/2", "1/2"], "claims": {"order": 2}}


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "rkblocks.testing.plugin", "-p", "no:cacheprovider", "-q"]
    return subprocess.run([*command, *options, str(folder)], cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.json").write_text(json.dumps(SOUND), encoding="utf-8")
    return tmp_path


def test_a_sound_file_passes_every_property(folder: Path) -> None:
    done = run(folder, "--tableaus", "-vv")
    assert done.returncode == 0, done.stdout
    for name in ("checks", "routes agree", "order is measured", "block is interpreter"):
        assert f"mine.json::{name} PASSED" in done.stdout


def test_an_unsound_file_fails_with_its_diagnosis_and_no_traceback(folder: Path) -> None:
    wrong = SOUND | {"name": "wrong", "claims": {"order": 3}}
    (folder / "wrong.json").write_text(json.dumps(wrong), encoding="utf-8")
    done = run(folder, "--tableaus", "-k", "checks")
    assert done.returncode == 1
    assert "RK401" in done.stdout
    assert "Traceback" not in done.stdout


def test_without_the_option_json_files_are_left_alone(folder: Path) -> None:
    assert run(folder).returncode == 5  # no tests collected
