"""Networks of Runge-Kutta blocks: the grouped network for colour images and the one-group network for MNIST."""

from rkblocks.nets.grouped import GroupedNet as GroupedNet
from rkblocks.nets.grouped import grouped as grouped
from rkblocks.nets.mnist import mnist as mnist
from rkblocks.nets.residual import PreActivation as PreActivation
from rkblocks.nets.residual import Transition as Transition

__all__ = ["GroupedNet", "PreActivation", "Transition", "grouped", "mnist"]
