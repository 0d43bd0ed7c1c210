"""TensorBoard gets the metrics of every epoch once, also of a run that was interrupted; and is not needed otherwise."""

import json
import subprocess
import sys

import pytest

from rkblocks.diagnostics import RkblocksError
from rkblocks.training import loop, resume, train


def test_scalars_are_the_metrics(tiny, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config, run, measure = tiny(training__method="standard"), tmp_path / "run", loop.measure

    def interrupted(*arguments):
        if arguments[3] == 2:
            raise KeyboardInterrupt
        return measure(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "measure", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(config, run, progress=False, tensorboard=True)
    said = []
    resume(run, progress=said.append, tensorboard=True)
    assert [metrics["epoch"] for metrics in said] == [3]
    found = EventAccumulator(str(run / "tensorboard")).Reload()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert set(found.Tags()["scalars"]) == set(lines[0]) - {"epoch"}
    for name in ("train_loss", "validation_clean", "lr"):
        scalars = found.Scalars(name)
        assert [scalar.step for scalar in scalars] == [1, 2, 3]
        assert [scalar.value for scalar in scalars] == pytest.approx([line[name] for line in lines])


def test_without_tensorboard_there_is_a_message_and_no_folder(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(RkblocksError, match=r"RK901.*tensorboard"):
        train(tiny(), tmp_path / "run", progress=False, tensorboard=True)
    assert not (tmp_path / "run").exists()


def test_nothing_is_imported_where_it_is_off():
    code = "import sys, rkblocks.training; assert not [m for m in sys.modules if 'tensorboard' in m.lower()]"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
