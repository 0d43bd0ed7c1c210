"""Emitted files, run and compared with the scheme that their header names: `rkblocks verify FILE.py`."""

from rkblocks.blocks.emitted.judge import Verification as Verification
from rkblocks.blocks.emitted.judge import verify_file as verify_file
