"""Train, resume, evaluate and analyse through the command line, on the embedded digits at the smallest settings."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from rkblocks import training
from rkblocks.cli import main
from rkblocks.evaluation import Images, of_run
from rkblocks.render.network_results import LEGEND

SMALL = ["net.widths=2,4", "net.depth=1", "training.epochs=1", "attack.steps=1", "validation.images=20"]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "small"
    sets = [word for setting in SMALL for word in ("--set", setting)]
    assert main(["train", "--preset", "digits", "--blocks", "ssp2", "--seed", "3", *sets, "--out", str(folder)]) == 0
    return folder


def test_train_prints_its_folder_and_settings_arrive(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--resume", str(run)]) == 0
    assert capsys.readouterr().out == f"{run}\n"
    assert main(["runs", str(run.parent), "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    assert (found["blocks"], found["seed"], found["epochs"]) == ("ssp2", 3, "1/1")


def test_the_default_folder_is_named_after_the_run_and_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rkblocks.cli.train import _free

    monkeypatch.chdir(tmp_path)
    first = Path("runs/digits-ark-mine-seed1")
    assert _free("digits", ("ark", "schemes/mine.json"), 1) == (first, [])
    first.mkdir(parents=True)
    assert _free("digits", ("ark", "schemes/mine.json"), 1) == (Path("runs/digits-ark-mine-seed1-2"), [first])


def test_an_unfinished_run_of_the_same_name_is_named(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = Path("runs/digits-ssp2-seed3"), Path("runs/digits-ssp2-seed3-2")
    for folder in (first, second):
        shutil.copytree(run, folder)
    config = first / "config.toml"
    config.write_text(config.read_text().replace("epochs = 1\n", "epochs = 10\n"))
    monkeypatch.setattr(training, "train", lambda config, folder, **_: folder)
    assert main(["train", "--preset", "digits", "--blocks", "ssp2", "--seed", "3"]) == 0
    said = capsys.readouterr()
    assert said.out == "runs/digits-ssp2-seed3-3\n"
    assert said.err == f"{first} is unfinished (1/10 epochs); rkblocks train --resume {first} continues it\n"
    assert main(["train", "--preset", "digits", "--blocks", "ssp2", "--seed", "3", "--out", "mine"]) == 0
    assert capsys.readouterr().err == ""


def test_print_config_is_a_file_for_preset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--preset", "digits", "--depth", "3", "--print-config"]) == 0
    text = capsys.readouterr().out
    (tmp_path / "mine.toml").write_text(text)
    assert "depth = 3" in text
    assert main(["train", "--preset", str(tmp_path / "mine.toml"), "--print-config"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == (text, "")
    assert main(["train", "--preset", "cifar10-paper", "--set", "training.epochs=2", "--print-config"]) == 0
    assert "warning[RK746]" in capsys.readouterr().err


def test_evaluate_in_json_and_its_health(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weak = ["--attack", "pgd", "--eps", "1/10", "--step", "1/100", "--steps", "1", "--limit", "20", "--no-save"]
    capsys.readouterr()
    assert main(["evaluate", str(run), *weak, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (result,) = found["runs"]
    assert [entry["attack"] for entry in result["entries"]] == ["clean", "pgd"]
    assert result["entries"][1]["threat"]["eps"] == "1/10"
    assert result["entries"][1]["n"] == 20
    assert not all(check["ok"] for check in result["health"])  # one step of eps/10 does not reach eps
    assert main(["evaluate", str(run), *weak, "--strict"]) == 1
    assert "FAILED" in capsys.readouterr().out
    assert not (run / "evaluations").exists()


def test_analyze_draws_a_figure(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "growth.svg"
    small = ["--only", "growth", "--limit", "10", "--steps", "2"]
    assert main(["analyze", str(run), *small, "--figure", str(figure)]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{run}  blocks ssp2, 10 images, mean growth (deviation)\n")
    assert "group 1" in out
    assert figure.read_text().startswith("<?xml")
    assert main(["analyze", str(run), "--figure", "growth.pdf"]) == 2
    assert main(["analyze", str(run), "--only", "variance", "--figure", "growth.svg"]) == 2


def test_analyze_judges_the_blocks_and_writes_reports(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--only", "coefficients,lemma1", "--limit", "4", "--steps", "1"]
    report = tmp_path / "new" / "folders" / "all.html"
    assert main(["analyze", str(run), str(run), *small, "--report", str(report)]) == 0
    out, err = capsys.readouterr()
    assert "premise of Lemma 1" in out
    assert "group 1, block 1" in out
    assert out.endswith(LEGEND)
    assert "group 2, block 1" in out
    assert "measured: lemma1, coefficients" in out
    assert err.count("wrote ") == 3
    own = run / "analysis" / "report.html"
    assert own.read_text().startswith("<!DOCTYPE html>")
    assert report.read_text().startswith("<!DOCTYPE html>")
    assert main(["analyze", str(run), "--only", "coefficients", "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["runs"]
    assert [row["tableau"] for row in found["analyses"]["coefficients"]] == ["ssp2", "ssp2"]
    assert main(["analyze", str(run), "--report", "all.pdf"]) == 2
    assert main(["analyze", str(run), "--only", "lyapunov"]) == 2


def test_one_image_is_enough_to_analyze(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = shutil.copytree(run, tmp_path / "one")
    report = tmp_path / "all.html"
    options = ["--limit", "1", "--steps", "1", "--device", "cpu", "--report", str(report), "--no-random-start"]
    assert main(["analyze", str(copy), *options]) == 0
    assert json.loads((copy / "analysis" / "analysis.json").read_text())["threat"]["random_start"] is False
    assert "nan" not in capsys.readouterr().out
    assert report.is_file()


def test_the_last_weights_are_analyzed_where_they_are_asked_for(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ignore = shutil.ignore_patterns("weights.safetensors", "analysis")
    copy = shutil.copytree(run, tmp_path / "last", ignore=ignore)
    options = ["--only", "coefficients", "--limit", "1", "--device", "cpu"]
    assert main(["analyze", str(copy), *options]) == 2
    assert "weights.safetensors" in capsys.readouterr().err
    assert not (copy / "analysis" / "analysis.json").exists()
    assert main(["analyze", str(copy), *options, "--weights", "last"]) == 0
    saved = json.loads((copy / "analysis" / "analysis.json").read_text())
    assert saved["weights"] == of_run(copy, Images(weights="last")).weights


@pytest.mark.parametrize("option", ["--report=x/no.html/all.html", "--figure=x/no.html/all.svg"])
def test_a_report_that_cannot_be_written_is_known_before_the_work(
    option: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("analyzed first")

    monkeypatch.setattr("rkblocks.analysis.analyze", never)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "no.html").write_text("a file, no folder")
    assert main(["analyze", str(run), option]) == 2
    assert "error[RK824]" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "folder"), [("evaluate", "evaluations"), ("analyze", "analysis")])
def test_a_place_that_takes_no_result_is_known_before_the_work(
    command: str, folder: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def work(*_: object, **__: object) -> None:
        raise AssertionError("the work has begun")

    monkeypatch.setattr("rkblocks.data.load", work)
    copy = shutil.copytree(run, tmp_path / "full", ignore=shutil.ignore_patterns(folder))
    (copy / folder).write_text("a file is in the way")
    assert main([command, str(copy)]) == 2
    assert "RK824" in capsys.readouterr().err
