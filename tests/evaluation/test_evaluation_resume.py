"""An evaluation that is interrupted, or killed, goes on after its last batch and ends with the same bits."""

import json
import os
import shutil
import signal

import pytest
import torch
from safetensors.torch import load_file

from rkblocks.diagnostics import RkblocksError
from rkblocks.evaluation import evaluate, journal, measure
from rkblocks.evaluation.health import CHECKS, evidence
from rkblocks.nets import GroupedNet

OPTIONS = {"attack": "pgd", "steps": 6, "limit": 50, "batch": 10, "probe": 4}
ROW, BATCHES = "pgd6 linf 1/10 final", 5


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run", ignore=shutil.ignore_patterns("evaluations"))


@pytest.fixture(autouse=True)
def saving_every_batch(monkeypatch):
    """And a health report of one check, since the whole one has its own tests."""
    monkeypatch.setattr(journal, "SAVE_SECONDS", 0.0)
    checks = {name: CHECKS[name] for name in ("reachability",)}
    monkeypatch.setattr("rkblocks.evaluation.health.registry.CHECKS", checks)


@pytest.fixture
def attacked(monkeypatch):
    """The number of batches that were attacked, by row; the health checks on their sample do not count."""
    counts, really = {}, measure._attacked

    def counting(subject, item, rows, seed):
        if len(subject) == OPTIONS["limit"]:
            counts[item.label] = counts.get(item.label, 0) + 1
        return really(subject, item, rows, seed)

    monkeypatch.setattr(measure, "_attacked", counting)
    return counts


def at(row, images, action):
    return lambda label, done, total: action() if (label, done) == (row, images) else None


def without_names(found):
    """What is the same in two folders: everything but their names."""
    return json.loads(json.dumps(found).replace("reference", "run"))


@pytest.fixture
def expected(run, tmp_path):
    """The uninterrupted evaluation: the JSON, and the tensors."""
    twin = shutil.copytree(run, tmp_path / "reference")
    found = evaluate(twin, **OPTIONS)
    return without_names(found), load_file(twin / "evaluations" / "pgd-test-seed0.safetensors")


def matches(run, found, expected):
    tensors = load_file(run / "evaluations" / "pgd-test-seed0.safetensors")
    assert without_names(found) == expected[0]
    assert tensors.keys() == expected[1].keys()
    assert all(torch.equal(tensors[key], value) for key, value in expected[1].items())
    return sorted(path.name for path in (run / "evaluations").iterdir()) == [
        "pgd-test-seed0.json",
        "pgd-test-seed0.safetensors",
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_batch_and_resume_goes_on(run, expected, attacked, number):
    with pytest.raises(RkblocksError, match="--resume continues") as caught:
        evaluate(run, **OPTIONS, progress=at(ROW, 20, lambda: os.kill(os.getpid(), number)))
    assert [found.code for found in caught.value.diagnostics] == ["RK825"]
    assert attacked[ROW] == 2
    assert len(list((run / "evaluations").iterdir())) == 1
    assert matches(run, evaluate(run, **OPTIONS, resume=True), expected)
    assert attacked == {ROW: BATCHES}


def test_a_signal_before_the_first_row_leaves_nothing(run):
    stop = at("clean", 50, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(RkblocksError, match="RK825"):
        evaluate(run, **OPTIONS, progress=stop)
    assert not (run / "evaluations").exists()
    assert not (run / "in-use").exists()


def test_what_was_on_disk_when_a_process_was_killed_is_continued(run, expected, attacked):
    """The file as kill -9 would leave it: copied in the midst of the evaluation, put back afterwards."""
    folder, copy = run / "evaluations", run.parent / "copy"
    evaluate(run, **OPTIONS, progress=at(ROW, 30, lambda: shutil.copytree(folder, copy)))
    shutil.rmtree(folder)
    shutil.move(copy, folder)
    attacked.clear()
    assert matches(run, evaluate(run, **OPTIONS, resume=True), expected)
    assert attacked == {ROW: 2}


def test_an_error_in_the_midst_keeps_what_was_done(run, expected, attacked):
    with pytest.raises(ZeroDivisionError):
        evaluate(run, **OPTIONS, progress=at("health", 1, lambda: 1 / 0))
    attacked.clear()
    assert matches(run, evaluate(run, **OPTIONS, resume=True), expected)
    assert not attacked


def test_a_complete_evaluation_is_not_repeated(run, expected, attacked):
    first = evaluate(run, **OPTIONS)
    attacked.clear()
    assert evaluate(run, **OPTIONS, resume=True) == first
    assert not attacked
    evaluate(run, **{**OPTIONS, "seed": 1}, resume=True)  # another evaluation: from the start
    assert attacked[ROW] == BATCHES


def test_without_resume_it_starts_anew(run, attacked):
    with pytest.raises(RkblocksError, match="RK825"):
        evaluate(run, **OPTIONS, progress=at(ROW, 20, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    attacked.clear()
    evaluate(run, **{**OPTIONS, "probe": 0})
    assert attacked[ROW] == BATCHES


def test_a_damaged_state_is_named(run):
    with pytest.raises(RkblocksError, match="RK825"):
        evaluate(run, **OPTIONS, progress=at(ROW, 20, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    (path,) = (run / "evaluations").iterdir()
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(RkblocksError, match="RK826"):
        evaluate(run, **OPTIONS, resume=True)


def test_a_stop_without_files_says_so(run):
    with pytest.raises(RkblocksError, match="without --no-save"):
        evaluate(run, **OPTIONS, save=False, progress=at(ROW, 20, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    assert not (run / "evaluations").exists()


def test_a_signal_stops_a_batch_at_its_next_forward_pass_and_says_so(run, monkeypatch):
    """One batch holds all images, and is not waited for: what a terminal shows is told at once."""
    said, passes = [], []

    class Listening:
        def __call__(self, label, done, total):
            pass

        def say(self, text):
            said.append(text)

    def observed(module, inputs):
        passes.append(1)
        if len(passes) == 4:
            os.kill(os.getpid(), signal.SIGINT)

    hook = torch.nn.modules.module.register_module_forward_pre_hook(
        lambda module, inputs: observed(module, inputs) if isinstance(module, GroupedNet) else None
    )
    try:
        with pytest.raises(RkblocksError, match="RK825"):
            evaluate(run, attack="pgd", steps=50, limit=40, batch=40, probe=0, progress=Listening())
    finally:
        hook.remove()
    assert said == ["stopping, with what is finished saved; again to stop at once"]
    assert len(passes) <= 5


def test_a_signal_stops_a_health_check_of_other_weights_at_their_next_forward_pass(run, monkeypatch):
    name, passes, opened = "no selection on the test set", [], evidence.open_run
    monkeypatch.setattr("rkblocks.evaluation.health.registry.CHECKS", {name: CHECKS[name]})

    def observed(module, inputs):
        passes.append(1)
        if len(passes) == 3:
            os.kill(os.getpid(), signal.SIGINT)

    def opening(*arguments):
        found = opened(*arguments)
        found.model.register_forward_pre_hook(observed)
        return found

    monkeypatch.setattr(evidence, "open_run", opening)
    with pytest.raises(RkblocksError, match="RK825"):
        evaluate(run, attack="pgd", steps=50, limit=40, probe=40, save=False)
    assert len(passes) == 3
