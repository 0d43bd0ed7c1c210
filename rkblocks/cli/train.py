"""`rkblocks train`: a network whose blocks are a scheme."""

from __future__ import annotations

import click


@click.command("train", short_help="Train a network whose blocks are a scheme.")
def command() -> int:
    """Train."""
    raise NotImplementedError
