"""The list of runs reads damaged and unfinished ones as far as they go."""

import json
from pathlib import Path

import pytest

from rkblocks.cli import main
from rkblocks.cli.runs import summary

CONFIG = """
[data]
name = "digits"
[net]
blocks = ["ark", "euler"]
[training]
method = "adversarial"
epochs = 5
seed = 7
"""
EPOCHS = (
    '{"epoch": 1, "validation_clean": 0.5, "validation_robust": 0.25}\n{"epoch": 2, "validation_clean": 0.75}\n{"epo'
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "deep" / "run"
    folder.mkdir(parents=True)
    for name, text in (("config.toml", CONFIG), ("run.json", "{}"), ("metrics.jsonl", EPOCHS)):
        (folder / name).write_text(text)
    return folder


def test_a_run_that_was_cut_off(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(tmp_path)]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["run", "blocks", "data", "method", "seed", "epochs", "clean", "robust"]
    assert row.split() == [str(run), "ark,euler", "digits", "adversarial", "7", "2/5", "0.7500", "0.2500"]


def test_in_json(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(tmp_path), "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    assert (found["run"], found["clean"], found["epochs"]) == (str(run), 0.75, "2/5")


@pytest.mark.parametrize("name", ["config.toml", "metrics.jsonl"])
@pytest.mark.parametrize("damage", [b"\xff\xfe", b"[training]\nepochs", b"[1, 2]\nnull\n3\n", b""])
def test_damaged_files_give_empty_cells(run: Path, name: str, damage: bytes) -> None:
    (run / name).write_bytes(damage)
    assert summary(run)["run"] == str(run)


def test_no_folder_and_no_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("error[RK712]")
    assert main(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr() == ("", f"no runs below {tmp_path}\n")
