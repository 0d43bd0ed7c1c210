"""Blocks: a scheme's program around a residual, as torch modules."""

from rkblocks.blocks.block import RKBlock as RKBlock
from rkblocks.blocks.block import build as build
from rkblocks.blocks.coefficients import coefficient_parameters as coefficient_parameters
from rkblocks.blocks.coefficients import parameter_groups as parameter_groups
from rkblocks.blocks.norm_statistics import STATISTICS as STATISTICS
from rkblocks.blocks.norm_statistics import StageBatchNorm as StageBatchNorm
from rkblocks.blocks.recompute import MEMORY as MEMORY
from rkblocks.blocks.retrofit import retrofit as retrofit
from rkblocks.blocks.survey import Candidate as Candidate
from rkblocks.blocks.survey import survey as survey

__all__ = [
    "MEMORY",
    "STATISTICS",
    "Candidate",
    "RKBlock",
    "StageBatchNorm",
    "build",
    "coefficient_parameters",
    "parameter_groups",
    "retrofit",
    "survey",
]
