"""The signs in which Markdown and LaTeX differ."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Marks:
    """plus_minus and single as written; special: characters that are escaped in a text, by a backslash; may be none."""

    plus_minus: str
    single: str
    special: str
    math: bool

    def text(self, text: str) -> str:
        """Return any text with the characters escaped that the format would read; the marks themselves stay."""
        if not self.special:
            return text
        parts = re.split(f"({re.escape(self.plus_minus)}|{re.escape(self.single)})", text)
        escape = f"([{re.escape(self.special)}])"
        return "".join(part if i % 2 else re.sub(escape, r"\\\1", part) for i, part in enumerate(parts))

    def signed(self, number: float) -> str:
        """Return a difference, with four digits and its sign."""
        return self.formula(f"{number:+.4f}")

    def formula(self, text: str) -> str:
        """Return a text with signs of mathematics in it."""
        return f"${text}$" if self.math else text


PLAIN = Marks("±", "†", "", math=False)
MARKDOWN = Marks("±", "†", "\\`*_[]<>|", math=False)
LATEX = Marks(r"$\pm$", r"$\dagger$", "&%$#_{}", math=True)
