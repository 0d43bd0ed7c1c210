"""The configuration of a training, from a preset or a TOML file and the overrides of a command line.

A preset (rkblocks/presets/*.toml) or any TOML file says what differs from the defaults; `--set section.key=value` has
the last word. The file that a run folder keeps holds every key. The settings themselves are in `sections`, what is
refused of their combinations in `combinations`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rkblocks.diagnostics import Diagnostic, RkblocksError, diagnostic
from rkblocks.runs import combinations
from rkblocks.runs.sections import ATTACKED as ATTACKED
from rkblocks.runs.sections import LARGEST_SEED as LARGEST_SEED
from rkblocks.runs.sections import Attack as Attack
from rkblocks.runs.sections import Averaging as Averaging
from rkblocks.runs.sections import Config as Config
from rkblocks.runs.sections import Data as Data
from rkblocks.runs.sections import Free as Free
from rkblocks.runs.sections import Net as Net
from rkblocks.runs.sections import Noise as Noise
from rkblocks.runs.sections import Optimizer as Optimizer
from rkblocks.runs.sections import Schedule as Schedule
from rkblocks.runs.sections import SingleStep as SingleStep
from rkblocks.runs.sections import Training as Training
from rkblocks.runs.sections import Validation as Validation
from rkblocks.settings import reader, toml

PRESETS = Path(__file__).parent.parent / "presets"
Overrides = Mapping[str, Any] | Iterable[str]


def presets() -> tuple[str, ...]:
    """The names of the presets, sorted."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.toml")))


def load(source: str | os.PathLike[str], overrides: Overrides = (), *, trained: bool = False) -> Config:
    """The configuration of a preset or a TOML file, with overrides.

    Args:
        source: the name of a preset; or a path: what exists, ends in .toml or has a separator.
        overrides: {"section.key": value}, or texts "section.key=value" as a command line gives them.
        trained: it is that of a run, whose settings without effect are history and no longer refused (RK706).

    Raises:
        RkblocksError: with all that is wrong: RK701 (no such preset or file), RK702 (no TOML), RK703 (unknown keys),
            RK704 (values), RK705 (overrides without "="), RK706 (settings at odds), RK562 (a file without any).

    Example:
        >>> load("digits", ["net.blocks=ark,euler", "training.seed=1"]).net.blocks
        ('ark', 'euler')
    """
    return recipe(source).config(overrides, trained=trained)


@dataclass(frozen=True)
class Recipe:
    """A preset or a TOML file, read once. source: its name; table: its content; problems: what is wrong there."""

    source: str
    table: Mapping[str, Any]
    problems: tuple[Diagnostic, ...]

    def config(self, overrides: Overrides = (), *, trained: bool = False) -> Config:
        """The configuration with overrides; arguments and errors are those of `load`."""
        overrides = overrides if isinstance(overrides, Mapping) else list(overrides)
        problems = list(self.problems)
        given = reader.overriding(Config, overrides, problems)
        overridden = not self.problems and (problems or given)
        named = "overrides" if isinstance(overrides, Mapping) else "--set"
        if not problems:
            config = reader.read(Config, reader.merged(self.table, given), problems)
            problems += combinations.impossible(config)
            problems += [] if trained else combinations.at_odds(config)
        if problems:
            raise RkblocksError(problems, named if overridden else self.source)
        return config


def recipe(source: str | os.PathLike[str]) -> Recipe:
    """A preset or a TOML file as `load` takes it. Raises RkblocksError RK701; all else is told by `Recipe.config`."""
    path = toml.locate(os.fspath(source), PRESETS, presets())
    table, problems = toml.parse(path)
    reader.read(Config, table, problems)
    if not problems and not any(reader.flat(table)):
        help = 'write what differs from the defaults, such as data.name = "digits", or name a preset'
        problems = [diagnostic("RK562", f"{source} sets nothing, expected the settings of a recipe", help=help)]
    return Recipe(str(source), table, tuple(toml.with_lines(problems, path) if table else problems))
