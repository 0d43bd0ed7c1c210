"""Networks whose analysis is known: steps of a scheme around linear maps, on flat images."""

import pytest
import torch
from torch import nn

import rkblocks
from rkblocks.analysis import Sample
from rkblocks.attacks import Threat
from rkblocks.evaluation import of_model


class Steps(nn.Module):
    """Blocks on the pixels of an image as a vector, and a fixed head to as many logits as it has pixels."""

    def __init__(self, *blocks):
        super().__init__()
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x):
        return self.blocks(x.flatten(1))


def linear(matrix):
    """F(x) = A x for rows x."""
    layer = nn.Linear(len(matrix), len(matrix), bias=False)
    with torch.no_grad():
        layer.weight.copy_(matrix)
    return layer


@pytest.fixture
def steps():
    """Return a function: schemes and matrices -> the network that takes these steps."""
    return lambda *pairs, **options: Steps(*(rkblocks.build(s, linear(a), **options) for s, a in pairs)).double()


@pytest.fixture
def sample_of():
    """Return a function: network, number of images, pixels in a row -> a sample of random images."""

    def make(model, n=12, size=4, batch=5, images=None):
        drawn = torch.rand(n, 1, 1, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 0.6 + 0.2
        images = drawn if images is None else images
        labels = torch.arange(len(images)) % 2
        subject = of_model(model, images, labels, blocks="x", dataset="digits")
        return Sample(subject, Threat(eps="0.1", steps=3, step="0.05"), batch=batch)

    return make
