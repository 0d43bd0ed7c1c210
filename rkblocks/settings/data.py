"""The data sets by name: who reads each, and the budgets that tables in print attack it with. No torch.

To add one: a function from the folder of the data sets to uint8 images (`rkblocks.data.split.Raw`), in a module of
rkblocks.data, and an entry below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class DataSet:
    """A data set. reader: "module:function" of rkblocks.data. budget: eps and step in linf. certified: radii in l2 of
    tables in print. paper_steps: steps of the PGD columns in the paper. The defaults are those of an image folder,
    which is treated like CIFAR-10.
    """

    reader: str
    budget: tuple[str, str] = ("8/255", "2/255")
    certified: str = "1/4,1/2,1"
    paper_steps: tuple[int, ...] = (7, 12, 20)  # Table 2


DATA_SETS: Final = {
    "digits": DataSet("digits:read", ("1/10", "1/40")),
    # Section 4.2 of the paper, Table 1; its text gives no step, the published code documents 0.05 for training.
    "mnist": DataSet("vision:mnist", ("3/10", "1/20"), "1/2,1,1.58", (20, 30)),
    "fashion": DataSet("vision:fashion", ("1/10", "1/40"), "1/2,1,1.58"),
    "cifar10": DataSet("vision:cifar10", certified="36/255,72/255,108/255"),  # section 4.3
    "tiny-imagenet": DataSet("tiny_imagenet:read"),
}
FOLDER: Final = DataSet("folder:read")


def data_set(name: str) -> DataSet:
    """Return the data set of this name, else what holds for a folder of images."""
    return DATA_SETS.get(name, FOLDER)
