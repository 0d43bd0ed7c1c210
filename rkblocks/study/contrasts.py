"""Pairs of schemes that differ in little but one thing: their differences in accuracy, pair by pair and over all pairs.

A rank correlation over many schemes mixes what goes together among them, stages and order and the SSP coefficient. A
pair such as ssp2 and midpoint, of equal stages and order, keeps all but one of them fixed. Which pairs are compared is
declared in the study file, before there are results.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rkblocks.diagnostics import Diagnostic, diagnostic
from rkblocks.intervals import holm
from rkblocks.settings import reader
from rkblocks.study.grid import Cell
from rkblocks.study.inference import Fits
from rkblocks.study.statistics import by_cell, paired

KEYS = ("name", "pairs")
ALL = "all"
PAIRS = ('pairs of two different schemes, such as [["ssp2", "midpoint"]]', 2)
LONGEST = 80  # characters of a name


@dataclass(frozen=True)
class Contrast:
    """[[contrast]]: what the pairs have in common; pairs (more, less) of schemes, and more minus less is shown."""

    name: str
    pairs: tuple[tuple[str, ...], ...]


def read(
    tables: Iterable[Mapping[str, Any]], cells: Sequence[Cell], problems: list[Diagnostic]
) -> tuple[Contrast, ...]:
    """Return the contrasts of their tables, or append what is wrong with them: RK703, RK704, RK851."""
    settings_of: dict[str, set[object]] = {}
    for cell in cells:
        settings_of.setdefault(cell.blocks, set()).add(cell.setting)
    found: list[Contrast] = []
    for number, table in enumerate(tables):
        place = f"contrast.{number}"
        problems += [reader.unknown(key, f"{place}.", KEYS) for key in table if key not in KEYS]
        name = named(table.get("name", ""), f"{place}.name", [one.name for one in found], problems)
        pairs = listed(table.get("pairs", []), f"{place}.pairs", PAIRS, problems)
        for problem in _strange(pairs, settings_of):
            message = f"{place}.pairs {problem}"
            problems.append(diagnostic("RK851", message, path=f"{place}.pairs", help="pairs of schemes of one setting"))
        found.append(Contrast(name, pairs))
    return tuple(found)


def named(value: object, place: str, before: Sequence[str], problems: list[Diagnostic]) -> str:
    """Return the name, a short line that none before has, or append RK704."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > LONGEST:
        message = f"{place} is {str(value)[:LONGEST]!r}, expected a line of 1 to {LONGEST} characters"
        problems.append(diagnostic("RK704", message, path=place))
        return ""
    if value in before:
        problems.append(diagnostic("RK704", f"{place} {value!r} is that of one before it", path=place))
    return value


def listed(
    value: object, place: str, expected: tuple[str, int | None], problems: list[Diagnostic]
) -> tuple[tuple[str, ...], ...]:
    """Return lists of different schemes, or append RK704. expected: in words, and how many a list has, two or more for
    None.
    """
    words, count = expected
    whole = value if isinstance(value, list) else []
    wrong = [one for one in whole if not _different(one) or len(one) != (count or len(one))]
    if not whole or wrong:
        found = f"has {str(wrong[0])[:LONGEST]}" if wrong else f"is {str(value)[:LONGEST]}"
        problems.append(diagnostic("RK704", f"{place} {found}, expected {words}", path=place))
        return ()
    return tuple(tuple(one) for one in whole)


def _different(value: object) -> bool:
    """Whether it is a list of two names or more, none twice."""
    fits = isinstance(value, list) and len(value) > 1 and all(isinstance(scheme, str) for scheme in value)
    return fits and len(set(value)) == len(value)  # type: ignore[call-overload, arg-type]


def _strange(pairs: Sequence[tuple[str, ...]], settings_of: Mapping[str, set[object]]) -> Iterator[str]:
    """Yield what is wrong with pairs: a scheme that no cell has, no setting with both, a pair a second time."""
    for scheme in dict.fromkeys(scheme for pair in pairs for scheme in pair if scheme not in settings_of):
        yield f"names {scheme}, which no cell has; there are {', '.join(settings_of)}"
    for number, (more, less) in enumerate(pairs):
        if {more, less} <= set(settings_of) and not settings_of[more] & settings_of[less]:
            yield f"compares {more} and {less}, which no setting has both"
        if any({more, less} == set(pair) for pair in pairs[:number]):
            yield f"has {more} and {less} twice"


def rows(
    contrasts: Sequence[Contrast],
    cells: Sequence[Cell],
    columns: Sequence[str],
    entries: Sequence[Mapping[str, Any]],
    fits: Fits,
) -> list[dict[str, Any]]:
    """Return a row for each setting, contrast, pair and accuracy: {..., n, mean, deviation, p} paired by seed, two_way.

    Where a contrast has several pairs a row with the pair "all" follows: in each seed the mean over the pairs, with the
    t-test over the seeds, so that pairs of one seed do not count as independent. two_way: {mean, half, p, found, holm,
    at_equal_loss} of the same in the two-way model, None where there is none; holm, there and at equal loss: p after
    Holm's correction over the contrasts and accuracies of a setting, each once, by its last row (None in the others).
    """
    values = by_cell(entries)
    made: list[dict[str, Any]] = []
    for setting in dict.fromkeys(cell.setting for cell in cells):
        own = {cell.blocks: cell for cell in cells if cell.setting == setting}
        asked: list[dict[str, Any]] = []
        for contrast in contrasts:
            pairs = [pair for pair in contrast.pairs if set(pair) <= set(own)]
            compared = {" - ".join(pair): [(own[pair[0]].name, own[pair[1]].name)] for pair in pairs}
            compared[ALL] = [one for (one,) in compared.values()]
            for column in columns:
                found = {" - ".join(pair): _differences(own, pair, column, values) for pair in pairs}
                fit, two_way = fits.get((setting, column)), None
                for label, means in over_seeds(found).items():
                    about = {"setting": dict(setting), "contrast": contrast.name, "pair": label}
                    two_way = None if fit is None else fit.contrast(compared[label])
                    difference = asdict(paired([0.0] * len(means), means))
                    made.append({**about, "attack": column, **difference, "two_way": two_way})
                if two_way is not None:
                    asked.append(two_way)
        for family in (asked, [one["at_equal_loss"] for one in asked if one["at_equal_loss"]]):
            for one, p in zip(family, holm([one["p"] for one in family]), strict=True):
                one["holm"] = round(p, 6)
    return made


def _differences(
    cells: Mapping[str, Cell], pair: tuple[str, ...], key: str, values: Mapping[str, Mapping[int, Mapping[str, float]]]
) -> dict[int, float]:
    """Return {seed: more minus less} of the seeds that both have."""
    more, less = (
        {seed: one[key] for seed, one in values.get(cells[name].name, {}).items() if key in one} for name in pair
    )
    return {seed: more[seed] - less[seed] for seed in more if seed in less}


def over_seeds(found: Mapping[str, Mapping[int, float]]) -> dict[str, list[float]]:
    """Return {label: values of its seeds}, and of several as "all" their mean in each seed that all of them have;
    labels without a seed are left out.
    """
    groups = {label: [one] for label, one in found.items()}
    if len(found) > 1:
        groups[ALL] = list(found.values())
    means = {
        label: [sum(one[seed] for one in group) / len(group) for seed in group[0] if all(seed in one for one in group)]
        for label, group in groups.items()
    }
    return {label: values for label, values in means.items() if values}
