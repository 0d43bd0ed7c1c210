"""The passes, in their order, that turn a program as lowered into the one that runs; each keeps the method."""

from __future__ import annotations

from collections.abc import Callable

from rkblocks.program.ir import Program
from rkblocks.program.passes.descent import accumulate, factor_weights, place, share_sums
from rkblocks.program.passes.simplification import drop_zeros, expand_single_use, merge_equal, name_values

Pass = Callable[[Program], Program]

PASSES: tuple[Pass, ...] = (
    drop_zeros,
    merge_equal,
    expand_single_use,
    share_sums,
    accumulate,
    factor_weights,
    place,
    name_values,
)
