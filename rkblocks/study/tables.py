"""The table of a study as Markdown, CSV and LaTeX: pure functions of the content of results.json."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rkblocks import escape
from rkblocks.study import grids
from rkblocks.study.grid import BLOCKS, CALLS
from rkblocks.study.grids import LATEX, MARKDOWN, PLAIN, Content, Grid, Markup, calls_of, leading
from rkblocks.study.keys import heading

CSV_NUMBERS = (
    *("seeds", "mean", "deviation", "paper", "first", "pairs", "difference", "difference_deviation", "p"),
    *("two_way_half", "two_way_p", "equal_loss_difference", "equal_loss_half", "equal_loss_p"),
)
GRIDS = (
    *(grids.accuracies, grids.differences, grids.modelled, grids.at_equal_loss, grids.contrasted),
    *(grids.climbed, grids.trained, grids.related),
)


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
    if content["two_way"]:
        found.append(
            "Two-way: accuracy = scheme + seed + rest, one deviation of the rest for all schemes; brackets hold all "
            "differences of a column with 95 % (Dunnett), and p is corrected alike. Smallest found: the true "
            "difference that this test finds with 80 % at the 5 % level."
        )
    if any(row["at_equal_loss"] for row in content["two_way"]):
        found.append(
            "At equal loss: the same with the training loss at the end as a covariate, whose slope is that of the "
            "seeds within a scheme; brackets and p are Bonferroni's over the schemes."
        )
    if content["contrasts"]:
        found.append(
            "Contrasts: pairs of the study file, paired by seed; all: in each seed the mean over the pairs. Two-way: "
            "p of the same in that model, alone and after Holm's correction over contrasts and columns; found from: "
            "the true difference that it finds with 80 % at the 5 % level; at equal loss: both with the loss as "
            "covariate."
        )
    if content["trends"]:
        found.append(
            "Slopes: accuracy per unit of the property, by least squares in each seed; in brackets the 95 % interval "
            "of their mean; seen: the smallest slope that 8 of 10 such studies would have found at p < 0.05. all: in "
            "each seed the mean over the ladders."
        )
    if content["training"]:
        found.append(
            "Training loss of the last epoch, validation accuracy after it, and where the loss first came down to the "
            "lowest that all networks of the setting reached: the epoch, and the validation accuracy there."
        )
    found += [_ended(row) for row in content["ended"]]
    if content["relations"]:
        found.append(
            "Last table: Spearman's rho with a property of the scheme, in brackets of single seeds, p by permutation, "
            "with Holm's correction over properties and columns; given loss: what is left at equal training loss."
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


def _ended(row: Mapping[str, Any]) -> str:
    """Say whether the schemes of a setting were trained equally far."""
    setting = "".join(f", {heading(key)} = {value}" for key, value in row["setting"].items())
    (low, least), (high, most) = row["least"], row["most"]
    factor = "no finite factor" if row["factor"] is None else f"a factor of {row['factor']:.3g}"
    found = f"Training{setting}: mean loss at the end from {least:.4g} ({low}) to {most:.4g} ({high}), {factor}"
    if row["ok"] is None:
        return f"{found}; the study file states no limit."
    return f"{found}; stated: at most {row['allowed']:g}: {'passed' if row['ok'] else 'FAILED'}."


def markdown(content: Content) -> str:
    """Return the tables and the notes as Markdown."""
    return _piped(content, MARKDOWN)


def plain(content: Content) -> str:
    """Return what `markdown` does with nothing escaped, for a terminal."""
    return _piped(content, PLAIN)


def _grids(content: Content, marks: Markup) -> Sequence[Grid | None]:
    return [make(content, marks) for make in GRIDS]


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
            lead = len(leading(content))
            lines = [" & ".join(row) + " \\\\" for row in (head, *rows)]
            body = ["\\toprule", lines[0], "\\midrule", *lines[1:], "\\bottomrule"]
            columns = "l" * lead + "r" * (len(head) - lead)
            parts.append("\n".join([f"\\begin{{tabular}}{{{columns}}}", *body, "\\end{tabular}"]))
    parts.append("\n".join(f"% {note}" for note in notes(content, LATEX)))
    return "\n\n".join(parts) + "\n"


def comma_separated(content: Content) -> str:
    """Return a line for each cell and column, as CSV: what spreadsheets and plotting programs like."""
    lead = [key for key in leading(content) if key != BLOCKS]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["cell", "blocks", *lead, "attack", *CSV_NUMBERS])
    for row in content["summary"]:
        for column in content["columns"]:
            key = column["key"]
            model = [one for one in content["two_way"] if one["attack"] == key]
            mean, deviation = row["accuracy"].get(key, (None, None))
            other = row["difference"].get(key, {})
            own = [row["seeds"], *map(_plain, (mean, deviation, row["paper"].get(key)))]
            difference = [
                row["first"] or "",
                other.get("n", ""),
                *(_plain(other.get(k)) for k in ("mean", "deviation", "p")),
            ]
            for kind, names in (("differences", ("half", "p")), ("at_equal_loss", ("mean", "half", "p"))):
                one: Mapping[str, float] = next((m[kind][row["cell"]] for m in model if row["cell"] in m[kind]), {})
                difference += [_plain(one.get(name)) for name in names]
            axes = [calls_of(row) if axis == CALLS else row["axes"].get(axis, "") for axis in lead]
            writer.writerow(map(escape.cell, (row["cell"], row["blocks"], *axes, key, *own, *difference)))
    return out.getvalue()


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
