"""Networks of Runge-Kutta blocks: grouped ones, the one-group network for MNIST, and bounded ones with a guarantee.

`pretrained(name)` gives a trained one: a run, which is a later stage than this and is found when it is called.
"""

from importlib import import_module

import torch
from torch import nn

from rkblocks.nets.bounded import bounded as bounded
from rkblocks.nets.grouped import GroupedNet as GroupedNet
from rkblocks.nets.grouped import grouped as grouped
from rkblocks.nets.mnist import mnist as mnist
from rkblocks.nets.normalize import Normalize as Normalize
from rkblocks.nets.potentials import ConvexPotential as ConvexPotential
from rkblocks.nets.potentials import Relaxation as Relaxation
from rkblocks.nets.residual import PreActivation as PreActivation
from rkblocks.nets.residual import Transition as Transition

__all__ = [
    "ConvexPotential",
    "GroupedNet",
    "Normalize",
    "PreActivation",
    "Relaxation",
    "Transition",
    "bounded",
    "grouped",
    "mnist",
    "pretrained",
]


def pretrained(name: str, device: str | torch.device = "cpu") -> nn.Module:
    """Return a trained network in eval mode, which takes images in [0, 1]: "digits-ssp3" takes [n, 1, 8, 8].

    Args:
        name: one of `rkblocks.runs.pretrained.names()`; docs/model-card.md says how each was trained.
        device: where the network is put.

    Raises:
        RkblocksError: RK390 where there is no such network, RK713 where its weights are not those that were published.

    Example:
        >>> import rkblocks, torch
        >>> rkblocks.nets.pretrained("digits-ssp3")(torch.zeros(2, 1, 8, 8)).shape
        torch.Size([2, 10])
    """
    network: nn.Module = import_module("rkblocks.runs.pretrained").pretrained(name, device)
    return network
