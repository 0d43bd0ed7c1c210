"""TOML files of settings: found, parsed, located line by line, and written with the meaning of every key."""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rkblocks.diagnostics import Diagnostic, diagnostic, fail
from rkblocks.settings.reader import plain


def locate(source: str, folder: Path, names: Sequence[str]) -> Path:
    """The file of a preset in `folder`, or the path given: one that exists, ends in .toml or has a separator.

    Raises:
        RkblocksError: RK701 where there is neither.
    """
    if source in names:
        return folder / f"{source}.toml"
    path = Path(source).expanduser()
    if not path.is_file():
        if path.is_dir():
            fail("RK701", f"{source} is a folder, expected a preset or a TOML file", help=_within(path))
        if source.endswith(".toml") or os.sep in source:
            fail("RK701", f"there is no configuration file {source}")
        near = difflib.get_close_matches(source, names, n=1)
        help = f"did you mean {near[0]}?" if near else f"presets: {', '.join(names)}"
        fail("RK701", f"there is no preset {source!r}", help=help)
    return path


def _within(folder: Path) -> str:
    """How to name a file of a folder; that of a run has one."""
    own = folder / "config.toml"
    return f"the settings of this run are {own}" if own.is_file() else "name a file in it"


def parse(path: Path) -> tuple[dict[str, Any], list[Diagnostic]]:
    """The table of a file, and RK702 where it is no TOML (the table is then empty)."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), []
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (None, None)
        message = f"no TOML: {str(error)[: place.start()].strip() if place else error}"
        return {}, [diagnostic("RK702", message, line=line, column=column)]
    except RecursionError:
        return {}, [diagnostic("RK702", "no TOML for settings: its lists are nested too deep")]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        return {}, [diagnostic("RK702", f"cannot be read: {reason}")]


def with_lines(problems: Sequence[Diagnostic], path: Path) -> list[Diagnostic]:
    """The problems with the line of the key that each is about, found by its section and name.

    `path` of a problem is "section.key", with the number of the table, from 0, for a [[section]]: "cell.0.depth". A key
    without a line of its own has that of its section. The column of RK704 is that of the value.
    """
    lines: dict[str, int] = {}
    values: dict[str, int] = {}
    tables: dict[str, int] = {}
    section = ""
    for number, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if head := re.match(r"\s*(\[\[?)\s*([\w.-]+)\s*\]", text):
            section = head[2]
            if head[1] == "[[":
                tables[section] = tables.get(section, -1) + 1
                section = f"{section}.{tables[section]}"
            lines[section] = number
        elif key := re.match(r"\s*([\w.-]+|\"[^\"]*\")\s*=\s*", text):
            name = key[1].strip('"')
            place = f"{section}.{name}" if section else name
            lines.setdefault(place, number)
            values.setdefault(place, key.end() + 1)

    def line(place: str) -> int | None:
        while place and place not in lines:
            place = place.rpartition(".")[0]
        return lines.get(place)

    def column(problem: Diagnostic) -> int:
        return values.get(problem.path, 1) if problem.code == "RK704" else 1

    return [p if p.line else dataclasses.replace(p, line=line(p.path), column=column(p)) for p in problems]


def write(settings: Any) -> str:
    """The text of a TOML file with every section and key, each key with its meaning as a comment."""
    lines = []
    for section in dataclasses.fields(settings):
        part = getattr(settings, section.name)
        lines += ["", f"[{section.name}]"]
        for field in dataclasses.fields(part):
            lines += [f"# {field.metadata['meaning']}", f"{field.name} = {literal(plain(getattr(part, field.name)))}"]
    return "\n".join(lines[1:]) + "\n"


def literal(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, list):
        return f"[{', '.join(literal(entry) for entry in value)}]"
    if isinstance(value, str):  # a TOML basic string is a JSON string, but for the delete character
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)
