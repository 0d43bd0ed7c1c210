"""scikit-learn's digits: 1,797 scanned handwritten digits of 8x8 pixels, inside the library, no download."""

from __future__ import annotations

from pathlib import Path

import torch

from rkblocks.data.split import Raw, Split, hold_out
from rkblocks.extras import require

TEST_SHARE = 0.2
SPLIT_SEED = 1998  # the year of the data set; the test split is the same for every run, whatever its seed


def read(_: Path) -> Raw:
    """The data set with a fixed, stratified test split of one fifth. Grey levels 0..16 are scaled to 0..255.

    Reference: Alpaydin & Kaynak 1998, UCI Optical Recognition of Handwritten Digits.
    """
    found = require("sklearn.datasets", "digits", "the digits data set").load_digits()
    images = torch.from_numpy(found.images).mul(255 / 16).round().to(torch.uint8)[:, None]
    everything = Split(images, torch.from_numpy(found.target).long())
    kept, held = hold_out(everything.labels, TEST_SHARE, torch.Generator().manual_seed(SPLIT_SEED))
    return Raw(everything.take(kept), everything.take(held), tuple("0123456789"), (0.0,), (1.0,))
