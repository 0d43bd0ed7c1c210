"""Entries of a declared Shu-Osher form by their place in the file."""

from __future__ import annotations

from rkblocks.exact.field import Element
from rkblocks.forms import ShuOsher
from rkblocks.verify.declared import Entry


def entry_at(form: ShuOsher, place: Entry) -> Element:
    """The entry itself."""
    name, i, k = place
    return (form.alpha if name == "alpha" else form.beta)[i][k]


def pointer(place: Entry) -> str:
    """Its JSON pointer."""
    name, i, k = place
    return f"/{name}/{i}/{k}"
