"""From the grid of a study file to its cells: products of the axes, further cells, exclusions, depths for calls."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from rkblocks import files, program
from rkblocks.diagnostics import Diagnostic, diagnostic
from rkblocks.settings import reader
from rkblocks.settings.reader import between
from rkblocks.study.keys import MOST_BLOCKS, checked, flat, misnamed, placed, shown, word, written

CALLS = "calls"
BLOCKS, DEPTH = "net.blocks", "net.depth"


@dataclass(frozen=True)
class Cell:
    """One network but for its seed. changes: what differs from the study's own settings, by key; axes: those of it that
    the table shows, as text; calls: calls of F in all blocks of a group (mean of the groups), where the depth follows
    from a wanted number of them; place: where the study file has it.
    """

    name: str
    changes: Mapping[str, Any]
    axes: Mapping[str, str]
    calls: Fraction | None = None
    place: str = "grid"

    @property
    def blocks(self) -> str:
        """The schemes as the command line takes them."""
        return shown(self.changes[BLOCKS])

    @property
    def setting(self) -> tuple[tuple[str, str], ...]:
        """All axes but the schemes, and but the depth that follows from calls: cells of one setting are compared."""
        left_out = (BLOCKS, DEPTH) if CALLS in self.axes else (BLOCKS,)
        return tuple(pair for pair in self.axes.items() if pair[0] not in left_out)


def size(table: Mapping[str, Any]) -> int:
    """Return the number of combinations of [grid] without its seeds, before they are made."""
    return math.prod(len(value) for _, value in flat(table) if isinstance(value, list))


def axes(table: Mapping[str, Any], problems: list[Diagnostic]) -> dict[str, list[Any]]:
    """Return the values of every key of [grid], checked; a key with one value that is no list is an axis of one."""
    found: dict[str, list[Any]] = {}
    for key, value in flat(table):
        place = f"grid.{written(key)}"
        values = value if isinstance(value, list) else [value]
        if not values:
            problems.append(diagnostic("RK704", f"{place} is empty, expected a list of values", path=place))
        found[key] = [_value(key, one, "grid.", problems) for one in values]
        if len(found[key]) != len({shown(one) for one in found[key]}):
            problems.append(diagnostic("RK851", f"{place} has a value twice", path=place))
    return found


def _value(key: str, value: Any, place: str, problems: list[Diagnostic]) -> Any:
    if key != CALLS:
        return checked(key, value, place, problems)
    number = reader.convert(value, int, between(1, MOST_BLOCKS))
    if isinstance(number, reader.Unfit):
        problems.append(
            diagnostic("RK704", f"{place}calls is {value!r}, expected {number.expected}", path=f"{place}calls")
        )
        return None
    return number


def cells(
    grid: Mapping[str, Any],
    extra: Sequence[Mapping[str, Any]],
    exclude: Sequence[Mapping[str, Any]],
    problems: list[Diagnostic],
) -> tuple[Cell, ...]:
    """Return all cells of a study, in the order of the file: the schemes of a setting beside each other.

    grid, extra, exclude: the tables [grid] without its seeds, [[cell]] and [[exclude]]. Problems appended: RK703 and
    RK704 (keys and values), RK851 (cells that cannot be), and what reading a scheme finds.
    """
    product = axes(grid, problems)
    named = [key for key, value in flat(grid) if isinstance(value, list)]
    wanted: list[tuple[str, dict[str, Any], list[str], str]] = []
    if BLOCKS in product and not problems:
        others = [key for key in product if key != BLOCKS]
        for values in itertools.product(*(product[key] for key in [*others, BLOCKS])):
            wanted.append(("", dict(zip([*others, BLOCKS], values, strict=True)), named, "grid.blocks"))
    for number, table in enumerate(extra):
        place = f"cell.{number}"
        name = table.get("name", "")
        own = {
            key: _value(key, value, f"{place}.", problems)
            for key, value in flat({key: value for key, value in table.items() if key != "name"})
        }
        if not isinstance(name, str) or (name and name != word(BLOCKS, name)):
            problems.append(misnamed(name, f"{place}.name"))
        wanted.append((name, own, list(own), place))
    if problems:
        return ()
    found: dict[str, Cell] = {}
    used = [False] * len(exclude)
    patterns = [
        {key: _value(key, value, f"exclude.{i}.", problems) for key, value in flat(t)} for i, t in enumerate(exclude)
    ]
    for name, changes, keys, place in wanted:
        matching = [i for i, pattern in enumerate(patterns) if place == "grid.blocks" and _matches(changes, pattern)]
        for i in matching:
            used[i] = True
        if not matching:
            _enter(found, name, changes, keys, place, problems)
    for i in (i for i, hit in enumerate(used) if not hit):
        problems.append(diagnostic("RK851", "this exclusion matches no cell of the grid", path=f"exclude.{i}"))
    if not found and not problems:
        problems.append(
            diagnostic("RK851", "there is no cell: no grid.blocks, no [[cell]], or all excluded", path="grid")
        )
    return tuple(found.values())


def _matches(changes: Mapping[str, Any], pattern: Mapping[str, Any]) -> bool:
    return bool(pattern) and all(changes.get(key) == value for key, value in pattern.items())


def _enter(
    found: dict[str, Cell],
    name: str,
    changes: dict[str, Any],
    keys: Iterable[str],
    place: str,
    problems: list[Diagnostic],
) -> None:
    """Add one cell to those found, or the reason why it cannot be to the problems."""
    if BLOCKS not in changes:
        problems.append(diagnostic("RK851", "a cell names its schemes: blocks = ...", path=place))
        return
    if CALLS in changes and DEPTH in changes:
        problems.append(diagnostic("RK851", "calls decides the depth: give one of the two", path=place))
        return
    calls = None
    shown_axes = {key: shown(changes[key]) for key in (BLOCKS, *keys)}
    if CALLS in changes:
        each = Fraction(0)
        with placed(f"{place.removesuffix('.blocks')}.blocks", problems):
            each = mean_calls(changes[BLOCKS])
        if not each:
            return
        changes = {**changes, DEPTH: max(1, round(changes[CALLS] / each))}
        calls = changes[DEPTH] * each
        shown_axes[DEPTH] = str(changes[DEPTH])
    words = [word(BLOCKS, changes[BLOCKS]), *(word(key, changes[key]) for key in keys if key != BLOCKS)]
    cell = Cell(
        name or "-".join(words),
        {key: value for key, value in changes.items() if key != CALLS},
        shown_axes,
        calls,
        place.removesuffix(".blocks"),
    )
    if cell.name in found:
        problems.append(
            diagnostic("RK851", f"there are two cells {cell.name}", path=place, help='give one a name: name = "..."')
        )
    found[cell.name] = cell


@cache
def _calls(scheme: str) -> int:
    return program.lower(files.load(scheme), inconsistent=True).calls  # whether it is built, net.inconsistent says


def mean_calls(blocks: Sequence[str]) -> Fraction:
    """Return the calls of F in one block, the mean of the groups where they differ.

    Raises RkblocksError where a scheme cannot be read or compiled.
    """
    return Fraction(sum(map(_calls, blocks)), len(blocks))


def tables(
    table: Mapping[str, Any], key: str, problems: list[Diagnostic], prefix: str = ""
) -> Iterator[Mapping[str, Any]]:
    """Yield the tables of [[prefix + key]]; RK704 is appended where it is something else."""
    value, key = table.get(key, []), f"{prefix}{key}"
    if isinstance(value, list) and all(isinstance(one, Mapping) for one in value):
        yield from value
    else:
        problems.append(diagnostic("RK704", f"{key} is {value!r}, expected tables [[{key}]]", path=key))
