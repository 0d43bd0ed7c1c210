"""Averages of weights: their formulas, what is evaluated and saved, and resuming bit for bit."""

import json
from contextlib import contextmanager

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from rkblocks.diagnostics import RkblocksError
from rkblocks.runs.config import Averaging
from rkblocks.runs.interrupt import Stop
from rkblocks.training import loop, open_run, resume, train
from rkblocks.training.averaging import Average

torch.set_num_threads(1)


def small() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).double()


def steps(model: nn.Module, count: int):
    """The states of a model that moves at random, one after the other."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(count):
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.add_(torch.randn(value.shape, generator=generator, dtype=value.dtype))
            else:
                value.add_(1)
        yield {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("kind", ["ema", "uniform"])
def test_the_formulas(kind):
    model, carried = small(), {}
    average = Average(Averaging(kind=kind, decay=0.8, start=2), model, carried)
    seen = []
    for epoch, state in enumerate(steps(model, 6)):
        average.after_step(epoch)
        average.after_epoch(epoch)
        average.after_epoch(epoch)  # validation was interrupted, and begun again
        seen.append(state)
        assert bool(average.state()) == (epoch >= 2)
    for name, found in average.state().items():
        values = [state[name] for state in seen[2:]]
        if not found.is_floating_point():
            assert int(found) == int(values[-1])
        elif kind == "uniform":
            torch.testing.assert_close(found, torch.stack(values).mean(0), rtol=1e-12, atol=1e-12)
        else:
            shares = [0.8**3, 0.2 * 0.8**2, 0.2 * 0.8, 0.2]
            expected = sum(share * value for share, value in zip(shares, values, strict=True))
            torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_an_average_with_decay_zero_is_the_model_itself():
    model, carried = small(), {}
    average = Average(Averaging(kind="ema", decay=0.0), model, carried)
    seen = []
    for state in steps(model, 3):
        average.after_step(0)
        seen.append(state)
    state = seen[-1]
    assert all(torch.equal(value, state[name]) for name, value in average.state().items())


def test_the_model_has_its_own_weights_again_after_an_evaluation():
    model, carried = small(), {}
    average = Average(Averaging(kind="ema", decay=0.9, evaluated=True), model, carried)
    seen = []
    for state in steps(model, 3):
        average.after_step(0)
        seen.append(state)
    state = seen[-1]
    inside: dict[str, torch.Tensor] = {}

    def interrupted() -> None:
        with average.evaluated():
            inside.update({name: value.clone() for name, value in model.state_dict().items()})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert all(torch.equal(value, average.state()[name]) for name, value in inside.items())
    assert not torch.equal(inside["0.weight"], state["0.weight"])
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def lines(folder) -> list[dict]:
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in found]


@pytest.mark.parametrize("kind", ["ema", "uniform"])
def test_an_average_beside_the_weights_changes_nothing_else(kind, finished, tiny, tmp_path):
    out = train(tiny(averaging__kind=kind, averaging__decay=0.9), tmp_path / "run", progress=False)
    assert lines(out) == lines(finished)
    for name in ("weights.safetensors", "last.safetensors"):
        one, other = load_file(out / name), load_file(finished / name)
        assert all(torch.equal(one[key], other[key]) for key in one)
    average, last = load_file(out / "average.safetensors"), load_file(out / "last.safetensors")
    assert average.keys() == last.keys()
    assert not torch.equal(average["head.2.weight"], last["head.2.weight"])
    opened = open_run(out, "cpu", weights="average").model.state_dict()
    assert all(torch.equal(opened[key], value) for key, value in average.items())


def test_an_evaluated_average_is_what_is_saved_and_measured(tiny, tmp_path):
    beside = train(tiny(averaging__kind="ema", averaging__decay=0.9), tmp_path / "beside", progress=False)
    instead = train(
        tiny(averaging__kind="ema", averaging__decay=0.9, averaging__evaluated=True),
        tmp_path / "instead",
        progress=False,
    )
    assert not (instead / "average.safetensors").exists()
    one, other = load_file(instead / "last.safetensors"), load_file(beside / "average.safetensors")
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert [line["train_loss"] for line in lines(instead)] == [line["train_loss"] for line in lines(beside)]
    assert [line["validation_clean"] for line in lines(instead)] != [line["validation_clean"] for line in lines(beside)]


@pytest.mark.parametrize(
    "settings",
    [
        {"averaging__kind": "ema", "averaging__evaluated": True},
        {"averaging__kind": "uniform", "averaging__start": 1},
        {"training__method": "free", "free__replays": 2},
        {"training__method": "single-step"},
        {"training__loss": "trades"},
        {"training__loss": "mart"},
    ],
    ids=lambda settings: "-".join(str(value) for value in settings.values()),
)
@pytest.mark.parametrize("stop_at", [8, 5.5])
def test_resuming_changes_nothing(stop_at, settings, tiny, tmp_path, monkeypatch):
    """Stopped after a step in the middle of an epoch, or in validation, where the averaged weights may be in place."""
    config = tiny(**settings, training__epochs=2, validation__steps=1)
    whole = train(config, tmp_path / "whole", progress=False)
    counted = []

    def stopping(step):
        def move(x, y):
            counted.append(1)
            return step(x, y)

        return move

    make, measure, stop_on_signal = loop.training_step, loop.measure, loop.stop_on_signal
    with monkeypatch.context() as patch:

        @contextmanager
        def watched():
            def check() -> None:
                if len(counted) == stop_at:
                    raise Stop("a test")

            with stop_on_signal():
                yield check

        def interrupted(*arguments):
            if stop_at == 5.5 and len(counted) == 5:
                raise Stop("a test")
            return measure(*arguments)

        patch.setattr(loop, "stop_on_signal", watched)
        patch.setattr(loop, "training_step", lambda *arguments: stopping(make(*arguments)))
        patch.setattr(loop, "measure", interrupted)
        with pytest.raises(RkblocksError, match="RK718"):
            train(config, tmp_path / "run", progress=False)
    resume(tmp_path / "run", progress=False)
    assert lines(tmp_path / "run") == lines(whole)
    for path in whole.glob("*.safetensors"):
        one, other = load_file(path), load_file(tmp_path / "run" / path.name)
        assert all(torch.equal(one[key], other[key]) for key in one), path.name
