"""The table of a study as Markdown, CSV and LaTeX: pure functions of the content of results.json."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from rkblocks import escape
from rkblocks.study.correlation import FACTS
from rkblocks.study.grid import BLOCKS, CALLS
from rkblocks.study.keys import heading
from rkblocks.study.markup import LATEX, MARKDOWN, PLAIN, Markup

Content = Mapping[str, Any]
Grid = tuple[list[str], list[list[str]]]
"""Head and rows of a table."""
Shown = Callable[[Mapping[str, Any] | None, Markup], str]
"""A cell of one row of results.json, or of none."""
CSV_NUMBERS = ("seeds", "mean", "deviation", "paper", "first", "pairs", "difference", "difference_deviation", "p")


def accuracies(content: Content, marks: Markup) -> Grid:
    """Return one row a cell: schemes, axes, seeds, then each accuracy, beside that of the paper where there is one."""
    rows, lead = content["summary"], _lead(content)
    known = {key for row in rows for key in row["paper"]}
    head, body = [*map(_title, lead), "seeds"], [[*_axes(row, lead, marks), _seeds(row, content)] for row in rows]
    for column in content["columns"]:
        key = column["key"]
        head.append(marks.text(column["title"]))
        for row, cells in zip(rows, body, strict=True):
            cells.append(_accuracy(row["accuracy"].get(key), marks))
        if key in known:
            head.append("paper")
            for row, cells in zip(rows, body, strict=True):
                cells.append(f"{row['paper'][key]:.4f}" if key in row["paper"] else "-")
    return head, body


def differences(content: Content, marks: Markup) -> Grid | None:
    """Return the differences to the first scheme of each setting, pair by pair; None where there are none."""
    rows = [row for row in content["summary"] if row["difference"]]
    if not rows:
        return None
    paper = {row["cell"]: row["paper"] for row in content["summary"]}
    shared = {key for row in rows for key in row["paper"] if key in paper[row["first"]]}
    lead = _lead(content)
    head, body = (
        [*map(_title, lead), "minus", "seeds"],
        [[*_axes(row, lead, marks), marks.text(row["first"]), str(_pairs(row))] for row in rows],
    )
    for column in content["columns"]:
        key = column["key"]
        head.append(marks.text(column["title"]))
        for row, cells in zip(rows, body, strict=True):
            cells.append(_difference(row["difference"].get(key), marks))
        if key in shared:
            head.append("paper")
            for row, cells in zip(rows, body, strict=True):
                both = key in row["paper"] and key in paper[row["first"]]
                cells.append(marks.signed(row["paper"][key] - paper[row["first"]][key]) if both else "-")
    return head, body


def related(content: Content, marks: Markup) -> Grid | None:
    """Return the rank correlations of the accuracies with properties of the schemes; None where there are none."""
    rows = content["relations"]
    if not rows:
        return None
    keys = list(dict.fromkeys((json.dumps(row["setting"]), row["property"]) for row in rows))
    axes = list(dict.fromkeys(axis for row in rows for axis in row["setting"]))
    head = [*map(_title, axes), "property", "schemes"]
    body = [
        [*map(marks.text, (*(json.loads(setting).get(axis, "-") for axis in axes), FACTS[fact]))]
        for setting, fact in keys
    ]
    found = {(json.dumps(row["setting"]), row["property"], row["attack"]): row for row in rows}
    columns = [column for column in content["columns"] if any(row["attack"] == column["key"] for row in rows)]
    for key, cells in zip(keys, body, strict=True):
        cells.append(str(max(row["n"] for other, row in found.items() if other[:2] == key)))
    for column in columns:
        head.append(marks.text(column["title"]))
        for key, cells in zip(keys, body, strict=True):
            cells.append(_relation(found.get((*key, column["key"])), marks))
    return head, body


def contrasted(content: Content, marks: Markup) -> Grid | None:
    """Return the differences of the declared pairs of schemes; None where there are none."""
    return _declared(content, marks, "contrasts", ("contrast", "pair"), _difference)


def climbed(content: Content, marks: Markup) -> Grid | None:
    """Return the slopes along the declared ladders, accuracy per unit of the property; None where there are none."""
    return _declared(content, marks, "trends", ("trend", "property", "ladder"), _slope)


def _declared(content: Content, marks: Markup, section: str, keys: Sequence[str], shown: Shown) -> Grid | None:
    """A row for each setting and each value of these keys; the number of seeds, and what is shown of each attack."""
    rows = content[section]
    if not rows:
        return None
    axes = list(dict.fromkeys(axis for row in rows for axis in row["setting"]))
    found = {(json.dumps(row["setting"]), *(row[key] for key in keys), row["attack"]): row for row in rows}
    leads = list(dict.fromkeys(key[:-1] for key in found))
    head, body = [*map(_title, axes), *keys, "seeds"], []
    for setting, *named in leads:
        seeds = max(row["n"] for key, row in found.items() if key[:-1] == (setting, *named))
        lead = [*(json.loads(setting).get(axis, "-") for axis in axes), *(FACTS.get(text, text) for text in named)]
        body.append([*map(marks.text, lead), str(seeds)])
    for column in content["columns"]:
        head.append(marks.text(column["title"]))
        for key, cells in zip(leads, body, strict=True):
            cells.append(shown(found.get((*key, column["key"])), marks))
    return head, body


def notes(content: Content, marks: Markup) -> list[str]:
    """Return what has to be known to read the numbers: images, attacks, error bars, health."""
    entries, study = content["entries"], content["study"]
    sizes = "-".join(sorted({str(entry["n"]) for entry in entries})) or "no"
    data = {entry["data"] for entry in entries if entry["data"]}
    found = [
        f"{len(entries)} of {study['networks']} networks (preset {study['preset']}), each on {sizes} "
        f"{content['evaluation']['split']} images" + "".join(f"; {note}" for note in sorted(data)) + ".",
        f"Mean {marks.plus_minus} sample deviation over the seeds; {marks.single} is a single seed, without deviation.",
    ]
    for column in content["columns"][1:]:
        how = " (any iterate)" if column["definition"] == "any" else ""
        found.append(f"{column['title']}: {column['text']}{how}.")
    if any(row["difference"] for row in content["summary"]):
        found.append("Differences are paired by seed; p is that of the two-sided paired t-test.")
    if content["contrasts"]:
        found.append("Contrasts: pairs of the study file, paired by seed; all: in each seed the mean over the pairs.")
    if content["trends"]:
        found.append(
            "Slopes: accuracy per unit of the property, by least squares in each seed; in brackets the 95 % interval "
            "of their mean; seen: the smallest slope that 8 of 10 such studies would have found at p < 0.05. all: in "
            "each seed the mean over the ladders."
        )
    if content["relations"]:
        found.append(
            "Last table: Spearman's rho with a property of the scheme, in brackets of single seeds, p by permutation."
        )
    if any(row["paper"] for row in content["summary"]):
        found.append(f"paper: {content['paper']}.")
    checks = sum(entry["health"]["checks"] for entry in entries)
    failed = [(entry, text) for entry in entries for text in entry["health"]["failed"]]
    found.append(f"Health checks: {checks - len(failed)} of {checks} passed.")
    often = Counter(text for _, text in failed)
    shared = [text for text, count in often.items() if count == len(entries) > 1]  # the seeds of a study, say
    found += [f"Failed, every network: {text}." for text in shared]
    found += [f"Failed, {entry['cell']} seed {entry['seed']}: {text}." for entry, text in failed if text not in shared]
    return [marks.text(note) for note in found]


def markdown(content: Content) -> str:
    """Return the tables and the notes as Markdown."""
    return _piped(content, MARKDOWN)


def plain(content: Content) -> str:
    """Return what `markdown` does with nothing escaped, for a terminal."""
    return _piped(content, PLAIN)


def _grids(content: Content, marks: Markup) -> Sequence[Grid | None]:
    return [make(content, marks) for make in (accuracies, differences, contrasted, climbed, related)]


def _piped(content: Content, marks: Markup) -> str:
    study = content["study"]
    parts = [f"# {escape.line(study['name'])}" + (f": {marks.text(study['title'])}" if study["title"] else "")]
    for grid in _grids(content, marks):
        if grid is not None:
            head, rows = grid
            lines = [head, ["---"] * len(head), *rows]
            parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    parts.append("\n".join(f"- {note}" for note in notes(content, marks)))
    return "\n\n".join(parts) + "\n"


def latex(content: Content) -> str:
    """Return the tables as LaTeX tabulars with booktabs, the notes as comments."""
    study = content["study"]
    parts = [f"% {escape.line(study['name'])}: {escape.line(study['title'])}\n% needs \\usepackage{{booktabs}}"]
    for grid in _grids(content, LATEX):
        if grid is not None:
            head, rows = grid
            lead = len(_lead(content))
            lines = [" & ".join(row) + " \\\\" for row in (head, *rows)]
            body = ["\\toprule", lines[0], "\\midrule", *lines[1:], "\\bottomrule"]
            columns = "l" * lead + "r" * (len(head) - lead)
            parts.append("\n".join([f"\\begin{{tabular}}{{{columns}}}", *body, "\\end{tabular}"]))
    parts.append("\n".join(f"% {note}" for note in notes(content, LATEX)))
    return "\n\n".join(parts) + "\n"


def comma_separated(content: Content) -> str:
    """Return a line for each cell and column, as CSV: what spreadsheets and plotting programs like."""
    lead = [key for key in _lead(content) if key != BLOCKS]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["cell", "blocks", *lead, "attack", *CSV_NUMBERS])
    for row in content["summary"]:
        for column in content["columns"]:
            key = column["key"]
            mean, deviation = row["accuracy"].get(key, (None, None))
            other = row["difference"].get(key, {})
            own = [row["seeds"], *map(_plain, (mean, deviation, row["paper"].get(key)))]
            difference = [
                row["first"] or "",
                other.get("n", ""),
                *(_plain(other.get(k)) for k in ("mean", "deviation", "p")),
            ]
            axes = [_calls(row) if axis == CALLS else row["axes"].get(axis, "") for axis in lead]
            writer.writerow(map(escape.cell, (row["cell"], row["blocks"], *axes, key, *own, *difference)))
    return out.getvalue()


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _lead(content: Content) -> list[str]:
    """The keys of the axes, the schemes first."""
    return list(dict.fromkeys([BLOCKS, *(key for row in content["summary"] for key in row["axes"])]))


def _title(key: str) -> str:
    return "calls of F" if key == CALLS else heading(key)


def _axes(row: Mapping[str, Any], lead: Sequence[str], marks: Markup) -> list[str]:
    cells = []
    for key in lead:
        text = row["axes"].get(key, "-")
        if key == CALLS and row["calls"] not in (None, text):
            text = f"{_calls(row)} (of {text})"
        cells.append(marks.text(text))
    return cells


def _calls(row: Mapping[str, Any]) -> str:
    """The calls of F that a group really makes."""
    return "" if row["calls"] is None else f"{float(Fraction(row['calls'])):.6g}"


def _seeds(row: Mapping[str, Any], content: Content) -> str:
    wanted = len(content["study"]["seeds"])
    return str(row["seeds"]) if row["seeds"] == wanted else f"{row['seeds']} of {wanted}"


def _pairs(row: Mapping[str, Any]) -> int:
    return int(max(one["n"] for one in row["difference"].values()))


def _accuracy(value: Sequence[float | None] | None, marks: Markup) -> str:
    if value is None or value[0] is None:
        return "-"
    mean, deviation = value
    return f"{mean:.4f} {marks.single}" if deviation is None else f"{mean:.4f} {marks.plus_minus} {deviation:.4f}"


def _relation(value: Mapping[str, Any] | None, marks: Markup) -> str:
    if value is None:
        return "-"
    spread = "" if value["range"] is None else " [{:+.2f}, {:+.2f}]".format(*value["range"])
    chance = marks.formula(f"p = {value['p']:.2g}")
    return f"{value['rho']:+.2f}{spread} ({chance})"


def _slope(value: Mapping[str, Any] | None, marks: Markup) -> str:
    if value is None or value["low"] is None:
        return _difference(value, marks)
    interval = marks.formula("[{:+.4f}, {:+.4f}]".format(value["low"], value["high"]))
    return f"{marks.signed(value['mean'])} {interval} ({marks.formula(_chance(value['p']))}, seen {value['seen']:.4f})"


def _difference(value: Mapping[str, Any] | None, marks: Markup) -> str:
    if value is None:
        return "-"
    if value["deviation"] is None:
        return f"{marks.signed(value['mean'])} {marks.single}"
    shown = f"{marks.signed(value['mean'])} {marks.plus_minus} {value['deviation']:.4f}"
    if value["p"] is None:
        return shown
    return f"{shown} ({marks.formula(_chance(value['p']))})"


def _chance(p: float) -> str:
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"
