"""Analyses of trained networks: theory beside measurement, block by block."""

from rkblocks.analysis.analyze import ANALYSES as ANALYSES
from rkblocks.analysis.analyze import IMAGES as IMAGES
from rkblocks.analysis.analyze import NetworkAnalysis as NetworkAnalysis
from rkblocks.analysis.analyze import analyze as analyze
from rkblocks.analysis.analyze import analyze_network as analyze_network
from rkblocks.analysis.analyze import chosen as chosen
from rkblocks.analysis.sample import Sample as Sample

__all__ = ["ANALYSES", "IMAGES", "NetworkAnalysis", "Sample", "analyze", "analyze_network", "chosen"]
