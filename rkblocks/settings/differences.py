"""The settings of several runs beside one another: which of them differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of nested tables with dotted keys, in their order."""
    for key, found in table.items():
        if isinstance(found, Mapping):
            yield from flat(found, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", found if isinstance(found, (str, int, float, list)) else str(found)


def differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the keys of flat settings whose values are not all the same, in order; where one is absent it differs."""
    names = dict.fromkeys(name for one in settings for name in one)
    return [name for name in names if len({json.dumps(one.get(name)) for one in settings}) > 1]
