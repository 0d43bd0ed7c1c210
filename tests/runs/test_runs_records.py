"""Files of a run that say what cannot be are refused with key and place; sizes are bounded before memory is taken."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from rkblocks.diagnostics import RkblocksError
from rkblocks.runs import evaluations, metrics, records
from rkblocks.training import load, open_run, resume, train

torch.set_num_threads(1)
HASH = "0" * 64
RECORD = {
    "groups": ["tableaus/ark.json"],
    "tableaus": {"tableaus/ark.json": HASH},
    "data": {"shape": [1, 8, 8], "classes": ["0", "1"]},
    "mean": None,
    "std": [0.5],
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs of two steps; not to be changed."""
    tiny = {"net.blocks": "euler", "net.widths": [4], "net.depth": 1, "training.epochs": 2, "training.batch_size": 500}
    config = load("digits", {**tiny, "training.method": "standard", "training.device": "cpu"})
    return train(config, tmp_path_factory.mktemp("records") / "run", progress=False)


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


def test_a_record_is_kept_as_it_is() -> None:
    more = RECORD | {"later": {"key": [1]}}
    assert records.parse(json.dumps(more).encode(), records.Record) == more


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"data": {"shape": [1, 8, 10**9], "classes": ["0"]}},
            r"data\.shape\[2\] is 1000000000, expected int <= 65536",
        ),
        ({"data": {"shape": [1, 8], "classes": ["0"]}}, r"data\.shape is \[1, 8\], expected array of length 3"),
        ({"data": {"shape": [1, 8, True], "classes": ["0"]}}, r"data\.shape\[2\] is True, expected int, got bool"),
        ({"data": {"shape": [1, 8, 8]}}, "data is .*object missing required field classes"),
        ({"groups": ["../../etc/passwd"]}, r"groups\[0\] is '../../etc/passwd', expected str matching"),
        ({"groups": ["tableaus/b.json"]}, "tableaus is .*expected the SHA-256 of tableaus/b.json"),
        ({"groups": []}, "groups is .*expected array of length >= 1"),
        ({"std": [0.0]}, r"std\[0\] is 0.0, expected float > 0"),
        ({"mean": [0.1, 0.2]}, "mean is .*expected one number for each of 1 channels"),
        ({"config": "x"}, "config is 'x', expected str matching"),
        ({"version": 2}, "version is 2, invalid enum value 2"),
    ],
)
def test_what_is_wrong_with_a_record_is_named(change: dict[str, Any], expected: str) -> None:
    with pytest.raises(records.UnfitError, match=expected):
        records.parse(json.dumps(RECORD | change).encode(), records.Record)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "Input data was truncated"),
        (b"[]", "Expected object, got array"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
        (b'{"later": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deep"),
        (b'{"mean": 1e999}', "out of range"),
        (b'{"mean": NaN}', "JSON is malformed"),
        (b'{"mean": "\xff"}', "Invalid UTF-8|utf-8|malformed"),
    ],
)
def test_what_is_no_json_is_named(text: bytes, expected: str) -> None:
    with pytest.raises(records.UnfitError, match=expected):
        records.parse(text, records.Record)


def test_a_file_is_bounded_before_it_is_read(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(records.LIMITS, "run.json", 100)
    with pytest.raises(RkblocksError, match=r"RK713: .*run\.json cannot be read: it has more than 100 bytes"):
        open_run(run)
    monkeypatch.setitem(records.LIMITS, "metrics.jsonl", 100)
    assert "more than 100 bytes" in metrics.read(run).damage


def test_metrics_are_read_around_damage(run: Path) -> None:
    path = run / "metrics.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    for text, epochs, damage in (
        (first + second, [1, 2], ""),
        (first + second[:20], [1], ""),
        (first + second[:20] + b"\n", [1], "line 2: expected the metrics of epoch 2; Input data was truncated"),
        (second, [2], "line 1: expected the metrics of epoch 1, got 2"),
        (first + first, [1], "line 2: expected the metrics of epoch 2; epoch: expected 2, got 1"),
        (first + b"\n" + second, [1, 2], "line 2: expected the metrics of epoch 2"),
        (
            b'{"epoch": 1, "best": 3}\n' + second,
            [2],
            "line 1: expected the metrics of epoch 1; best is 3, expected bool",
        ),
    ):
        path.write_bytes(text)
        known = metrics.read(run)
        assert [line["epoch"] for line in known.epochs] == epochs
        assert damage in known.damage
        assert bool(known.damage) == bool(damage)


def test_resuming_with_damaged_metrics_is_refused(run: Path) -> None:
    (run / "metrics.jsonl").write_text("{}\n")
    with pytest.raises(RkblocksError, match=r"RK713: .*metrics\.jsonl, line 1: expected the metrics of epoch 1"):
        resume(run, progress=False)


def test_evaluations_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "evaluations").mkdir()
    entry = {"attack": "clean", "threat": None, "definition": "final", "n": 3, "accuracy": 1, "seed": 0, "weights": "w"}
    for name, content in (("a", {"entries": [entry]}), ("b", {"entries": []}), ("c", [])):
        (tmp_path / "evaluations" / f"{name}.json").write_text(json.dumps(content))
    (tmp_path / "evaluations" / "d.json").mkdir()
    found, wrong = evaluations.read(tmp_path)
    assert [one.path.stem for one in found] == ["a"]
    assert {path.stem: reason for path, reason in wrong.items()} == {
        "b": "entries is [], expected array of length >= 1",
        "c": "Expected object, got array",
        "d": "Is a directory",
    }


def change(run: Path, edit: Any) -> None:
    """Edit the content of resume.pt; the one before it goes, so that nothing stands in."""
    state = torch.load(run / "resume.pt", weights_only=True)
    edit(state)
    torch.save(state, run / "resume.pt")
    (run / "resume.previous.pt").unlink(missing_ok=True)


def put(*keys: Any, value: Any) -> Any:
    def edit(state: Any) -> None:
        for key in keys[:-1]:
            state = state[key]
        state[keys[-1]] = value(state[keys[-1]]) if callable(value) else value

    return edit


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (put("progress", "epoch", value=10**9), "progress.epoch is 1000000000, expected at most 2"),
        (put("progress", "step", value=-1), "progress.step is -1, expected int >= 0"),
        (put("progress", "step", value=3), "progress.step is 3, expected at most 2"),
        (put("progress", "seen", value=5), "progress.seen is 5 after step 0"),
        (put("progress", "best_epoch", value=9), "progress.best_epoch is 9, expected at most 2"),
        (put("progress", "best", value="x"), "progress.best is 'x', expected float, got str"),
        (put("progress", value=lambda at: dict(list(at.items())[1:])), "progress is .* missing required field epoch"),
        (put("format", value=2), "format is 2"),
        (put("model", value=[1]), "model is .1., expected object, got array"),
        (put("streams", "noise", value=torch.zeros(3)), "RNG state|ByteTensor"),
        (put("streams", value=lambda streams: {}), "augment"),
        (put("optimizer", value=3), "optimizer is 3, expected object, got int"),
        (put("optimizer", value=lambda state: {}), "param_groups|state"),
        (
            put("optimizer", "param_groups", 0, "momentum", value=7.0),
            r"param_groups\[0\]\.momentum is 7.0, expected 0.9",
        ),
        (put("carried", value=lambda _: {"average.x": torch.zeros(2)}), "averaged weights are not those"),
        (put("carried", value=lambda _: {"x": torch.zeros(1).expand(10**9)}), "carried.x: its values are not all"),
        (put("carried", value=lambda _: {"x": torch.tensor(torch.nan)}), "carried.x has values that are no finite"),
    ],
)
def test_a_state_that_no_training_reaches_is_refused(run: Path, edit: Any, expected: str) -> None:
    change(run, edit)
    with pytest.raises(RkblocksError, match=f"(?s)RK713: .*{expected}"):
        resume(run, progress=False)


def test_the_buffers_of_the_optimiser_fit_its_weights(run: Path) -> None:
    def edit(state: Any) -> None:
        first = next(iter(state["optimizer"]["state"].values()))
        first["momentum_buffer"] = torch.zeros(3)

    change(run, edit)
    with pytest.raises(RkblocksError, match=r"RK713: .*momentum_buffer is of shape \[3\]"):
        resume(run, progress=False)


def test_a_state_that_would_unpack_to_more_is_refused(run: Path) -> None:
    with zipfile.ZipFile(run / "resume.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10**8))
    assert (run / "resume.pt").stat().st_size < 10**6
    (run / "resume.previous.pt").unlink()
    with pytest.raises(RkblocksError, match=r"RK713: .*it would unpack to more than it holds"):
        resume(run, progress=False)
