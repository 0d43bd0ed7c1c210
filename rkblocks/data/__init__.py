"""Data sets as uint8 tensors on the device, with a validation split held out of training."""

from rkblocks.data.augment import augment as augment
from rkblocks.data.registry import load as load
from rkblocks.data.registry import names as names
from rkblocks.data.split import Dataset as Dataset
from rkblocks.data.split import Split as Split

__all__ = ["Dataset", "Split", "augment", "load", "names"]
