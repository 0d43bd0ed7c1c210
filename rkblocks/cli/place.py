"""Where options name a file or folder to write: an empty name, which would mean ``.``, is refused."""

from __future__ import annotations

import click


def named(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """The value of a path option (a callback); ``--out "$UNSET"`` is a mistake, not the folder one stands in."""
    if value is not None and not value.strip():
        raise click.BadParameter("the name is empty; name a place, or leave the option out", ctx, option)
    return value
