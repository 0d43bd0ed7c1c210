"""The study file: every key, its meaning and range; read whole, with all that is wrong and the lines of it.

name, title, preset      what it is, and the recipe that all networks start from
[set]                    settings of all networks that differ from the recipe
[grid]                   schemes, seeds, and any other setting; every combination is a cell
[[cell]], [[exclude]]    cells besides the grid, combinations left out
[evaluation]             which attacks, on how many images
[paper]                  numbers to print beside
[[contrast]]             pairs of schemes to compare
[[trend]]                ladders of schemes along which a property moves
[health]                 what has to hold for schemes to be compared
[resources]              what one task takes on a cluster
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from rkblocks.diagnostics import Diagnostic, RkblocksError, diagnostic, fail
from rkblocks.runs import config as configs
from rkblocks.runs.config import Config, Recipe
from rkblocks.settings import reader, toml
from rkblocks.settings.options import LARGEST_SEED
from rkblocks.settings.reader import Check, at_least, between, positive, setting
from rkblocks.study import contrasts, trends
from rkblocks.study.contrasts import Contrast
from rkblocks.study.grid import Cell, cells, size, tables
from rkblocks.study.keys import checked, flat, misnamed, placed
from rkblocks.study.plan import WORST, Attack, Column, Evaluation, columns
from rkblocks.study.trends import Trend

FILE = "study.toml"
MOST_NETWORKS = 10_000


@dataclass(frozen=True)
class Head:
    """The keys before the first section."""

    name: str = setting("", "name of the study: of its folder and in its table")
    title: str = setting("", "one line for the table")
    preset: str = setting("", "recipe of all networks: a preset of `train`, or a TOML file")


@dataclass(frozen=True)
class Resources:
    """[resources]: what one network takes."""

    gpus: float = setting(0.0, "GPUs of a task on a cluster; 0.25: four tasks share one", at_least(0))
    cpus: float = setting(1.0, "cores of a task on a cluster", positive())
    threads: int = setting(1, "threads of a task", at_least(1))


@dataclass(frozen=True)
class Paper:
    """[paper]: numbers of a publication. rows: cell -> column -> number."""

    source: str = ""
    rows: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """[health]: what has to hold for schemes to be compared."""

    loss_factor: float = setting(
        0.0,
        "mean training loss at the end: at most so many times that of the scheme with the least; 0: nothing stated",
        Check("0, or at least 1", lambda value: value == 0 or value >= 1, {"minimum": 0}),
    )


@dataclass(frozen=True)
class Study:
    """A study file, read and checked. text: the file as it is, with its name; path: of the file; recipe: the preset, as
    it was when the study was read; base: changes of [set] to it, by key.
    """

    head: Head
    recipe: Recipe
    base: Mapping[str, Any]
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    evaluation: Evaluation
    attacks: tuple[Attack, ...]
    paper: Paper
    resources: Resources
    text: str
    path: Path
    contrasts: tuple[Contrast, ...] = ()
    trends: tuple[Trend, ...] = ()
    health: Health = field(default_factory=Health)

    @property
    def name(self) -> str:
        return self.head.name

    def config(self, cell: Cell, seed: int, **more: Any) -> Config:
        """The configuration of one network; `more`: further settings, `data.root` for example as data_root="..."."""
        changes = {**self.base, **cell.changes, "training.seed": seed}
        changes |= {key.replace("_", ".", 1): value for key, value in more.items() if value is not None}
        return self.recipe.config(changes)

    def plan(self, cell: Cell) -> tuple[Column, ...]:
        """The columns of a cell's accuracies, the clean one first; budgets are those of its data set."""
        return self._plans[cell.name]

    @cached_property
    def _plans(self) -> dict[str, tuple[Column, ...]]:
        data = {cell.name: self.config(cell, 0).data.name for cell in self.cells}
        plans = {name: columns(self.evaluation, self.attacks, name) for name in dict.fromkeys(data.values())}
        return {cell: plans[name] for cell, name in data.items()}

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the table: those of all cells, by key."""
        return tuple({column.key: column for cell in reversed(self.cells) for column in self.plan(cell)}.values())

    @cached_property
    def shown(self) -> tuple[Column, ...]:
        """The columns, and after the clean one, where attacks are several, that of images which stand all of them."""
        clean, *attacks = self.columns
        return (clean, WORST, *attacks) if len(attacks) > 1 else self.columns


def load(source: str | os.PathLike[str]) -> Study:
    """The study of a file, or of the study.toml in a folder.

    Raises:
        RkblocksError: with all that is wrong: RK850 (no such file), RK702 (no TOML), RK703 (unknown keys), RK704
            (values), RK851 (cells that cannot be), and what schemes, presets and threat models raise.
    """
    path = Path(source)
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        fail("RK850", f"there is no study {path}", help="give a study file, or the folder that a study has written")
    table, problems = toml.parse(path)
    study = None if problems else _study(table, path, problems)
    if study is None or problems:
        raise RkblocksError(toml.with_lines(problems, path) if table else problems, str(path))
    return study


SECTIONS = ("set", "grid", "cell", "exclude", "evaluation", "paper", "contrast", "trend", "health", "resources")


def _study(table: Mapping[str, Any], path: Path, problems: list[Diagnostic]) -> Study | None:
    """The study of a table; None, or with problems appended, where something is wrong with it."""
    head = reader.read(Head, {k: v for k, v in table.items() if k not in SECTIONS}, problems)
    problems[:] = [
        p if p.code != "RK703" else reader.unknown(p.path, "", (*(f.name for f in fields(Head)), *SECTIONS))
        for p in problems
    ]
    part = {
        name: _section(table, name, problems) for name in ("set", "grid", "evaluation", "paper", "health", "resources")
    }
    if not table.get("preset", ""):
        problems.append(diagnostic("RK704", "preset is missing, expected a preset of `train`", path="preset"))
    name = head.name or path.stem
    if not re.fullmatch(r"[\w+-][\w.+-]*", name):
        problems.append(misnamed(name, "name"))
    base = {key: checked(key, value, "set.", problems) for key, value in flat(part["set"])}
    seeds = _seeds(part["grid"], problems)
    evaluation = reader.read(
        Evaluation, {k: v for k, v in part["evaluation"].items() if k != "attacks"}, problems, "evaluation."
    )
    attacks = tuple(
        Attack.read(one, f"evaluation.attacks.{number}.", problems)
        for number, one in enumerate(tables(part["evaluation"], "attacks", problems, "evaluation."))
    )
    if attacks:
        for key in ("preset", "eps", "step", "norm"):
            if key in part["evaluation"]:
                message = f"evaluation.{key} would be ignored: [[evaluation.attacks]] has attacks of its own"
                help = "leave it out, or give it in each of the attacks"
                problems.append(diagnostic("RK821", message, path=f"evaluation.{key}", help=help))
    resources = reader.read(Resources, part["resources"], problems, "resources.")
    health = reader.read(Health, part["health"], problems, "health.")
    extra, exclude = list(tables(table, "cell", problems)), list(tables(table, "exclude", problems))
    grid = {key: value for key, value in part["grid"].items() if key != "seeds"}
    networks = len(seeds) * (size(grid) + len(extra))
    if networks > MOST_NETWORKS:
        message = f"the study has {networks} networks, expected at most {MOST_NETWORKS}"
        problems.append(diagnostic("RK851", message, path="grid", help="leave out values, or split it"))
    if not problems:
        with placed("preset", problems):
            recipe = configs.recipe(head.preset)
            recipe.config()
    if not problems:
        with placed("set", problems, "set."):
            recipe.config(base)
    if problems:
        return None
    found = cells(grid, extra, exclude, problems)
    text = path.read_text(encoding="utf-8")
    if not head.name and path.name != FILE:
        text = f'name = "{name}"\n{text}'
    head = Head(name, head.title, head.preset)
    study = Study(head, recipe, base, seeds, found, evaluation, attacks, Paper(), resources, text, path)
    if problems or not _fits(study, problems):
        return None
    known = [column.key for column in study.columns]
    compared = contrasts.read(tables(table, "contrast", problems), found, problems)
    climbed = trends.read(tables(table, "trend", problems), found, problems)
    paper = _paper(part["paper"], known, {cell.name for cell in found}, problems)
    return replace(study, paper=paper, contrasts=compared, trends=climbed, health=health)


def _fits(study: Study, problems: list[Diagnostic]) -> bool:
    """Whether settings and threat models of all cells go together; what does not is appended, where it stands."""
    datasets: dict[str, None] = {}
    for cell in study.cells:
        with placed(cell.place, problems):
            datasets[study.config(cell, 0).data.name] = None
    for dataset in datasets:
        for number, attack in enumerate(study.attacks):
            with placed(f"evaluation.attacks.{number}", problems):
                attack.item(dataset)
        if not study.attacks:
            with placed("evaluation", problems):
                columns(study.evaluation, (), dataset)
    return not problems


def _section(table: Mapping[str, Any], name: str, problems: list[Diagnostic]) -> Mapping[str, Any]:
    value = table.get(name, {})
    if isinstance(value, Mapping):
        return value
    problems.append(diagnostic("RK704", f"{name} is {value!r}, expected a section [{name}]", path=name))
    return {}


def _seeds(grid: Mapping[str, Any], problems: list[Diagnostic]) -> tuple[int, ...]:
    value = grid.get("seeds", [0])
    found = reader.convert(value, tuple[int, ...], between(0, LARGEST_SEED))
    if isinstance(found, reader.Unfit) or not found or len(set(found)) < len(found):
        problems.append(
            diagnostic("RK704", f"grid.seeds is {value!r}, expected different whole numbers", path="grid.seeds")
        )
        return ()
    return tuple(found)


def _paper(table: Mapping[str, Any], columns: list[str], names: set[str], problems: list[Diagnostic]) -> Paper:
    """[paper]: source, columns = ["clean", ...], and [paper.rows] with a list of numbers for each cell."""
    for key in table:
        if key not in ("source", "columns", "rows"):
            problems.append(reader.unknown(key, "paper.", ("source", "columns", "rows")))
    source, keys, rows = table.get("source", ""), table.get("columns", columns), table.get("rows", {})
    for key, value, kind, expected in (("source", source, str, "text"), ("rows", rows, Mapping, "a section")):
        if not isinstance(value, kind):
            message = f"paper.{key} is {value!r}, expected {expected}"
            problems.append(diagnostic("RK704", message, path=f"paper.{key}"))
    wrong = [key for key in keys if key not in columns] if isinstance(keys, list) else [keys]
    twice = [] if wrong else [key for key in columns if keys.count(key) > 1]
    if wrong or twice:
        found_there = f"{wrong[0]!r}, expected of {', '.join(columns)}" if wrong else f"{twice[0]} twice"
        problems.append(diagnostic("RK704", f"paper.columns has {found_there}", path="paper.columns"))
        return Paper()
    found = {}
    for name, values in rows.items() if isinstance(rows, Mapping) else ():
        numbers = reader.convert(values, tuple[float, ...], between(0, 1))
        place = f"paper.rows.{name}"
        if name not in names:
            problems.append(diagnostic("RK851", f"paper.rows names {name}, which is no cell", path=place))
        elif isinstance(numbers, reader.Unfit) or len(numbers) != len(keys):
            message = f"{place} is {values!r}, expected {len(keys)} numbers from 0 to 1"
            problems.append(diagnostic("RK704", message, path=place))
        else:
            found[name] = dict(zip(keys, numbers, strict=True))
    return Paper(str(source), found)
