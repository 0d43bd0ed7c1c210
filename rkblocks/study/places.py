"""Errors of schemes, presets and threat models, put at the place of the study file that asks for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from rkblocks.diagnostics import Diagnostic, RkblocksError


@contextmanager
def placed(place: str, problems: list[Diagnostic], own: str = "") -> Iterator[None]:
    """Append the errors raised within to the problems, with this place, once each.

    own: prefix of the places that the errors have themselves, "set." for settings. An error that has a line in another
    file, a scheme or a recipe, is raised as it is.
    """
    try:
        yield
    except RkblocksError as error:
        if any(found.line is not None for found in error.diagnostics):
            raise
        for found in error.diagnostics:
            prefix = f"{error.source}: " if error.source and error.source not in found.message else ""
            path = f"{own}{found.path}" if own and found.path else place
            help = re.sub(r"--(?=[a-z])", "", found.help)  # a file has keys of these names, and no command line
            placed_here = replace(found, message=f"{prefix}{found.message}", path=path, help=help)
            if placed_here not in problems and found.severity == "error":
                problems.append(placed_here)
