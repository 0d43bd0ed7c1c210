"""A network of one's own is trained, resumed, evaluated and refused as those of the package are."""

import json
from pathlib import Path

import pytest
import torch

from rkblocks import evaluation, training
from rkblocks.diagnostics import RkblocksError
from rkblocks.runs.network import open_run

SOURCE = """
from torch import nn
import rkblocks

def net(blocks, classes):
    inner = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
    step = rkblocks.build(blocks[0], inner)
    return nn.Sequential(nn.Conv2d(1, 4, 3), step, nn.Flatten(), nn.Linear(144, classes))

plain = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
"""


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, object]:
    (tmp_path / "own.py").write_text(SOURCE)
    return {
        "net.kind": "module",
        "net.module": f"{tmp_path}/own.py:net",
        "net.blocks": "ssp2",
        "training.epochs": 2,
        "training.device": "cpu",
        "attack.steps": 1,
        "data.validation": 0.05,
    }


def test_it_is_trained_resumed_and_evaluated(settings: dict[str, object], tmp_path: Path) -> None:
    whole = training.train(training.load("digits", settings), tmp_path / "whole", progress=False)

    class StoppedError(Exception):
        pass

    def stop(metrics: dict[str, object]) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        training.train(training.load("digits", settings), tmp_path / "parts", progress=stop)
    (tmp_path / "own.py").unlink()  # a run is opened from its own files
    training.resume(tmp_path / "parts", progress=False)
    one, other = (open_run(folder, "cpu", "last") for folder in (whole, tmp_path / "parts"))
    state = other.model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in one.model.state_dict().items())
    assert one.blocks == "ssp2"
    assert len(list(one.model.modules())) > 8
    (found,) = evaluation.evaluate(whole, preset="quick", limit=40, probe=0, device="cpu")["runs"]
    assert [entry["attack"] for entry in found["entries"]] == ["clean", "fgsm", "pgd"]
    assert found["entries"][0]["accuracy"] > 0.3
    assert json.loads((whole / "run.json").read_text())["module"]


def test_seeds_differ_and_one_seed_is_the_same(settings: dict[str, object], tmp_path: Path) -> None:
    weights = []
    for number, seed in enumerate((0, 0, 1)):
        config = training.load("digits", {**settings, "training.epochs": 1, "training.seed": seed})
        folder = training.train(config, tmp_path / str(number), progress=False)
        weights.append((folder / "last.safetensors").read_bytes()[-400:])
    assert weights[0] == weights[1] != weights[2]


def test_what_does_not_fit_is_named(settings: dict[str, object], tmp_path: Path) -> None:
    for changes, code in (
        ({"net.module": ""}, "RK704"),
        ({"net.kind": "grouped"}, "RK704"),
        ({"net.module": f"{tmp_path}/own.py:absent"}, "RK861"),
    ):
        with pytest.raises(RkblocksError) as caught:
            training.train(training.load("digits", {**settings, **changes}), tmp_path / "run", progress=False)
        assert [found.code for found in caught.value.diagnostics] == [code]
    assert not (tmp_path / "run").exists()
    plain = {**settings, "net.module": f"{tmp_path}/own.py:plain", "training.epochs": 1}
    folder = training.train(training.load("digits", plain), tmp_path / "plain", progress=False)
    (folder / "module.py").write_text(SOURCE + "\n")
    with pytest.raises(RkblocksError, match=r"module\.py is not the network"):
        open_run(folder, "cpu")
