"""The tableaus that ship with the package: a folder of JSON files. A new scheme is a new file, no line of Python.

Its folder controls/ holds what `check` finds unfit, and experiments want as a control: read by name, and not listed.

The catalogue reads the files' text alone: listing the library needs no sympy.  The JSON Schemas ship likewise.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from rkblocks.diagnostics import fail
from rkblocks.escape import shown

CONTROLS = "controls"
_PACKAGE = Path(__file__).resolve().parents[1]
SCHEMAS = {
    "tableau": _PACKAGE / "files" / "tableau-v1.schema.json",
    "preset": _PACKAGE / "presets" / "preset-v1.schema.json",
    "study": _PACKAGE / "study" / "study-v1.schema.json",
}
"""The JSON Schemas of the files that people write, which ship beside what reads them."""


@dataclass(frozen=True)
class Entry:
    """One scheme of the library: `stages` of the table as written, `claims` as the file words them.

    `parameters` are the initial values of a family's, as written.
    """

    name: str
    title: str
    aliases: tuple[str, ...]
    stages: int
    claims: dict[str, str | int]
    path: Path
    parameters: dict[str, str] = field(default_factory=dict)


def folder() -> Path:
    """The folder of the library: within the package where it was installed, beside it in a checkout."""
    installed = _PACKAGE / "tableaus"
    return installed if installed.is_dir() else _PACKAGE.parent / "tableaus"


@cache
def catalog() -> tuple[Entry, ...]:
    """All schemes of the library, sorted by name."""
    entries = (_entry(path) for path in sorted(folder().glob("*.json")))
    return tuple(sorted((e for e in entries if e is not None), key=lambda e: e.name))


def schema(kind: str = "tableau") -> str:
    """The schema of tableaus, recipes ("preset") or studies as JSON text, for editors that complete while one types."""
    return SCHEMAS[kind].read_text(encoding="utf-8")


def find(name: str) -> Entry:
    """The entry of a name or alias; case and spaces do not matter.

    Raises RkblocksError (RK002) with the nearest names where there is none.
    """
    for path in (folder(), folder() / CONTROLS):  # at once, without reading the others
        own = _entry(path / f"{name}.json") if re.fullmatch(r"\w{1,100}", name, re.ASCII) else None
        if own is not None and own.name == name:
            return own
    entries = catalog()
    for e in entries:
        if e.name == name:
            return e
    known = {_folded(alias): e for e in reversed(entries) for alias in e.aliases}
    known |= {_folded(e.name): e for e in entries}
    if _folded(name) not in known:
        from difflib import get_close_matches

        close = dict.fromkeys(known[key].name for key in get_close_matches(_folded(name), known, n=3))
        hint = "`rkblocks list` shows the library; a file name ends in .json"
        message = f"no scheme of the library is called {shown(name)}, and there is no such file"
        fail("RK002", message, help=f"did you mean {', '.join(close)}?" if close else hint, source=name)
    return known[_folded(name)]


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


def _entry(path: Path) -> Entry | None:
    """The entry of a library file; None for a file that is no tableau (`check` says what is wrong with it).

    By Python's own JSON reader, which is ten times as fast as ours: these are files that our tests have read strictly.
    """
    try:
        root = json.loads(path.read_text(encoding="utf-8"), parse_float=str)
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(root, dict):
        return None
    name, title, aliases, claims = (root.get(key) for key in ("name", "title", "aliases", "claims"))
    rows = root.get("alpha") or root.get("A")
    parameters = root.get("parameters")
    return Entry(
        name=name if isinstance(name, str) and name else path.stem,
        title=title if isinstance(title, str) else "",
        aliases=tuple(a for a in aliases if isinstance(a, str)) if isinstance(aliases, list) else (),
        stages=len(rows) if isinstance(rows, list) else 0,
        claims={k: v for k, v in claims.items() if isinstance(v, str | int)} if isinstance(claims, dict) else {},
        path=path,
        parameters={k: str(v.get("init", "")) for k, v in parameters.items() if isinstance(v, dict)}
        if isinstance(parameters, dict)
        else {},
    )
