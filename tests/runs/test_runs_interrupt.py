"""A signal is looked at when what is under way may stop; one that comes after the last look is heard outside."""

import signal

import pytest
import torch
from safetensors.torch import load_file

from rkblocks import training
from rkblocks.runs.config import load
from rkblocks.runs.interrupt import Stop, stop_on_signal, terminating
from rkblocks.study import plan
from rkblocks.study.plan import Evaluation
from rkblocks.study.task import Task, perform

TINY = {"net.widths": [4], "training.device": "cpu", "training.epochs": 2, "training.batch_size": 200}
SIGNALS = (signal.SIGINT, signal.SIGTERM)
BOTH = pytest.mark.parametrize("number", SIGNALS)


@pytest.fixture(autouse=True)
def handlers():
    """Both signals have the handlers of a command, and have them again afterwards."""
    with terminating():
        before = [signal.getsignal(number) for number in SIGNALS]
        yield
        assert [signal.getsignal(number) for number in SIGNALS] == before


def work(*steps, looks=()):
    """Do these steps, signals and errors, with a look after those that are named; return what was done and heard."""
    done = []
    try:
        with stop_on_signal(done.append) as check:
            for at, step in enumerate(steps):
                if isinstance(step, signal.Signals):
                    signal.raise_signal(step)
                elif isinstance(step, Exception):
                    raise step
                else:
                    done.append(step)
                if at in looks:
                    check()
    except BaseException as error:
        return done, type(error)
    return done, None


@BOTH
def test_a_signal_waits_for_the_next_look_and_is_seen_once(number):
    assert work("a", number, "b", "c", looks=(0, 2)) == (["a", number.name, "b"], Stop)


@BOTH
def test_a_signal_after_the_last_look_is_heard_outside_when_all_is_done(number):
    assert work("a", number, "b", looks=(0,)) == (["a", number.name, "b"], KeyboardInterrupt)


@BOTH
def test_a_second_signal_stops_at_once(number):
    assert work("a", number, "b", number, "c") == (["a", number.name, "b"], KeyboardInterrupt)


@BOTH
def test_an_error_is_no_less_an_error_for_a_signal(number):
    assert work(number, ZeroDivisionError(), "a") == ([number.name], ZeroDivisionError)


def test_without_a_signal_nothing_happens():
    assert work("a", "b", looks=(0, 1)) == (["a", "b"], None)


@BOTH
def test_at_the_very_end_of_a_training_nothing_is_lost_and_a_study_does_not_go_on(number, tmp_path):
    """The signal comes when the last epoch is told, after the last look."""
    torch.set_num_threads(1)
    config, evaluation = load("digits", TINY), Evaluation()
    whole = training.train(config, tmp_path / "whole", progress=False)
    task = Task("run", tmp_path / "run", config, plan.columns(evaluation, (), "digits"), evaluation)
    told = []

    def report(done, total):
        told.append(done)
        if done == config.training.epochs:
            signal.raise_signal(number)

    with pytest.raises(KeyboardInterrupt):
        perform(task, report)
    assert told == [0, 1, 2]
    expected, found = (load_file(folder / "weights.safetensors") for folder in (whole, task.folder))
    assert all(torch.equal(found.pop(name), value) for name, value in expected.items())
    assert not found
    assert not (task.folder / "evaluations").exists()
    assert not (task.folder / "in-use").exists()
