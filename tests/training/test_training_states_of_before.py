"""States saved when learned coefficients had no dimension: a run goes on from them to the same bits."""

import torch
from torch import nn

from rkblocks import blocks
from rkblocks.training.checkpoint import _shaped


def test_optimizer_and_average_without_a_dimension() -> None:
    """The state of an optimizer and an average, made flat as they were saved before, and shaped again."""
    net = nn.Sequential(blocks.build("ark", nn.Linear(3, 3)))
    for make in (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), torch.optim.AdamW):
        optimizer = make(net.parameters())
        net(torch.ones(2, 3)).sum().backward()
        optimizer.step()
        raw = net[0].raw["beta10"]
        expected = {key: value.clone() for key, value in optimizer.state[raw].items()}
        for key, value in optimizer.state[raw].items():
            optimizer.state[raw][key] = value.reshape(())
        carried = {"average.0.raw.beta10": torch.tensor(0.5), "average.count": torch.tensor(3)}
        _shaped(optimizer, carried)
        assert {key: value.shape for key, value in carried.items()} == {
            "average.0.raw.beta10": (1,),
            "average.count": (),
        }
        assert {key: value.shape for key, value in optimizer.state[raw].items()} == {
            key: value.shape for key, value in expected.items()
        }
        optimizer.step()
