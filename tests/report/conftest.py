"""One small network of blocks, analysed once, as `analyze --format json` has it."""

import pytest
import torch

import rkblocks
from rkblocks.analysis import analyze_network
from rkblocks.attacks import Threat
from rkblocks.evaluation import of_model


@pytest.fixture(scope="session")
def analysed():
    """A grouped network with random weights on eight random images of three colours; growth, verdicts, all tables."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    net = rkblocks.nets.grouped("ark,ssp2", 1, widths=(4, 8), channels=3, classes=4, generator=generator)
    images = torch.rand(8, 3, 8, 8, generator=generator)
    subject = of_model(net, images, torch.arange(8) % 4, name="runs/a<b>&c", blocks="ark,ssp2", dataset="digits")
    found = analyze_network(subject, Threat(eps="8/255", steps=2, step="4/255"), batch=4)
    return found.to_dict()
