"""Two processes train as one: gradients, batch statistics and noise, in float64."""

import json

import parallel_worker
import pytest
import torch
from parallel_worker import CASES, RUNS, STOPPED
from processes import in_processes


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
