"""What several networks say together.

Are two equally robust? The same images under the same attacks, compared image by image. And runs that differ in their
seed alone: mean and deviation of each row over the seeds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Final

import torch
from torch import Tensor

from rkblocks.diagnostics import fail
from rkblocks.intervals import THREE_SEEDS, holm, mcnemar, mean_deviation, paired_bootstrap
from rkblocks.runs.network import OpenRun
from rkblocks.runs.outcomes import Outcomes, row_key
from rkblocks.settings.reader import differing

SIGNIFICANT = 0.05
#: Settings that comparisons are about, or that change no result.
EXPECTED: Final = frozenset(("net.blocks", "training.seed", "training.device", "data.root"))


@dataclass(frozen=True)
class Paired:
    """Two lists of outcomes on the same n images. row: the key of the row, or "worst" for images that stand all."""

    row: str
    n: int
    first: int
    second: int
    only_first: int
    only_second: int

    @classmethod
    def of(cls, row: str, first: Tensor, second: Tensor) -> Paired:
        counts = (first, second, first & ~second, second & ~first)
        return cls(row, len(first), *(int(count.sum()) for count in counts))

    @property
    def p(self) -> float:
        """The exact two-sided p-value of McNemar's test, for this row alone."""
        return mcnemar(self.only_first, self.only_second)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % paired bootstrap interval of the difference, first minus second."""
        return paired_bootstrap(self.only_first, self.only_second, self.n)

    def to_dict(self) -> dict[str, Any]:
        return {
            "row": self.row,
            "n": self.n,
            "accuracy": [self.first / self.n, self.second / self.n],
            "only_first": self.only_first,
            "only_second": self.only_second,
            "difference": (self.first - self.second) / self.n,
            "interval": list(self.interval),
            "p": self.p,
        }


@dataclass(frozen=True)
class Comparison:
    """Two runs. rows: every row that both have, clean first; worst: images that no common row breaks.

    p: of `worst`, after Holm's correction over the `among` comparisons made together; the statement rests on it alone.
    settings: those that differ beside scheme and seed, with the value of each run; unhealthy: runs of the two where a
    health check failed, but for that of the seeds: two single networks are what is compared.
    """

    first: str
    second: str
    rows: tuple[Paired, ...]
    worst: Paired
    p: float
    among: int = 1
    settings: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    unhealthy: tuple[str, ...] = ()

    @property
    def statement(self) -> str:
        """ "A is more robust than B", with its numbers, A's first, where the test allows to say so; else that it does
        not.
        """
        worst, differs = self.worst, self.p < SIGNIFICANT and len(self.rows) > 1
        named = [(self.first, worst.first), (self.second, worst.second)]
        low, high = worst.interval
        if differs and worst.second > worst.first:
            named, (low, high) = named[::-1], (0 - high, 0 - low)
        (one, stood), (other, stood_too) = named
        verdict = f"{one} is more robust than {other}"
        verdict = verdict if differs else f"no difference in robustness is shown between {one} and {other}"
        if not stood and not stood_too:
            verdict = f"both {one} and {other} are broken, so nothing is shown: compare them at a smaller eps"
        corrected = f", Holm over {self.among} comparisons" if self.among > 1 else ""
        doubt = f" (health checks of {' and '.join(self.unhealthy)} failed: see above)" if self.unhealthy else ""
        return (
            f"{verdict}: {stood / worst.n:.4f} and {stood_too / worst.n:.4f} of {worst.n} images stand every attack, "
            f"difference {(stood - stood_too) / worst.n:+.4f} ({low:+.4f} to {high:+.4f}), "
            f"p = {self.p:.2g} (McNemar{corrected}){doubt}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return one element of "comparisons" in the JSON of `evaluate`."""
        return {
            "first": self.first,
            "second": self.second,
            "rows": [row.to_dict() for row in self.rows],
            "worst": self.worst.to_dict(),
            "p_holm": self.p,
            "among": self.among,
            "settings": {name: list(values) for name, values in self.settings.items()},
            "unhealthy": list(self.unhealthy),
            "statement": self.statement,
        }


def comparable(first: Outcomes, second: Outcomes) -> str:
    """Return why two evaluations cannot be compared image by image, or "" if they can."""
    for name in ("name", "split", "images"):
        ours, theirs = first.data.get(name), second.data.get(name)
        if ours != theirs:
            return f"{name} of the data is {ours} in one and {theirs} in the other"
    if not torch.equal(first.index, second.index) or not torch.equal(first.label, second.label):
        return "they are of other images"
    if not set(first.rows) & set(second.rows):
        return "they have no attack in common"
    return ""


def compare(first: Outcomes, second: Outcomes) -> Comparison:
    """Return the comparison of two evaluations. Raises RkblocksError RK827 unless they are of the same images."""
    reason = comparable(first, second)
    if reason:
        fail(
            "RK827",
            f"{first.run} and {second.run} cannot be compared: {reason}",
            help="evaluate both with one command, so that images and attacks are the same",
        )
    common = [row for row in first.rows if row in second.rows]
    ours, theirs = _standing(first.rows, common), _standing(second.rows, common)
    worst = Paired.of("worst", ours, theirs)
    rows = tuple(Paired.of(row, first.rows[row], second.rows[row]) for row in common)
    unhealthy = tuple(one.run for one in (first, second) if set(one.failed) - {THREE_SEEDS})
    return Comparison(
        first.run, second.run, rows, worst, worst.p, settings=_settings(first, second), unhealthy=unhealthy
    )


def compare_all(outcomes: Sequence[Outcomes]) -> list[Comparison]:
    """Return the comparisons of all pairs that can be compared, corrected together after Holm."""
    pairs = [(a, b) for a, b in combinations(outcomes, 2) if not comparable(a, b)]
    found = [compare(first, second) for first, second in pairs]
    adjusted = holm([one.worst.p for one in found])
    return [replace(one, p=p, among=len(found)) for one, p in zip(found, adjusted, strict=True)]


def _settings(first: Outcomes, second: Outcomes) -> dict[str, tuple[Any, Any]]:
    """Return the settings that make the comparison one of more than schemes; none where those of a run are unknown."""
    if not first.settings or not second.settings:
        return {}
    names = differing([first.settings, second.settings])
    return {name: (first.settings.get(name), second.settings.get(name)) for name in names if name not in EXPECTED}


def _standing(rows: Mapping[str, Tensor], common: Sequence[str]) -> Tensor:
    return torch.stack([rows[row] for row in common]).all(0)


def configuration(run: OpenRun) -> str:
    """Return what runs must share to be repetitions of each other: every setting but seed, data root and device, and
    the schemes themselves.
    """
    settings = run.config.to_dict()
    settings["training"] = {k: v for k, v in settings["training"].items() if k not in ("seed", "device")}
    settings["data"] = {k: v for k, v in settings["data"].items() if k != "root"}
    return json.dumps([settings, [tableau.digest for tableau in run.tableaus]], sort_keys=True, default=str)


def over_seeds(runs: Sequence[Mapping[str, Any]], groups: Mapping[str, Sequence[tuple[str, int]]]) -> list[Any]:
    """Return one element of "seeds" in the JSON of `evaluate` for each configuration that has two seeds or more.

    Args:
        runs: elements of "runs".
        groups: configuration to its (run, seed); a seed that is there twice counts once.
    """
    by_name = {run["run"]: run for run in runs}
    found = []
    for members in groups.values():
        once = {seed: by_name[name] for name, seed in reversed(members)}
        if len(once) < 2:
            continue
        seeds = sorted(once)
        rows = [_row([once[seed]["entries"][k] for seed in seeds]) for k in range(len(once[seeds[0]]["entries"]))]
        mean, deviation = mean_deviation([once[seed]["worst"]["accuracy"] for seed in seeds])
        found.append(
            {
                "blocks": once[seeds[0]]["blocks"],
                "runs": [once[seed]["run"] for seed in seeds],
                "seeds": seeds,
                "rows": rows,
                "worst": {"mean": mean, "deviation": deviation},
            }
        )
    return found


def _row(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    assert len({row_key(entry) for entry in entries}) == 1, "runs of one configuration have the same plan"
    values = [entry["accuracy"] for entry in entries]
    mean, deviation = mean_deviation(values)
    kept = {name: entries[0][name] for name in ("attack", "threat", "definition")}
    return {**kept, "mean": mean, "deviation": deviation, "values": values}
