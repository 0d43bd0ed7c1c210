"""A name has one meaning: modules that share their base name are those that docs/design.md lists, with the reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rkblocks"
SECTION = "## One name, one meaning"


def shared(package: Path) -> dict[str, list[str]]:
    """Base names of modules and packages in several rooms, commands aside: `cli/NAME.py` bears a command's."""
    found: dict[str, list[str]] = {}
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        if (
            inside.parts[0] == "cli"
            or path.stem == "__main__"
            or (inside.name == "__init__.py" and len(inside.parts) == 1)
        ):
            continue
        name, room = (inside.parent.name, inside.parent) if path.stem == "__init__" else (path.stem, inside)
        found.setdefault(name, []).append(room.as_posix())
    return {name: rooms for name, rooms in found.items() if len(rooms) > 1}


def listed(page: str) -> set[str]:
    """The names in the first column of the table of the section."""
    section = page.partition(SECTION)[2].partition("\n## ")[0]
    return {name for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}


def difference(found: Mapping[str, list[str]], names: set[str]) -> dict[str, list[str]]:
    """What the package shares and the page does not say, and what the page says and the package does not share."""
    return {n: rooms for n, rooms in found.items() if n not in names} | {n: [] for n in names - found.keys()}


def test_modules_of_one_name_are_those_that_the_page_lists() -> None:
    assert difference(shared(PACKAGE), listed((ROOT / "docs" / "design.md").read_text(encoding="utf-8"))) == {}


def test_a_name_too_many_and_one_too_few_are_found_out(tmp_path: Path) -> None:
    for name in ("one/search.py", "two/search.py", "two/__init__.py", "cli/two.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    page = (
        f"{SECTION}\n\n| name | why |\n|---|---|\n| `gone`, `past` | no more |\n\n## Next\n\n| `search` | elsewhere |\n"
    )
    expected = {"search": ["one/search.py", "two/search.py"], "gone": [], "past": []}
    assert difference(shared(tmp_path), listed(page)) == expected
