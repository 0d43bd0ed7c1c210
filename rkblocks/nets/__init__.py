"""Networks of Runge-Kutta blocks: grouped ones, the one-group network for MNIST, and bounded ones with a guarantee.

`pretrained(name)` gives a trained one. A trained network is a run, a later stage than this: it is found on first use.
"""

from importlib import import_module
from typing import Any

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
]


def __getattr__(name: str) -> Any:
    if name != "pretrained":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("rkblocks.runs.pretrained").pretrained
