"""Training: a configuration in, a run folder out."""

from rkblocks.runs.config import Config as Config
from rkblocks.runs.config import load as load
from rkblocks.runs.config import presets as presets
from rkblocks.runs.network import OpenRun as OpenRun
from rkblocks.runs.network import open_run as open_run
from rkblocks.training.loop import resume as resume
from rkblocks.training.loop import train as train

__all__ = ["Config", "OpenRun", "load", "open_run", "presets", "resume", "train"]
