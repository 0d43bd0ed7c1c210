"""The tableaus that ship with the package: a folder of JSON files. A new scheme is a new file, no line of Python.

The catalogue reads the files' text alone: listing the library needs no sympy.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from rkblocks.diagnostics import fail
from rkblocks.files.decode import decode
from rkblocks.files.json_text import parse
from rkblocks.files.nodes import Array, Number, Object, Text, shown
from rkblocks.files.problems import Problems


@dataclass(frozen=True)
class Entry:
    """One scheme of the library: `stages` of the table as written, `claims` as the file words them."""

    name: str
    title: str
    aliases: tuple[str, ...]
    stages: int
    claims: dict[str, str | int]
    path: Path


def folder() -> Path:
    """The folder of the library: within the package where it was installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "tableaus"
    return installed if installed.is_dir() else package.parent / "tableaus"


@cache
def catalog() -> tuple[Entry, ...]:
    """All schemes of the library, sorted by name."""
    entries = (_entry(path) for path in sorted(folder().glob("*.json")))
    return tuple(sorted((e for e in entries if e is not None), key=lambda e: e.name))


def find(name: str) -> Entry:
    """The entry of a name or alias; case and spaces do not matter.

    Raises RkblocksError (RK002) with the nearest names where there is none.
    """
    entries = catalog()
    for e in entries:
        if e.name == name:
            return e
    known = {_folded(alias): e for e in reversed(entries) for alias in e.aliases}
    known |= {_folded(e.name): e for e in entries}
    if _folded(name) not in known:
        close = dict.fromkeys(known[key].name for key in get_close_matches(_folded(name), known, n=3))
        hint = "`rkblocks list` shows the library; a file name ends in .json"
        message = f"no scheme of the library is called {shown(name)}, and there is no such file"
        fail("RK002", message, help=f"did you mean {', '.join(close)}?" if close else hint, source=name)
    return known[_folded(name)]


def _folded(name: str) -> str:
    return "".join(name.split()).casefold()


def _entry(path: Path) -> Entry | None:
    """The entry of a library file; None for a file that is no tableau (`check` says what is wrong with it)."""
    problems = Problems()
    text = decode(path.read_bytes(), problems)
    root = parse(text, problems) if text is not None else None
    if not isinstance(root, Object):
        return None
    aliases, rows = root.get("aliases"), root.get("alpha") or root.get("A")
    claims = root.get("claims")
    return Entry(
        name=_text(root, "name") or path.stem,
        title=_text(root, "title"),
        aliases=tuple(a.value for a in aliases.items if isinstance(a, Text)) if isinstance(aliases, Array) else (),
        stages=len(rows.items) if isinstance(rows, Array) else 0,
        claims={m.key.value: _claim(m.value) for m in claims.members} if isinstance(claims, Object) else {},
        path=path,
    )


def _text(root: Object, key: str) -> str:
    node = root.get(key)
    return node.value if isinstance(node, Text) else ""


def _claim(node: object) -> str | int:
    if isinstance(node, Number):
        return int(node.text) if node.text.isdigit() and len(node.text) < 4 else node.text
    return node.value if isinstance(node, Text) else ""
