"""For all tests of evaluation: an honest model, trained against PGD on digits for a few seconds, and a run folder."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from rkblocks import attacks, training
from rkblocks.attacks import Threat
from rkblocks.evaluation import of_model

SMALL = {
    "net.blocks": "ark",
    "net.widths": [4, 8],
    "training.epochs": 1,
    "training.device": "cpu",
    "attack.steps": 1,
    "data.validation": 0.05,
}


@pytest.fixture(scope="session")
def digits():
    """Images uint8 [1797, 1, 8, 8] and labels; the last 400 are never trained on."""
    images, labels = load_digits(return_X_y=True)
    return torch.tensor(images / 16 * 255).round().byte().reshape(-1, 1, 8, 8), torch.tensor(labels)


@pytest.fixture(scope="session")
def honest(digits):
    """A network whose robust accuracy at linf 0.1 lies well between chance and its clean accuracy."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images, labels = digits[0][:-400].float() / 255, digits[1][:-400]
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 10)
    )
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    generator = torch.Generator().manual_seed(0)
    threat = Threat("linf", "0.1", steps=4, step="0.04")
    for epoch in range(7):
        for rows in torch.randperm(len(images), generator=generator).split(64):
            x = attacks.pgd(model, images[rows], labels[rows], threat, generator) if epoch else images[rows]
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), labels[rows]).backward()
            optimizer.step()
    return model.eval()


@pytest.fixture
def subject_of(digits):
    """Return a function: model -> subject on the 400 held-out images (or the first `n` of them)."""
    return lambda model, n=400: of_model(model, digits[0][-400:][:n], digits[1][-400:][:n], dataset="digits")


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A run folder: a small network of blocks, trained for an epoch on digits."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("runs") / "ark"
    return training.train(training.load("digits", SMALL), folder, progress=False)
