"""The arguments of `study.run`: each of the type and in the range that it must have."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from rkblocks.diagnostics import unfit_argument

REQUIRED: Final = ("source", "dry_run", "report_only", "say")
PATHS: Final = ("source", "out", "data_root")
LEAST: Final = {"workers": 0, "threads": 1}


def check(given: Mapping[str, Any]) -> None:
    """Raise RkblocksError RK822 for the first argument that is none. All but source may be None, or left out."""
    for name, value in given.items():
        if value is None and name not in REQUIRED:
            continue
        expected = _expected(name, value)
        if expected:
            unfit_argument(name, value, expected, "see docs/studies.md, section Running it")


def _expected(name: str, value: Any) -> str:
    """What the argument should be; "" where it is."""
    if name in PATHS:
        return "" if isinstance(value, str | os.PathLike) and os.fspath(value) else "a path"
    if name in LEAST:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return "" if whole and value >= LEAST[name] else f"a whole number, at least {LEAST[name]}"
    if name in ("dry_run", "report_only"):
        return "" if isinstance(value, bool) else "true or false"
    if name in ("say", "progress"):
        return "" if isinstance(value, Callable) else "a function"  # type: ignore[arg-type]
    return "" if isinstance(value, str) and value else "a text"
