"""The command line: `rkblocks COMMAND …`, one module per command, each importing what it needs inside itself."""

from rkblocks.startup import collector_at_rest

with collector_at_rest(frozen=True):
    from rkblocks.cli.app import main as main
