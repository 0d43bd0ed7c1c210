"""Tableau files: JSON text to exact values and back. Names that need sympy are resolved on first access."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rkblocks.files.library import Entry as Entry
from rkblocks.files.library import catalog as catalog
from rkblocks.files.sources import expand as expand
from rkblocks.files.sources import resolve as resolve

if TYPE_CHECKING:
    from rkblocks.files.from_python import save as save
    from rkblocks.files.from_python import tableau as tableau
    from rkblocks.files.from_python import to_json as to_json
    from rkblocks.files.reader import Reading as Reading
    from rkblocks.files.reader import load as load
    from rkblocks.files.reader import read as read
    from rkblocks.files.reader import read_bytes as read_bytes
    from rkblocks.files.reader import read_text as read_text

__all__ = [
    "Entry",
    "Reading",
    "catalog",
    "expand",
    "load",
    "read",
    "read_bytes",
    "read_text",
    "resolve",
    "save",
    "tableau",
    "to_json",
]

_LATER = {
    **dict.fromkeys(("Reading", "load", "read", "read_bytes", "read_text"), "rkblocks.files.reader"),
    **dict.fromkeys(("save", "tableau", "to_json"), "rkblocks.files.from_python"),
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
