"""Keys of settings as a study file writes them: nested by TOML's dots, some for short, each checked where it stands;
and errors of schemes, presets and threat models, put at the place of the file that asks for them.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rkblocks.diagnostics import Diagnostic, RkblocksError, diagnostic
from rkblocks.runs.config import Config
from rkblocks.settings import reader

#: As on the command line of `train`.
SHORT: Final = {"blocks": "net.blocks", "depth": "net.depth", "data": "data.name"}
SEED: Final = "training.seed"
MOST_BLOCKS: Final = 10_000  # of a group; and calls of F in one
#: Column headings that the field has letters for.
LETTERS: Final = {"net.depth": "N", "attack.steps": "K", "net.blocks": "blocks"}


def flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ("net.depth", value) for every leaf of a nested table, short names written out."""
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{name}.")
        else:
            yield SHORT.get(name, name), value


def checked(key: str, value: Any, place: str, problems: list[Diagnostic]) -> Any:
    """Return the value of a setting as its type: 6, ("ark", "euler"), Fraction(8, 255).

    Problems appended (RK703, RK704, RK851 for the seed) name the key as the file has it: `place`, such as "grid.",
    before it.
    """
    own: list[Diagnostic] = []
    if key == SEED:
        message = f"{place}{SEED} would be overwritten: a network is trained for each seed of grid.seeds"
        problems.append(diagnostic("RK851", message, path=f"{place}{SEED}", help="seeds belong in grid.seeds"))
        return None
    table = reader.overriding(Config, {key: value}, own)
    if own:
        problems += [dataclasses.replace(one, path=f"{place}{written(key)}") for one in own]
        return None
    section, _, name = key.partition(".")
    found = getattr(getattr(reader.read(Config, table, []), section), name)
    if key == "net.depth" and found > MOST_BLOCKS:
        path = f"{place}{written(key)}"
        problems.append(diagnostic("RK704", f"{path} is {found}, expected at most {MOST_BLOCKS}", path=path))
    return found


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
            placed_here = dataclasses.replace(found, message=f"{prefix}{found.message}", path=path, help=help)
            if placed_here not in problems and found.severity == "error":
                problems.append(placed_here)


def written(key: str) -> str:
    """Return the key as a study file may write it for short."""
    return next((short for short, long in SHORT.items() if long == key), key)


def shown(value: Any) -> str:
    """Return a value as a table shows it: schemes by their names, lists joined by commas."""
    if isinstance(value, tuple | list):
        return ",".join(shown(entry) for entry in value)
    plain = reader.plain(value)
    if isinstance(plain, bool):
        return str(plain).lower()
    return Path(plain).stem if isinstance(plain, str) and plain.endswith(".json") else str(plain)


def heading(key: str) -> str:
    """Return the column heading of a key: N, K, or its last part."""
    return LETTERS.get(key, key.rpartition(".")[2])


def word(key: str, value: Any) -> str:
    """Return the part of a cell's name for one setting, safe in file names: "depth10"; for blocks "ark+euler+ssp2"."""
    text = shown(value)
    if key == "net.blocks":
        return _safe(text.replace(",", "+"))
    return _safe(key.rpartition(".")[2] + text.replace(",", "-"))


def misnamed(name: object, path: str) -> Diagnostic:
    """Return RK704 for a name that is none of a folder, with the character at fault and a name that is one."""
    help = ""
    if isinstance(name, str) and name:
        wrong = next((character for character in name if _safe(character) != character), name[0])
        fit = _safe(name).lstrip(".") or "mine"
        help = f"{wrong!r} cannot be in it{' at the start' * (wrong == '.')}: {fit}"
    return diagnostic("RK704", f"{path} is {name!r}, expected letters, digits and any of _ . + -", path=path, help=help)


def _safe(text: str) -> str:
    return re.sub(r"[^\w.+-]", "_", text)
