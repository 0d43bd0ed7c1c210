"""Entries of a tableau by their place in the file: all indices count from 0, as in its JSON."""

from __future__ import annotations

from rkblocks.exact.field import Element
from rkblocks.forms import ShuOsher
from rkblocks.verify.declared import Entry

Place = tuple[str | int, ...]
"""The key of an array and the indices of an entry or of a row in it, from 0: ("alpha", 2, 1)."""


def entry_at(form: ShuOsher, place: Entry) -> Element:
    """The entry itself."""
    name, i, k = place
    return (form.alpha if name == "alpha" else form.beta)[i][k]


def pointer(place: Place) -> str:
    """Its JSON pointer: "/alpha/2/1"."""
    return "".join(f"/{part}" for part in place)


def shown(place: Place) -> str:
    """The same for people: "alpha[2][1]"."""
    name, *indices = place
    return f"{name}{''.join(f'[{i}]' for i in indices)}"
