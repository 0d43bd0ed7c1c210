"""JSON text to nodes with places: one scanner; what it reads is in `rkblocks.files.nodes`."""

from rkblocks.files.text.scanner import MOST_LEVELS as MOST_LEVELS
from rkblocks.files.text.scanner import child as child
from rkblocks.files.text.scanner import parse as parse
