"""From entries to results: mean and deviation over seeds, the table, results.json and the figures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rkblocks import figures
from rkblocks.diagnostics import fail
from rkblocks.intervals import wilson
from rkblocks.render.listing import columns
from rkblocks.study.results import mean_of

Entries = Sequence[Mapping[str, Any]]
ACCURACIES = {"clean": "clean", "fgsm": "FGSM", "pgd20": "PGD-20"}
NORM = "2"  # of the growth in the table: the paper's l2


def summarize(entries: Entries) -> list[dict[str, Any]]:
    """Return one row for each scheme, in order of appearance: mean and deviation over its seeds."""
    rows = []
    for scheme in dict.fromkeys(entry["blocks"] for entry in entries):
        own = [entry for entry in entries if entry["blocks"] == scheme]
        growth = [entry["growth"]["adversarial"][NORM] for entry in own]
        groups = [group for group in growth[0] if all(one[group] is not None for one in growth)]
        rows.append(
            {
                "blocks": scheme,
                "seeds": len(own),
                **{key: mean_of([entry[key] for entry in own]) for key in ACCURACIES},
                "growth": {group: mean_of([one[group] for one in growth]) for group in groups},
                "sweep": {eps: mean_of([entry["sweep"][eps] for entry in own]) for eps in own[0]["sweep"]},
            }
        )
    return rows


def table(summary: Sequence[Mapping[str, Any]]) -> str:
    """Return the summary as text; "0.951 (0.012)" is a mean and its deviation over the seeds."""
    groups = list(dict.fromkeys(group for row in summary for group in row["growth"]))
    head = ("scheme", *ACCURACIES.values(), *(f"growth {group}" for group in groups))
    rows = [
        (
            str(row["blocks"]),
            *(_cell(row[key]) for key in ACCURACIES),
            *(_cell(row["growth"].get(group)) for group in groups),
        )
        for row in summary
    ]
    return columns(head, rows)


def sweep_line(summary: Sequence[Mapping[str, Any]], chance: float) -> str:
    """Return one line that says how accuracy falls with eps, over all schemes, and whether it gets to chance."""
    radii = list(summary[0]["sweep"])
    means = {eps: sum(row["sweep"][eps][0] for row in summary) / len(summary) for eps in radii}
    worst = max(row["sweep"][radii[-1]][0] for row in summary)
    curve = ", ".join(f"{eps}: {mean:.3f}" for eps, mean in means.items())
    end = "at or below chance" if worst <= chance else "NOT at chance: distrust the attack"
    best = f"At eps {radii[-1]} the best scheme has {worst:.3f}, {end} ({chance:.2f})."
    return f"PGD-20 by eps, mean of all schemes: {curve}. {best}"


def spread_line(entries: Entries, summary: Sequence[Mapping[str, Any]]) -> str:
    """Return one line that says how far the schemes lie apart, and how much of that a single network's error bar is."""
    means = [row["pgd20"][0] for row in summary]
    n = entries[0]["n"]
    low, high = wilson(round(n * sum(means) / len(means)), n)
    bar = f"the 95 % interval of one network on {n} images is {high - low:.3f} wide"
    if len(means) < 2:
        return f"PGD-20: {bar}."
    far = max(means) - min(means)
    return (
        f"PGD-20: the means of the schemes lie within {far:.3f}; {bar}. Digits show the way, not which scheme is best."
    )


def health_line(entries: Entries) -> str:
    """Return one line on the health checks of all networks, with the failed ones."""
    checks = [(entry, check) for entry in entries for check in entry["health"]]
    failed = [(entry, check) for entry, check in checks if not check["ok"]]
    text = f"Health checks: {len(checks) - len(failed)} of {len(checks)} passed."
    return text + "".join(
        f"\n  {entry['blocks']}, seed {entry['seed']}: {check['check']}: {check['figure']}; {check['advice']}"
        for entry, check in failed
    )


def write(folder: Path, entries: Entries, verdicts: Sequence[Mapping[str, Any]], chance: float) -> dict[str, Any]:
    """Return the content of results.json, written to the folder with its figures."""
    summary = summarize(entries)
    content = {
        "version": 1,
        "entries": list(entries),
        "summary": summary,
        "verdicts": list(verdicts),
        "chance": chance,
        "threat": entries[0]["threat"],
        "definition": "final",
    }
    try:
        (folder / "results.json").write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        (folder / "table.txt").write_text(table(summary), encoding="utf-8")
    except OSError as error:
        fail("RK824", f"cannot write to {folder}: {error.strerror or error}", help="check space and rights")
    draw(folder, summary, entries, chance)
    return content


def draw(folder: Path, summary: Sequence[Mapping[str, Any]], entries: Entries, chance: float) -> None:
    """Write the figures: accuracies, growth (Figure 4), accuracy against eps, training curves."""
    place = folder / "figures"
    figures.save(figures.summary(summary, chance=chance), place / "accuracy")
    runs = [
        json.loads((folder / entry["run"] / "analysis" / "growth.json").read_text(encoding="utf-8"))
        for entry in entries
    ]
    figures.save(figures.growth(runs), place / "growth")
    curves = {str(row["blocks"]): [_point(eps, value) for eps, value in row["sweep"].items()] for row in summary}
    seeds = max(row["seeds"] for row in summary)
    bars = f"deviation over {seeds} seeds" if seeds > 1 else ""
    figure = figures.accuracy_against_eps(curves, chance=chance, attack="PGD-20", bars=bars)
    figures.save(figure, place / "eps")
    metrics: dict[str, list[Any]] = {}
    for entry in entries:
        metrics.setdefault(entry["blocks"], []).append(figures.read_metrics(folder / entry["run"]))
    figures.save(figures.training_curves(metrics), place / "training")


def _point(eps: str, value: Sequence[float | None]) -> tuple[float, float, float, float]:
    above, _, below = eps.partition("/")
    mean = math.nan if value[0] is None else value[0]
    deviation = 0.0 if value[1] is None else value[1]
    return int(above) / int(below or 1), mean, mean - deviation, mean + deviation


def _cell(value: Sequence[float | None] | None) -> str:
    if value is None or value[0] is None:
        return "-"
    return f"{value[0]:.3f}" if value[1] is None else f"{value[0]:.3f} ({value[1]:.3f})"
