"""The JSON Schemas of the files that people write, which ship beside what reads them."""

from __future__ import annotations

from pathlib import Path

PATH = Path(__file__).with_name("tableau-v1.schema.json")
_PACKAGE = Path(__file__).resolve().parents[1]
PATHS = {
    "tableau": PATH,
    "preset": _PACKAGE / "presets" / "preset-v1.schema.json",
    "study": _PACKAGE / "study" / "study-v1.schema.json",
}


def text(kind: str = "tableau") -> str:
    """The schema of tableaus, recipes ("preset") or studies as JSON text, for editors that complete while one types."""
    return PATHS[kind].read_text(encoding="utf-8")
