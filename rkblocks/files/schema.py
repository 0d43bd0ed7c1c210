"""The JSON Schema of tableau files, which ships beside this module."""

from __future__ import annotations

from pathlib import Path

PATH = Path(__file__).with_name("tableau-v1.schema.json")


def text() -> str:
    """The schema (draft 2020-12) as JSON text, for editors that complete and mark while one types."""
    return PATH.read_text(encoding="utf-8")
