"""benchmarks/gpu.py: says when there is no GPU, saves every row, goes on where it was stopped, keeps to its time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

pytest.importorskip("torchvision")

import gpu  # noqa: E402
from timing import Row  # noqa: E402

from rkblocks import study  # noqa: E402


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so(capsys, tmp_path):
    assert gpu.main(["--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().out
    assert said.startswith("no GPU here: torch ")
    assert "--device cpu --tiny" in said
    assert not (tmp_path / "out").exists()


def test_parts_are_measured_saved_and_not_measured_again(tmp_path):
    """Two parts of one folder, the study in its own process; then the study alone goes on, and finds nothing to do."""
    command = [sys.executable, "benchmarks/gpu.py", "--device", "cpu", "--tiny", "--out", str(tmp_path)]
    command += ["--parts", "steps,study"]
    first = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert first.returncode == 0, first.stdout + first.stderr
    rows = [json.loads(line) for line in (tmp_path / "steps.jsonl").read_text().splitlines()]
    assert rows.pop() == {"complete": True}
    assert [line["what"].split(", ", 1)[1] for line in rows][:2] == ["published", "eager"]
    assert (tmp_path / "study" / "runs.zip").stat().st_size > 1000
    text = (tmp_path / "summary.md").read_text()
    assert "the figures mean nothing" in text
    assert "networks finished, of 1 begun" in text
    before = (tmp_path / "steps.jsonl").stat().st_mtime_ns
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 0
    assert "steps: done before" in again.stdout
    assert (tmp_path / "steps.jsonl").stat().st_mtime_ns == before


def test_a_part_that_fails_is_told_and_the_others_are_measured(tmp_path, monkeypatch, capsys):
    def measured(command, seconds, log):
        name = command[command.index("--child") + 1]
        with (tmp_path / f"{name}.jsonl").open("w") as file:
            print(json.dumps({"what": name, "value": 1.0, "low": 1.0, "high": 1.0, "unit": "s"}), file=file)
        return {"tests": 1, "steps": None}.get(name, 0)

    monkeypatch.setattr(gpu, "limited", measured)
    assert gpu.main(["--device", "cpu", "--out", str(tmp_path), "--parts", "tests,steps,epochs"]) == 1
    said = capsys.readouterr().out
    assert "FAILED: tests" in said
    assert "steps: stopped after 90 s, with 1 rows" in said
    assert "## epochs, as far as it came" in (tmp_path / "summary.md").read_text()


def test_no_part_begins_without_time(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "limited", lambda *_: pytest.fail("a part was begun"))
    assert gpu.main(["--device", "cpu", "--out", str(tmp_path), "--minutes", "0"]) == 0
    assert capsys.readouterr().out.count("no time left") == len(gpu.PARTS)


def test_what_takes_too_long_is_stopped(tmp_path):
    with (tmp_path / "log").open("w") as log:
        assert gpu.limited([sys.executable, "-c", "import time; time.sleep(60)"], 0.5, log) is None
        assert gpu.limited([sys.executable, "-c", "raise SystemExit(3)"], 60, log) == 3


def test_rows_come_back_as_they_were(tmp_path):
    options = gpu.parse(["--device", "cpu", "--out", str(tmp_path)])
    one = Row("a", 1.5, 1.0, 2.0, "ms", 2.0, True)
    gpu.PARTS["tests"], kept = (lambda _: iter([one])), gpu.PARTS["tests"]
    try:
        options.child = "tests"
        assert gpu.child(options) == 1  # its floor is missed
    finally:
        gpu.PARTS["tests"] = kept
    assert gpu.saved(options, "tests") == ([one], False)


def test_its_study_records_its_steps():
    path = ROOT / "studies" / "table2-30.toml"
    found = study.load(path)
    assert all(found.config(cell, 0).training.cuda_graph for cell in found.cells)
    assert path.read_text().count("[set]\n") == 1  # where --images goes
