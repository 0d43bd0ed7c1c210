"""Studies: a grid of networks as one file, trained and attacked on one machine or many, and one table out of it."""

from rkblocks.study.folder import outcomes as outcomes
from rkblocks.study.folder import pack as pack
from rkblocks.study.main import run as run
from rkblocks.study.spec import Study as Study
from rkblocks.study.spec import load as load

__all__ = ["Study", "load", "outcomes", "pack", "run"]
