"""The signs in which Markdown and LaTeX differ."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rkblocks import escape


@dataclass(frozen=True)
class Markup:
    """plus_minus and single as written; escape: makes any text fit for the format."""

    plus_minus: str
    single: str
    escape: Callable[[str], str]
    math: bool

    def text(self, text: str) -> str:
        """Return any text with the characters escaped that the format would read; the marks themselves stay."""
        parts = re.split(f"({re.escape(self.plus_minus)}|{re.escape(self.single)})", text)
        return "".join(part if i % 2 else self.escape(part) for i, part in enumerate(parts))

    def signed(self, number: float) -> str:
        """Return a difference, with four digits and its sign."""
        return self.formula(f"{number:+.4f}")

    def formula(self, text: str) -> str:
        """Return a text with signs of mathematics in it."""
        return f"${text}$" if self.math else text


PLAIN = Markup("±", "†", escape.line, math=False)
MARKDOWN = Markup("±", "†", escape.markdown, math=False)
LATEX = Markup(r"$\pm$", r"$\dagger$", escape.latex, math=True)
