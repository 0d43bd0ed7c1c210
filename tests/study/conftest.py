"""One small study on digits, run once for all tests that only look at it: two schemes, two seeds, one epoch."""

import shutil
from pathlib import Path

import pytest
import torch

from rkblocks import study

TINY = """\
name = "tiny"
title = "two schemes"
preset = "digits"

[set]
training.epochs = 1
training.device = "cpu"
net.widths = [4, 8]
attack.steps = 1
validation.images = 40
data.validation = 0.05

[grid]
blocks = ["euler", "ssp2"]
seeds = [0, 1]

[evaluation]
limit = 60
probe = 10

[[evaluation.attacks]]
attack = "pgd"
steps = 2
eps = "1/10"
step = "1/20"

[paper]
source = "nobody"
columns = ["clean"]

[paper.rows]
euler = [0.5]
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The file of the study."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the study, finished; tests that change it copy it first."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("study")
    (folder / "tiny.toml").write_text(TINY)
    content = study.run(folder / "tiny.toml", folder / "out", workers=0, say=lambda line: None)
    assert content["failed"] == {}
    return folder / "out"


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))
