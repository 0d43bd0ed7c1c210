"""The command line: `rkblocks COMMAND …`, one module per command, each importing what it needs inside itself."""

from rkblocks.cli.app import main as main
