"""From the run folders of a study to its results.json: every network, mean and deviation, differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rkblocks.diagnostics import fail
from rkblocks.files.group_schemes import names
from rkblocks.files.group_schemes import schemes as schemes_of
from rkblocks.intervals import THREE_SEEDS, enough_seeds, mean_deviation
from rkblocks.shown import Shown
from rkblocks.study import contrasts, ending, inference, trends
from rkblocks.study.correlation import facts, relations
from rkblocks.study.grid import Cell
from rkblocks.study.plan import WORST
from rkblocks.study.spec import Study
from rkblocks.study.state import State, images
from rkblocks.study.statistics import by_cell, paired
from rkblocks.tableau import Tableau


class StudyResults(Shown, dict[str, Any]):
    """The content of results.json, which shows itself as the tables of the study."""


Key = tuple[str, int]
"""A network of a study: the name of its cell, and its seed."""
States = Mapping[Key, State]


def run_name(cell: str, seed: int) -> str:
    """The name of a run folder."""
    return f"{cell}-seed{seed}"


def collect(study: Study, states: States) -> dict[str, Any]:
    """Return the content of results.json.

    It depends on the study file and on the small files of the run folders alone: neither on weights, nor on time, nor
    on where the folders lie.
    """
    entries = [
        _entry(study, cell, seed, states[cell.name, seed])
        for cell in study.cells
        for seed in study.seeds
        if (cell.name, seed) in states and states[cell.name, seed].found
    ]
    properties = {cell.name: facts(_schemes(study, cell, states)) for cell in study.cells}
    keys = [column.key for column in study.shown]
    models = inference.fits(study.cells, keys, entries)
    return {
        "version": 1,
        "study": {**asdict(study.head), "seeds": list(study.seeds), "networks": len(study.cells) * len(study.seeds)},
        "evaluation": asdict(study.evaluation),
        "columns": [
            {
                "key": column.key,
                "title": column.title,
                "threat": None if column.item is None else column.item.threat.to_dict(),
                "text": TEXTS[column.key] if column.item is None else column.item.threat.text(),
                "definition": "final" if column.item is None else column.item.definition,
            }
            for column in study.shown
        ],
        "paper": study.paper.source,
        "entries": entries,
        "summary": summary(study, entries, properties),
        "relations": relations(study.cells, study.seeds, keys, entries, properties),
        "two_way": inference.rows(models),
        "contrasts": contrasts.rows(study.contrasts, study.cells, keys, entries, models),
        "trends": trends.rows(study.trends, study.cells, keys, entries, properties),
        "training": ending.rows(study.cells, curves(study, states)),
        "ended": ending.spread(study.cells, entries, study.health.loss_factor or None),
    }


TEXTS = {"clean": "clean images", WORST.key: "images that none of these attacks breaks"}


def curves(study: Study, states: States) -> dict[str, list[ending.Curve]]:
    """Return the lines of metrics.jsonl of the trained networks of each cell, by its name."""
    found = {c.name: [states[c.name, s].curve for s in study.seeds if (c.name, s) in states] for c in study.cells}
    return {name: [curve for curve in own if curve] for name, own in found.items()}


def _schemes(study: Study, cell: Cell, states: States) -> tuple[Tableau, ...]:
    """The schemes of a cell: the copies that its runs have, where there is none those of the study file.

    Raises RkblocksError RK852 where its runs were trained with different ones.
    """
    copies = {seed: states[cell.name, seed].schemes for seed in study.seeds if (cell.name, seed) in states}
    trained = {seed: schemes for seed, schemes in copies.items() if schemes}
    if not trained:
        net = study.config(cell, study.seeds[0]).net
        return schemes_of(net.blocks, len(names(net.blocks)))
    (first, schemes), *others = trained.items()
    for seed, other in others:
        if [one.digest for one in other] != [one.digest for one in schemes]:
            fail(
                "RK852",
                f"{run_name(cell.name, seed)} was trained with another scheme {cell.blocks} than "
                f"{run_name(cell.name, first)}",
                help="move one of them away, or name the schemes differently",
            )
    return schemes


def _entry(study: Study, cell: Cell, seed: int, state: State) -> dict[str, Any]:
    """One network: its accuracies by column, and what they depend on."""
    one = next(entry for key, entry in state.found.items() if key != WORST.key)
    record = state.record
    return {
        "cell": cell.name,
        "blocks": cell.blocks,
        "seed": seed,
        "run": f"runs/{run_name(cell.name, seed)}",
        "accuracy": {
            column.key: state.found[column.key]["accuracy"] for column in study.shown if column.key in state.found
        },
        "train_loss": ending.last_loss(state.curve),
        "n": images(record, study.evaluation),
        "weights": one["weights"],
        "versions": one.get("versions", {}),
        "device": record.get("device"),
        "parameters": record.get("parameters"),
        "data": record.get("data", {}).get("note", ""),
        "seconds": round(state.seconds, 1),
        "health": _health(state.health, len(study.seeds)),
    }


def _health(checks: Sequence[Mapping[str, Any]], seeds: int) -> dict[str, Any]:
    """Return the number of checks and what failed.

    The seeds are those of the study file, now: what an evaluation of the network alone says of them does not count.
    """
    own = [check for check in checks if check["check"] != THREE_SEEDS]
    failed = [f"{check['check']}: {check['figure']}" for check in own if not check["ok"]]
    if not own:
        return {"checks": 0, "failed": []}
    failed += [] if enough_seeds(seeds) else [f"{THREE_SEEDS}: {seeds} in this study"]
    return {"checks": len(own) + 1, "failed": failed}


def summary(
    study: Study, entries: Sequence[Mapping[str, Any]], properties: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """Return a row for each cell, in the order of the study; "first" is the cell that the differences are to.

    properties: `facts` of each cell, by name.
    """
    values, rows = by_cell(entries), []
    for cell in study.cells:
        first = next(other for other in study.cells if other.setting == cell.setting)
        own, base = values.get(cell.name, {}), values.get(first.name, {})
        keys = [column.key for column in study.shown]
        rows.append(
            {
                "cell": cell.name,
                "blocks": cell.blocks,
                "axes": dict(cell.axes),
                "calls": None if cell.calls is None else str(cell.calls),
                "scheme": {key: None if math.isnan(value) else value for key, value in properties[cell.name].items()},
                "seeds": len(own),
                "accuracy": {
                    key: mean_of([one[key] for one in own.values()])
                    for key in keys
                    if own and all(key in one for one in own.values())
                },
                "paper": dict(study.paper.rows.get(cell.name, {})),
                "first": None if first is cell else first.name,
                "difference": {} if first is cell else _differences(base, own, keys),
            }
        )
    return rows


def mean_of(values: Sequence[float]) -> list[float | None]:
    """Return [mean, deviation]; None for the deviation of a single value."""
    mean, deviation = mean_deviation(values)
    return [mean, None if math.isnan(deviation) else deviation]


def _differences(
    base: Mapping[int, Mapping[str, float]], own: Mapping[int, Mapping[str, float]], keys: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return {column: {n, mean, deviation, p}} over the seeds that both have."""
    found = {}
    for key in keys:
        seeds = [seed for seed in own if seed in base and key in own[seed] and key in base[seed]]
        if seeds:
            found[key] = asdict(paired([base[seed][key] for seed in seeds], [own[seed][key] for seed in seeds]))
    return found
