"""Two processes that share the images give the numbers of one, bit for bit."""

import json
import shutil

import pytest
import torch
from evaluation_worker import evaluated, interrupted
from processes import in_processes
from safetensors.torch import load_file

from rkblocks.evaluation import evaluate

OPTIONS = {"attack": "pgd", "steps": 4, "restarts": 2, "limit": 50, "batch": 10, "probe": 0, "device": "cpu"}


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run", ignore=shutil.ignore_patterns("evaluations"))


def saved(run):
    """The tensors of the one saved evaluation, and the names of all files."""
    names = sorted(path.name for path in (run / "evaluations").iterdir())
    return load_file(run / "evaluations" / "pgd-test-seed0.safetensors"), names


def test_two_processes_give_the_numbers_of_one(run):
    alone = evaluate(run, **OPTIONS)
    expected, names = saved(run)
    shutil.rmtree(run / "evaluations")
    found = in_processes(2, run.parent, evaluated, str(run), OPTIONS)
    assert [count for _, count in found] == [3, 2]  # five batches, in turn
    assert json.loads(found[0][0]) == json.loads(found[1][0]) == json.loads(json.dumps(alone))
    shared, again = saved(run)
    assert again == names == ["pgd-test-seed0.json", "pgd-test-seed0.safetensors"]
    assert all(torch.equal(shared[key], value) for key, value in expected.items())


def test_a_signal_to_one_stops_both_and_both_go_on(run):
    evaluate(run, **OPTIONS)
    expected, names = saved(run)
    shutil.rmtree(run / "evaluations")
    found = in_processes(2, run.parent, interrupted, str(run), OPTIONS)
    assert [(code, count) for code, _, count in found] == [("RK825", 2), ("RK825", 1)]  # a round of two was done
    shared, again = saved(run)
    assert again == names
    assert all(torch.equal(shared[key], value) for key, value in expected.items())
