"""How this program was called, for lines that name the next command to type."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

Value = str | os.PathLike[str] | int | bool | None


def line(name: str, *arguments: Value, **options: Value) -> str:
    """Return the whole line to type, quoted for a shell: `rkblocks NAME ARGUMENT... --OPTION VALUE...`.

    An option that is None or False is left out, one that is True is a flag; data_root is written --data-root.
    """
    words = [name, *map(str, arguments)]
    for option, value in options.items():
        if value is not None and value is not False:
            words += [f"--{option.replace('_', '-')}", *([] if value is True else [str(value)])]
    return f"{command()} {shlex.join(words)}"


def command() -> str:
    """Return what to type for rkblocks from here: "rkblocks" where the shell finds this very one (and within other
    programs), else the path or the `python -m rkblocks` that it was called by, quoted for a shell.
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
        return shlex.quote(str(full))
    return shlex.quote(f"./{full.name}" if full.parent == here else str(full.relative_to(here)))
