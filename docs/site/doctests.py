"""A griffe extension: the examples in docstrings, `>>> …` wherever they stand, are blocks of code on the page."""

from __future__ import annotations

import re
from typing import Any

import griffe

_SESSION = re.compile(r"^( *)>>> .*(?:\n\1\S.*|\n\1 +\S.*)*", re.MULTILINE)


class Doctests(griffe.Extension):
    """Puts a fence around each example."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object, before anything parses it."""
        if obj.docstring is not None and ">>> " in obj.docstring.value:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """Return a docstring with its sessions in fences of their indentation; what is indented as code already stays."""

    def fence(match: re.Match[str]) -> str:
        indent = match[1]
        above = [line for line in text[: match.start()].splitlines() if line.strip()]
        heading = next((line for line in reversed(above) if not line.startswith(indent) or not indent), "")
        if indent and heading.strip() != "Example:":
            return match[0]
        return f"{indent}```pycon\n{match[0]}\n{indent}```"

    return _SESSION.sub(fence, text)
