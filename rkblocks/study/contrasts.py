"""Pairs of schemes that differ in little but one thing: their differences in accuracy, pair by pair and over all pairs.

A rank correlation over many schemes mixes what goes together among them, stages and order and the SSP coefficient. A
pair such as ssp2 and midpoint, of equal stages and order, keeps all but one of them fixed. Which pairs are compared is
declared in the study file, before there are results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rkblocks.diagnostics import Diagnostic, diagnostic
from rkblocks.study.statistics import by_cell, paired
from rkblocks.training import settings

if TYPE_CHECKING:
    from rkblocks.study.grid import Cell
    from rkblocks.study.spec import Study

KEYS = ("name", "pairs")
ALL = "all"


@dataclass(frozen=True)
class Contrast:
    """[[contrast]]: what the pairs have in common; pairs (more, less) of schemes, and more minus less is shown."""

    name: str
    pairs: tuple[tuple[str, str], ...]


def read(table: Mapping[str, Any], place: str, schemes: Sequence[str], problems: list[Diagnostic]) -> Contrast:
    """Return the contrast of a table, or append what is wrong with it: RK703, RK704, RK851."""
    problems += [settings.unknown(key, f"{place}.", KEYS) for key in table if key not in KEYS]
    name, pairs = table.get("name", ""), table.get("pairs", [])
    if not isinstance(name, str) or not name:
        problems.append(diagnostic("RK704", f"{place}.name is {name!r}, expected text", path=f"{place}.name"))
    listed = pairs if isinstance(pairs, list) else []
    if not listed or not all(_is_pair(pair) for pair in listed):
        expected = 'pairs of schemes such as [["ssp2", "midpoint"]]'
        problems.append(diagnostic("RK704", f"{place}.pairs is {pairs!r}, expected {expected}", path=f"{place}.pairs"))
        return Contrast("", ())
    for scheme in dict.fromkeys(scheme for pair in listed for scheme in pair if scheme not in schemes):
        help = f"schemes of this study: {', '.join(schemes)}"
        message = f"{place}.pairs names {scheme}, which no cell has"
        problems.append(diagnostic("RK851", message, path=f"{place}.pairs", help=help))
    return Contrast(str(name), tuple((more, less) for more, less in listed))


def _is_pair(value: object) -> bool:
    fits = isinstance(value, list) and len(value) == 2 and all(isinstance(scheme, str) for scheme in value)
    return fits and value[0] != value[1]  # type: ignore[index]


def contrasts(study: Study, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each setting, contrast, pair and accuracy, {..., n, mean, deviation, p}, paired by seed.

    Where a contrast has several pairs a row with the pair "all" follows: in each seed the mean over the pairs, with the
    t-test over the seeds, so that pairs of one seed do not count as independent.
    """
    values = by_cell(entries)
    rows: list[dict[str, Any]] = []
    for setting in dict.fromkeys(cell.setting for cell in study.cells):
        cells = {cell.blocks: cell for cell in study.cells if cell.setting == setting}
        for contrast in study.contrasts:
            pairs = [pair for pair in contrast.pairs if set(pair) <= set(cells)]
            for column in study.columns:
                found = {pair: _differences(cells, pair, column.key, values) for pair in pairs}
                groups = {" - ".join(pair): [one] for pair, one in found.items()}
                if len(pairs) > 1:
                    groups[ALL] = list(found.values())
                for label, group in groups.items():
                    if means := _means(group):
                        about = {"setting": dict(setting), "contrast": contrast.name, "pair": label}
                        rows.append({**about, "attack": column.key, **asdict(paired([0.0] * len(means), means))})
    return rows


def _differences(
    cells: Mapping[str, Cell], pair: tuple[str, str], key: str, values: Mapping[str, Mapping[int, Mapping[str, float]]]
) -> dict[int, float]:
    """Return {seed: more minus less} of the seeds that both have."""
    more, less = (
        {seed: one[key] for seed, one in values.get(cells[name].name, {}).items() if key in one} for name in pair
    )
    return {seed: more[seed] - less[seed] for seed in more if seed in less}


def _means(group: Sequence[Mapping[int, float]]) -> list[float]:
    """Return the mean over the group, seed by seed, of the seeds that all of it have."""
    return [sum(one[seed] for one in group) / len(group) for seed in group[0] if all(seed in one for one in group)]
