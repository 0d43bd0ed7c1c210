"""The command that messages name is one that works from the current folder."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rkblocks.cli.demo import command as demo
from rkblocks.cli.study import command as study
from rkblocks.invocation import command, line


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


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@given(words, words, st.integers())
def test_a_line_is_what_a_shell_reads(path: str, value: str, number: int) -> None:
    typed = line("train", path, data_root=value, seed=number, quiet=True, device=None, resume=False)
    assert shlex.split(typed) == ["rkblocks", "train", path, "--data-root", value, "--seed", str(number), "--quiet"]


def test_a_folder_with_a_space_is_quoted(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setattr(Path, "cwd", lambda: tmp_path / "elsewhere")
    monkeypatch.setattr("os.path.abspath", lambda path: "/my disk/rkblocks")
    assert shlex.split(line("demo")) == ["/my disk/rkblocks", "demo"]


def interrupted(*args: Any, **kwargs: Any) -> Iterator[Any]:
    """Networks side by side, of which Ctrl-C comes before the first."""
    raise KeyboardInterrupt
    yield


@pytest.mark.parametrize(
    ("name", "of", "options"),
    [
        ("study", study, ["--workers", "0", "--threads", "2", "--only", "*-seed0", "--data-root", "my data"]),
        ("study", study, ["--out", "to here", "--device", "cpu"]),
        ("study", study, ["--ray", "local"]),
        ("demo", demo, ["--seeds", "2", "--workers", "0", "--tiny", "--out", "to here"]),
    ],
)
def test_what_was_stopped_continues_with_all_that_it_was_given(
    name: str,
    of: click.Command,
    options: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rkblocks.study.main.outcomes", interrupted)
    monkeypatch.setattr("rkblocks.study.main._on_ray", interrupted)
    monkeypatch.setattr("rkblocks.demo.main.outcomes", interrupted)
    monkeypatch.setattr("rkblocks.demo.main.verdict", lambda scheme, folder: {"name": scheme})
    monkeypatch.setattr("rkblocks.demo.main.verdict_table", str)
    Path("my studies").mkdir()
    Path("my studies/one.toml").write_text('preset = "digits"\n[grid]\nblocks = ["euler"]\nseeds = [0, 1]\n')
    given = [*(["my studies/one.toml"] if name == "study" else []), *options]
    with pytest.raises(click.Abort):
        of.main(given, standalone_mode=False)
    told = shlex.split(capsys.readouterr().out.rpartition("Continue with: ")[2])
    assert told[:2] == ["rkblocks", name]
    assert of.make_context(name, told[2:]).params == of.make_context(name, given).params
