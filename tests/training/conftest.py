"""Trainings of a few steps, on digits."""

import pytest
import torch

from rkblocks.training import Config, load, train

torch.set_num_threads(1)

TINY = {
    "data.validation": 0.2,
    "net.blocks": "ark,ssp2",
    "net.widths": [4, 6],
    "training.device": "cpu",
    "training.epochs": 3,
    "training.batch_size": 200,
    "attack.steps": 2,
    "validation.choice": "best",
    "validation.steps": 2,
    "validation.images": 100,
}


@pytest.fixture
def tiny():
    """A function of overrides that gives a configuration of five steps an epoch."""

    def make(**overrides: object) -> Config:
        return load("digits", TINY | {name.replace("__", "."): value for name, value in overrides.items()})

    return make


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A run folder of the tiny configuration, trained to its end; not to be changed."""
    return train(load("digits", TINY), tmp_path_factory.mktemp("runs") / "finished", progress=False)
