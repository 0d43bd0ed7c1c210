"""Two processes train as one: gradients, batch statistics and noise, in float64."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import parallel_worker
import pytest
import torch
from commands import ended, free_port, start
from parallel_worker import CASES, RUNS, STOPPED
from processes import in_processes
from safetensors.torch import load_file

from rkblocks.diagnostics import RkblocksError
from rkblocks.settings import toml
from rkblocks.training import parallel


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    return in_processes(2, tmp_path_factory.mktemp("group"), parallel_worker.divided)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_a_divided_batch_is_one_batch(case, both):
    """The seven images are divided into four and three; batch norm sees all of them, at every stage."""
    expected = parallel_worker.some_steps(*case)
    start = parallel_worker.network(*case).state_dict()
    for name, value in expected.items():
        assert name.startswith("normalize") or not torch.equal(value, start[name]) or not value.is_floating_point()
        for found in both:
            torch.testing.assert_close(found["-".join(case)][name], value, rtol=1e-12, atol=1e-14)
        assert torch.equal(both[0]["-".join(case)][name], both[1]["-".join(case)][name])


def test_noise_does_not_depend_on_the_number_of_processes(both):
    expected = parallel_worker.drawn()
    assert expected["copy 0"].shape == (7, 2)
    for found in both:
        assert found["noise"].keys() == expected.keys()
        assert all(torch.equal(found["noise"][name], value) for name, value in expected.items())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The runs of RUNS, by one process and by two: their folders, and the weights as every process returned them."""
    folders = [tmp_path_factory.mktemp(f"by-{count}") for count in (1, 2)]
    return [
        (folder, in_processes(count, folder, parallel_worker.all_trained, str(folder)))
        for count, folder in enumerate(folders, 1)
    ]


def metrics(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def assert_close(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", RUNS)
def test_two_processes_train_as_one(name, runs):
    """Uneven parts, augmentation, attacks, copies, memory modes; all processes return once the files are written."""
    (alone, (expected,)), (together, found) = runs
    for weights in found:
        assert_close(weights[name], expected[name])
    one, two = metrics(alone / name), metrics(together / name)
    assert len(one) == len(two) == 2
    for line, other in zip(one, two, strict=True):
        assert other == pytest.approx(line, rel=1e-9)
    assert json.loads((together / name / "run.json").read_text())["processes"] == 2


def test_a_run_goes_on_with_another_number_of_processes(runs, tmp_path):
    (_, (expected,)), _ = runs
    said = in_processes(2, tmp_path, parallel_worker.stopped, str(tmp_path), 2)
    for text in said:  # the signal came to one of them, and all stop after the same step
        assert "RK718: SIGTERM stopped training in epoch 1 after step 2 of 3; all is saved" in text
    (found,) = in_processes(1, tmp_path, parallel_worker.resumed, str(tmp_path))
    assert_close(found, expected[STOPPED])


def group(arguments, errors, *moment):
    """Two processes that run a command together, each with its own file of messages; a signal comes to the second."""
    port = free_port()
    return [
        start(arguments, Path(f"{errors}-{rank}"), parallel_worker.member, rank, 2, port, *moment) for rank in (0, 1)
    ]


def single(arguments, errors):
    """The same command by one process."""
    return start(arguments, errors, parallel_worker.in_float64)


def test_a_process_that_is_killed_ends_the_others_and_nothing_is_lost(tiny, tmp_path):
    """The whole way by commands: killed in the second epoch, resumed by two, stopped by a signal, resumed by one."""
    (tmp_path / "config.toml").write_text(toml.write(tiny(training__method="standard", training__epochs=5)))
    run, alone, settings = tmp_path / "run", tmp_path / "alone", str(tmp_path / "config.toml")
    assert ended(single(["train", "--preset", settings, "--out", str(alone)], tmp_path / "alone-errors")) == 0
    processes = group(["train", "--preset", settings, "--out", str(run)], tmp_path / "killed", signal.SIGKILL, 8)
    assert [ended(process) for process in processes] == [2, -signal.SIGKILL]
    assert "error[RK742]: process 0 of 2 has lost another one: " in (tmp_path / "killed-0").read_text()
    assert [line["epoch"] for line in metrics(run)] == [1]

    processes = group(["train", "--resume", str(run)], tmp_path / "stopped", signal.SIGTERM, 8)
    assert [ended(process) for process in processes] == [2, 2]
    said = [(tmp_path / f"stopped-{rank}").read_text() for rank in (0, 1)]
    assert all("error[RK718]: SIGTERM stopped training" in text for text in said)
    assert "2 processes\n" in said[0]
    assert said[1].count("\n") == 2, "process 1 says nothing but why it stopped"

    assert ended(single(["train", "--resume", str(run)], tmp_path / "alone-errors")) == 0
    assert [line["epoch"] for line in metrics(run)] == list(range(1, 6))
    assert_close(*(load_file(folder / "last.safetensors") for folder in (run, alone)))


@pytest.mark.parametrize(
    ("overrides", "place"),
    [
        ({"training__batch_size": 2}, "batch_size is 2, too few for 3 processes"),
        ({"training__eval_batch_size": 1}, "eval_batch_size is 1, too few for 3 processes"),
        ({"training__device": "cuda:0"}, "cannot all use cuda:0"),
        ({"training__method": "free"}, "free training"),
        ({"training__compile": True}, "compiled step"),
    ],
)
def test_settings_that_fit_one_process_alone(overrides, place, tiny, monkeypatch):
    parallel.check(tiny(**overrides))
    monkeypatch.setattr("rkblocks.distributed.size", lambda: 3)
    with pytest.raises(RkblocksError, match=f"RK741.*{place}"):
        parallel.check(tiny(**overrides))


@pytest.mark.slow
def test_torchrun(tmp_path):
    sets = ["net.widths=[2,4]", "attack.steps=1", "validation.steps=1", "training.epochs=1", "training.device=cpu"]
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "rkblocks", "train"]
    options = ["--preset", "digits", *(word for one in sets for word in ("--set", one)), "--out", str(tmp_path / "run")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *command, *options], env=environment, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    assert b"20 steps an epoch, 2 processes\nepoch 1/1 " in done.stderr
    assert [line["epoch"] for line in metrics(tmp_path / "run")] == [1]
