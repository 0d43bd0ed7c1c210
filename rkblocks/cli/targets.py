"""What the arguments of `check` name: folders stand for the tableau files in them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def expand(arguments: Iterable[str]) -> tuple[str, ...]:
    """Return the arguments with every folder replaced by its *.json files, sorted, sub-folders included.

    Hidden files and folders are left out. A folder without any stays as it is, for the reader to complain about.
    """
    result: list[str] = []
    for argument in arguments:
        inside = _tableaus(Path(argument)) if argument != "-" and os.path.isdir(argument) else []
        result += inside or [argument]
    return tuple(result)


def _tableaus(folder: Path) -> list[str]:
    found = []
    for path in folder.rglob("*.json"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and not path.is_dir():
            found.append(str(path))
    return sorted(found)
