"""How this program was called, for lines that name the next command to type."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def command() -> str:
    """Return what to type for rkblocks from here: "rkblocks" where the shell finds this very one (and within other
    programs), else the path or the `python -m rkblocks` that it was called by.
    """
    called = Path(sys.argv[0])
    if called.name == "__main__.py" and called.parent.name == "rkblocks":
        found = shutil.which("python")
        same = found is not None and os.path.abspath(found) == os.path.abspath(sys.executable)
        return f"{'python' if same else _short(Path(sys.executable))} -m rkblocks"
    if called.name != "rkblocks":
        return "rkblocks"
    found = shutil.which("rkblocks")
    return "rkblocks" if found is not None and os.path.realpath(found) == os.path.realpath(called) else _short(called)


def _short(path: Path) -> str:
    """The path, relative to the current folder where it lies below; never a bare name."""
    full, here = Path(os.path.abspath(path)), Path.cwd()
    if not full.is_relative_to(here):
        return str(full)
    return f"./{full.name}" if full.parent == here else str(full.relative_to(here))
