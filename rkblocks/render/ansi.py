"""Colour, or the lack of it: the only place that writes an escape sequence."""

from __future__ import annotations

from dataclasses import dataclass

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


@dataclass(frozen=True)
class Style:
    """How to mark words: with terminal colours, or (the default) not at all."""

    colour: bool = False

    def __call__(self, text: str, *marks: str) -> str:
        """Return `text` with the given marks ("bold", "dim", "red", …), unchanged without colour."""
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_CODES[mark] for mark in marks)}m{text}\x1b[0m"

    def severity(self, text: str, severity: str) -> str:
        """Return `text` in the colour of a diagnostic's severity."""
        return self(text, "bold", {"error": "red", "warning": "yellow"}.get(severity, "blue"))


PLAIN = Style()
