"""The demo: from the paper's tableau files to attacked networks, a table and figures, in a few minutes on two cores."""

from rkblocks.demo.main import run as run
from rkblocks.demo.settings import PAPER as PAPER
