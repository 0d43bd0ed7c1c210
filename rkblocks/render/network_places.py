"""The names that people read for places in a network: "groups.0.1 stage 2" is stage 2 of block 2 of group 1."""

from __future__ import annotations

import re

PLACE = re.compile(r"groups\.(\d+)\.(\d+)(?: stage (\d+))?|group(\d+)")


def long(place: str) -> str:
    """Return "group 1, block 2" (and "stage 2") for a place of the grouped networks, counted from 1; others as is."""
    return _named(place, "group ", "block ", "stage ", ", ")


def short(place: str) -> str:
    """Return the same as the tick of an axis has room for it: "g1 b2"."""
    return _named(place, "g", "b", "s", " ")


def group(place: str) -> str:
    """Return what the blocks of one group have in common: the name of the module that holds them."""
    return place.partition(" ")[0].rpartition(".")[0]


def _named(place: str, group: str, block: str, stage: str, between: str) -> str:
    found = PLACE.fullmatch(place)
    if found is None:
        return place
    if found[4]:
        return group + found[4]
    words = [f"{group}{int(found[1]) + 1}", f"{block}{int(found[2]) + 1}"]
    return between.join([*words, stage + found[3]] if found[3] else words)
