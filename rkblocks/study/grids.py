"""The tables of a study, cell by cell, from the content of results.json; `tables` writes them in each format."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rkblocks import escape
from rkblocks.study.correlation import FACTS, LOSS
from rkblocks.study.grid import BLOCKS, CALLS
from rkblocks.study.keys import heading


@dataclass(frozen=True)
class Markup:
    """The signs in which Markdown and LaTeX differ: plus_minus and single as written; escape makes any text fit."""

    plus_minus: str
    single: str
    escape: Callable[[str], str]
    math: bool

    def text(self, text: str) -> str:
        """Return any text with the characters escaped that the format would read; the marks themselves stay."""
        parts = re.split(f"({re.escape(self.plus_minus)}|{re.escape(self.single)})", text)
        return "".join(part if i % 2 else self.escape(part) for i, part in enumerate(parts))

    def signed(self, number: float) -> str:
        """Return a difference, with four digits and its sign."""
        return self.formula(f"{number:+.4f}")

    def formula(self, text: str) -> str:
        """Return a text with signs of mathematics in it."""
        return f"${text}$" if self.math else text


PLAIN = Markup("±", "†", escape.line, math=False)
MARKDOWN = Markup("±", "†", escape.markdown, math=False)
LATEX = Markup(r"$\pm$", r"$\dagger$", escape.latex, math=True)


Content = Mapping[str, Any]
Grid = tuple[list[str], list[list[str]]]
"""Head and rows of a table."""
Shown = Callable[[Mapping[str, Any] | None, Markup], str]
"""A cell of one row of results.json, or of none."""
NAMES = {**FACTS, LOSS: "training loss"}
FOUND = "smallest found, 80 %"


def accuracies(content: Content, marks: Markup) -> Grid:
    """Return one row a cell: schemes, axes, seeds, then each accuracy, beside that of the paper where there is one."""
    rows, lead = content["summary"], leading(content)
    leads = [[*_axes(row, lead, marks), _seeds(row, content)] for row in rows]
    grid = [*map(_title, lead), "seeds"], leads
    for column in content["columns"]:
        key = column["key"]
        _add(grid, marks.text(column["title"]), [measured(row["accuracy"].get(key), marks) for row in rows])
        _add_paper(grid, [f"{row['paper'][key]:.4f}" if key in row["paper"] else "-" for row in rows])
    return grid


def differences(content: Content, marks: Markup) -> Grid | None:
    """Return the differences to the first scheme of each setting, pair by pair; None where there are none."""
    rows = [row for row in content["summary"] if row["difference"]]
    if not rows:
        return None
    paper = {row["cell"]: row["paper"] for row in content["summary"]}
    lead = leading(content)
    leads = [[*_axes(row, lead, marks), marks.text(row["first"]), str(_pairs(row))] for row in rows]
    grid = [*map(_title, lead), "minus", "seeds"], leads
    for column in content["columns"]:
        key = column["key"]
        _add(grid, marks.text(column["title"]), [_difference(row["difference"].get(key), marks) for row in rows])
        both = [(row["paper"].get(key), paper[row["first"]].get(key)) for row in rows]
        _add_paper(grid, ["-" if own is None or first is None else marks.signed(own - first) for own, first in both])
    return grid


def _add(grid: Grid, title: str, cells: Sequence[str]) -> None:
    """Add a column to a table."""
    head, body = grid
    head.append(title)
    for row, cell in zip(body, cells, strict=True):
        row.append(cell)


def _add_paper(grid: Grid, cells: Sequence[str]) -> None:
    """Add the column of the paper's numbers, where it has any."""
    if set(cells) - {"-"}:
        _add(grid, "paper", cells)


def related(content: Content, marks: Markup) -> Grid | None:
    """Return the rank correlations of the accuracies with properties of the schemes; None where there are none."""
    asked = {row["attack"] for row in content["relations"]}
    content = {**content, "columns": [column for column in content["columns"] if column["key"] in asked]}
    return _asked(content, marks, "relations", ("property", "schemes"), _relation)


def contrasted(content: Content, marks: Markup) -> Grid | None:
    """Return the differences of the declared pairs of schemes; None where there are none."""
    return _asked(content, marks, "contrasts", ("contrast", "pair", "seeds"), _difference)


def climbed(content: Content, marks: Markup) -> Grid | None:
    """Return the slopes along the declared ladders, accuracy per unit of the property; None where there are none."""
    return _asked(content, marks, "trends", ("trend", "property", "ladder", "seeds"), _slope)


def _asked(content: Content, marks: Markup, section: str, heads: Sequence[str], shown: Shown) -> Grid | None:
    """A row for each setting and each value of the keys, the last of the heads counts; then what is shown of each
    accuracy.
    """
    rows, keys = content[section], heads[:-1]
    if not rows:
        return None
    axes = list(dict.fromkeys(axis for row in rows for axis in row["setting"]))
    asked: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in rows:
        asked.setdefault((json.dumps(row["setting"]), *(row[key] for key in keys)), {})[row["attack"]] = row
    body = []
    for (setting, *named), own in asked.items():
        words = [NAMES[text] if key == "property" else text for key, text in zip(keys, named, strict=True)]
        lead = [*(json.loads(setting).get(axis, "-") for axis in axes), *words]
        body.append([*map(marks.text, lead), str(max(row["n"] for row in own.values()))])
    grid = [*map(_title, axes), *heads], body
    for column in content["columns"]:
        _add(grid, marks.text(column["title"]), [shown(own.get(column["key"]), marks) for own in asked.values()])
    return grid


def modelled(content: Content, marks: Markup) -> Grid | None:
    """Return the differences to the first scheme in the two-way model, with the smallest that would have been found."""
    return _estimates(content, marks, "two-way: minus", "differences", with_found=True)


def at_equal_loss(content: Content, marks: Markup) -> Grid | None:
    """Return the differences to the first scheme with the training loss as a covariate."""
    return _estimates(content, marks, "at equal loss: minus", "at_equal_loss", with_found=False)


def _estimates(content: Content, marks: Markup, minus: str, kind: str, *, with_found: bool) -> Grid | None:
    models = [row for row in content["two_way"] if row[kind]]
    if not models:
        return None
    lead = leading(content)
    cells = {row["cell"]: row for row in content["summary"]}
    head, body = [*map(_title, lead), minus, "seeds"], []
    columns = [column for column in content["columns"] if any(row["attack"] == column["key"] for row in models)]
    for setting in list({json.dumps(row["setting"]): None for row in models}):
        own = {row["attack"]: row for row in models if json.dumps(row["setting"]) == setting}
        one = next(iter(own.values()))
        for name in dict.fromkeys(name for row in own.values() for name in row[kind]):
            shown = [estimate(own[c["key"]][kind].get(name) if c["key"] in own else None, marks) for c in columns]
            body.append([*_axes(cells[name], lead, marks), marks.text(one["first"]), str(one["seeds"]), *shown])
        if with_found:
            found = [f"{own[c['key']]['found']:.4f}" if c["key"] in own else "-" for c in columns]
            axes = [FOUND, *(json.loads(setting).get(axis, "-") for axis in lead[1:])]
            body.append([*map(marks.text, [*axes, one["first"]]), str(one["seeds"]), *found])
    return [*head, *(marks.text(column["title"]) for column in columns)], body


def trained(content: Content, marks: Markup) -> Grid | None:
    """Return how far each scheme was trained, and its validation accuracy at the end and at one loss of all."""
    if not content["training"]:
        return None
    lead = leading(content)
    cells = {row["cell"]: row for row in content["summary"]}
    metrics = {row["metric"] for row in content["training"]}
    validation = f"{metrics.pop().removeprefix('validation_')} validation" if len(metrics) == 1 else "validation"
    head = ["training loss", validation, "at loss", "epoch", f"{validation} there"]
    body = []
    for row in content["training"]:
        at = row["at"]
        shown = [measured(value, marks) for value in (row["loss"], row["validation"])]
        epoch = f"{at['epoch'][0]:.1f}"
        shown += [f"{at['loss']:.4f}", epoch, measured(at["validation"], marks)]
        body.append([*_axes(cells[row["cell"]], lead, marks), str(row["seeds"]), *shown])
    return [*map(_title, lead), "seeds", *head], body


def leading(content: Content) -> list[str]:
    """The keys of the axes, the schemes first."""
    return list(dict.fromkeys([BLOCKS, *(key for row in content["summary"] for key in row["axes"])]))


def _title(key: str) -> str:
    return "calls of F" if key == CALLS else heading(key)


def _axes(row: Mapping[str, Any], lead: Sequence[str], marks: Markup) -> list[str]:
    cells = []
    for key in lead:
        text = row["axes"].get(key, "-")
        if key == CALLS and row["calls"] not in (None, text):
            text = f"{calls_of(row)} (of {text})"
        cells.append(marks.text(text))
    return cells


def calls_of(row: Mapping[str, Any]) -> str:
    """The calls of F that a group really makes."""
    return "" if row["calls"] is None else f"{float(Fraction(row['calls'])):.6g}"


def _seeds(row: Mapping[str, Any], content: Content) -> str:
    wanted = len(content["study"]["seeds"])
    return str(row["seeds"]) if row["seeds"] == wanted else f"{row['seeds']} of {wanted}"


def _pairs(row: Mapping[str, Any]) -> int:
    return int(max(one["n"] for one in row["difference"].values()))


def measured(value: Sequence[float | None] | None, marks: Markup) -> str:
    """A mean with its deviation over the seeds, marked where there is one seed."""
    if value is None or value[0] is None:
        return "-"
    mean, deviation = value
    return f"{mean:.4f} {marks.single}" if deviation is None else f"{mean:.4f} {marks.plus_minus} {deviation:.4f}"


def _relation(value: Mapping[str, Any] | None, marks: Markup) -> str:
    if value is None:
        return "-"
    spread = "" if value["range"] is None else " [{:+.2f}, {:+.2f}]".format(*value["range"])
    chance = marks.formula(f"p = {value['p']:.2g}")
    if value["holm"] is not None:
        chance += ", Holm " + marks.formula(f"{value['holm']:.2g}")
    given = "" if value["given_loss"] is None else f"; given loss {value['given_loss']:+.2f}"
    return f"{value['rho']:+.2f}{spread} ({chance}{given})"


def _slope(value: Mapping[str, Any] | None, marks: Markup) -> str:
    if value is None or value["low"] is None:
        return _difference(value, marks)
    interval = marks.formula("[{:+.4f}, {:+.4f}]".format(value["low"], value["high"]))
    return f"{marks.signed(value['mean'])} {interval} ({_chance(value['p'], marks)}, seen {value['seen']:.4f})"


def estimate(value: Mapping[str, Any] | None, marks: Markup) -> str:
    """A difference with its bracket and p."""
    if value is None:
        return "-"
    low, high = value["mean"] - value["half"], value["mean"] + value["half"]
    p = _chance(value["p"], marks)
    return f"{marks.signed(value['mean'])} [{marks.signed(low)}, {marks.signed(high)}] ({p})"


def _difference(value: Mapping[str, Any] | None, marks: Markup) -> str:
    if value is None:
        return "-"
    if value["deviation"] is None:
        return f"{marks.signed(value['mean'])} {marks.single}"
    shown = f"{marks.signed(value['mean'])} {marks.plus_minus} {value['deviation']:.4f}"
    if value["p"] is None:
        return shown
    chance, two_way = _chance(value["p"], marks), value.get("two_way")
    if two_way is not None:
        chance += f"; two-way {_corrected(two_way, marks)}; found from {two_way['found']:.4f}"
        if (equal := two_way["at_equal_loss"]) is not None:
            chance += f"; at equal loss {marks.signed(equal['mean'])}, {_corrected(equal, marks)}"
    return f"{shown} ({chance})"


def _corrected(value: Mapping[str, Any], marks: Markup) -> str:
    return _chance(value["p"], marks) + ("" if value["holm"] is None else f", Holm {value['holm']:.2g}")


def _chance(p: float, marks: Markup) -> str:
    return marks.formula("p < 0.0001" if p < 1e-4 else f"p = {p:.2g}")
