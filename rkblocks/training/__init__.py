"""Training: a configuration in, a run folder out."""

from rkblocks.training.config import Config as Config
from rkblocks.training.config import load as load
from rkblocks.training.config import presets as presets
from rkblocks.training.loop import resume as resume
from rkblocks.training.loop import train as train
from rkblocks.training.runs import OpenRun as OpenRun
from rkblocks.training.runs import open_run as open_run

__all__ = ["Config", "OpenRun", "load", "open_run", "presets", "resume", "train"]
