"""Ladders of schemes along which one property moves: the slope of the accuracy in that property, with its interval.

Among schemes off the shelf C, growth, stages and order move together.  A ladder is a row of schemes designed so that
one of them moves and the others stay.  Which ladders are climbed is declared in the study file, before there are
results.  In each seed the slope is that of least squares through the rungs, so that the seeds, which are independent,
give its interval; what is the same for all rungs of a seed drops out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rkblocks.diagnostics import Diagnostic, diagnostic
from rkblocks.settings import reader
from rkblocks.study.contrasts import LONGEST, listed, named, over_seeds
from rkblocks.study.correlation import FACTS
from rkblocks.study.grid import Cell
from rkblocks.study.statistics import by_cell, mean_of

KEYS = ("name", "property", "ladders")
LADDERS = ('lists of two different schemes or more, such as [["kutta3", "ssp3"]]', None)


@dataclass(frozen=True)
class Trend:
    """[[trend]]: the property that moves, a key of `correlation.FACTS`; ladders of two schemes or more, each of other
    schemes that are alike but for it.
    """

    name: str
    property: str
    ladders: tuple[tuple[str, ...], ...]


def read(tables: Iterable[Mapping[str, Any]], cells: Sequence[Cell], problems: list[Diagnostic]) -> tuple[Trend, ...]:
    """Return the trends of their tables, or append what is wrong with them: RK703, RK704, RK851."""
    known, found = list(dict.fromkeys(cell.blocks for cell in cells)), list[Trend]()
    for number, table in enumerate(tables):
        place = f"trend.{number}"
        problems += [reader.unknown(key, f"{place}.", KEYS) for key in table if key not in KEYS]
        name = named(table.get("name", ""), f"{place}.name", [one.name for one in found], problems)
        moves = table.get("property", "")
        if moves not in FACTS:
            message = f"{place}.property is {str(moves)[:LONGEST]!r}, expected one of {', '.join(FACTS)}"
            problems.append(diagnostic("RK704", message, path=f"{place}.property"))
        ladders = listed(table.get("ladders", []), f"{place}.ladders", LADDERS, problems)
        for scheme in dict.fromkeys(scheme for ladder in ladders for scheme in ladder if scheme not in known):
            message = f"{place}.ladders names {scheme}, which no cell has; there are {', '.join(known)}"
            problems.append(diagnostic("RK851", message, path=f"{place}.ladders", help="schemes of the study"))
        found.append(Trend(name, str(moves), ladders))
    return tuple(found)


def rows(
    trends: Sequence[Trend],
    cells: Sequence[Cell],
    columns: Sequence[str],
    entries: Sequence[Mapping[str, Any]],
    properties: Mapping[str, Mapping[str, float]],
) -> list[dict[str, Any]]:
    """Return a row for each setting, trend, ladder and accuracy: {..., n, mean, deviation, p, low, high, seen}, the
    `statistics.Mean` of the slope in accuracy per unit of the property.

    properties: `correlation.facts` of each cell, by name.  Where a trend has several ladders a row with the ladder
    "all" follows: in each seed the mean of their slopes.
    """
    values, made = by_cell(entries), list[dict[str, Any]]()
    for setting in dict.fromkeys(cell.setting for cell in cells):
        own = {cell.blocks: cell.name for cell in cells if cell.setting == setting}
        for trend in trends:
            ladders = [ladder for ladder in trend.ladders if set(ladder) <= set(own)]
            for column in columns:
                found = {}
                for ladder in ladders:
                    points = [(properties[own[name]][trend.property], values.get(own[name], {})) for name in ladder]
                    found[", ".join(ladder)] = _slopes(points, column)
                for label, slopes in over_seeds(found).items():
                    about = {"setting": dict(setting), "trend": trend.name, "property": trend.property}
                    made.append({**about, "ladder": label, "attack": column, **asdict(mean_of(slopes))})
    return made


def _slopes(points: Sequence[tuple[float, Mapping[int, Mapping[str, float]]]], column: str) -> dict[int, float]:
    """Return {seed: slope of least squares} of the seeds that all rungs have; {} where the property does not move."""
    middle = sum(place for place, _ in points) / len(points)
    spread = sum((place - middle) ** 2 for place, _ in points)
    seeds = [seed for seed in points[0][1] if all(column in one.get(seed, {}) for _, one in points)]
    if not spread > 0:  # equal, or of an order that is no number
        return {}
    return {seed: sum((place - middle) * one[seed][column] for place, one in points) / spread for seed in seeds}
