"""The list of runs reads damaged and unfinished ones as far as they go."""

import json
from pathlib import Path

import pytest

from rkblocks.cli import main
from rkblocks.runs.summaries import summary

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
RECORD = json.dumps(
    {
        "groups": ["tableaus/ark.json"],
        "tableaus": {"tableaus/ark.json": "0" * 64},
        "data": {"shape": [1, 8, 8], "classes": ["0", "1"]},
        "mean": None,
        "std": None,
    }
)
EPOCHS = (
    '{"epoch": 1, "validation_clean": 0.75, "validation_robust": 0.25, "best": true}\n'
    '{"epoch": 2, "validation_clean": 0.875, "validation_robust": 0.125, "best": false}\n{"epo'
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "deep" / "run"
    folder.mkdir(parents=True)
    for name, text in (("config.toml", CONFIG), ("run.json", RECORD), ("metrics.jsonl", EPOCHS)):
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


SECOND = CONFIG.replace("seed = 7", "seed = 8").replace("[training]", "[optimizer]\nlr = 0.25\n[training]")
BETTER = '{"epoch": 1, "train_loss": 0.125, "validation_clean": 0.875, "seconds": 1.5, "best": true}\n'


@pytest.fixture
def two(run: Path) -> Path:
    """A folder of two runs: `run` above, and one of another seed and rate, which is better and one epoch old."""
    other = run.parent / "other"
    other.mkdir()
    for name, text in (("config.toml", SECOND), ("run.json", RECORD), ("metrics.jsonl", BETTER)):
        (other / name).write_text(text)
    return run.parent


def names(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [Path(line.split()[0]).name for line in capsys.readouterr().out.splitlines()[1:]]


def test_runs_are_compared(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(two), "--compare"]) == 0
    head, *rows = (line.split() for line in capsys.readouterr().out.splitlines())
    assert head == ["run", "optimizer.lr", "training.seed", "epochs", "loss", "clean", "robust", "seconds"]
    assert rows == [
        [str(two / "other"), "0.2500", "8", "1/5", "0.1250", "0.8750", "-", "1.5"],
        [str(two / "run"), "-", "7", "2/5", "-", "0.7500", "0.2500", "-"],
    ]
    assert main(["runs", str(two / "run"), str(two), "--compare", "--format", "json"]) == 0  # each run once
    first, second = json.loads(capsys.readouterr().out)["runs"]
    assert first["settings"] == {"training.seed": 7, "optimizer.lr": None}
    assert second["settings"] == {"training.seed": 8, "optimizer.lr": 0.25}
    assert (second["loss"], second["seconds"]) == (0.125, 1.5)


def test_equal_settings(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(run), "--compare"]) == 0
    out, err = capsys.readouterr()
    assert out.split()[:6] == ["run", "epochs", "loss", "clean", "robust", "seconds"]
    assert err == "the runs have the same settings\n"


@pytest.mark.parametrize(
    ("options", "order"),
    [
        (["--sort", "clean"], ["run", "other"]),
        (["--sort", "clean", "--reverse"], ["other", "run"]),
        (["--sort", "epochs"], ["other", "run"]),
        (["--sort", "run", "--reverse"], ["run", "other"]),
        (["--sort", "training.seed", "--reverse"], ["other", "run"]),
        (["--sort", "optimizer.lr"], ["other", "run"]),  # the other has none, and is last either way
        (["--sort", "optimizer.lr", "--reverse"], ["other", "run"]),
        (["--reverse"], ["run", "other"]),
    ],
)
def test_runs_are_sorted(options: list[str], order: list[str], two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(two), *options]) == 0
    assert names(capsys) == order


@pytest.mark.parametrize(("key", "hint"), [("lr", "did you mean optimizer.lr?"), ("zzz", "others are settings")])
def test_a_key_that_no_run_has(key: str, hint: str, two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(two), "--sort", key]) == 2
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize("options", [(), ("--compare",)])
def test_damaged_files_are_named(options: tuple[str, ...], run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(run), *options]) == 0
    assert "damaged" not in capsys.readouterr().err  # a last line that is cut off is no damage
    (run / "config.toml").write_text("[training")
    (run / "run.json").write_text("{")
    (run / "metrics.jsonl").write_text("{\n" + EPOCHS)
    assert main(["runs", str(run), *options]) == 0
    assert f"{run}: damaged: config.toml, run.json, metrics.jsonl\n" in capsys.readouterr().err
    assert summary(run)["damaged"] == ["config.toml", "run.json", "metrics.jsonl"]
