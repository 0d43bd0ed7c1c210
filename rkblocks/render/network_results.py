"""Results of evaluations as text, from the JSON of INTERFACE section 5, and the names that people read for places.

"groups.0.1 stage 2" is stage 2 of block 2 of group 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rkblocks.render.listing import columns
from rkblocks.settings.threat import said

PLACE = re.compile(r"groups\.(\d+)\.(\d+)(?: stage (\d+))?|group(\d+)")


def long(place: str) -> str:
    """Return "group 1, block 2" (and "stage 2") for a place of the grouped networks, counted from 1; others as is."""
    return _named(place, "group ", "block ", "stage ", ", ")


def short(place: str) -> str:
    """Return the same as the tick of an axis has room for it: "g1 b2"."""
    return _named(place, "g", "b", "s", " ")


def group(place: str) -> str:
    """Return what the blocks of one group have in common: the name of the module that holds them."""
    return place.partition(" ")[0].rpartition(".")[0]


def _named(place: str, group: str, block: str, stage: str, between: str) -> str:
    found = PLACE.fullmatch(place)
    if found is None:
        return place
    if found[4]:
        return group + found[4]
    words = [f"{group}{int(found[1]) + 1}", f"{block}{int(found[2]) + 1}"]
    return between.join([*words, stage + found[3]] if found[3] else words)


#: Under the verdicts of `analyze`: what the columns and the verdicts mean.
LEGEND = """\
  h: the largest step size up to which x + h F(x) stretches no difference looked at, in the norm where h is largest
  Euler step: the most by which x + dt F(x) stretches a difference in that norm; above 1 differences grow
  void: h is 0, so C promises nothing; short: C h < dt; covered: C h >= dt, as far as was looked;
  none: there is no C above 0, or nothing to compare. More in docs/analysis.md
"""
STEPPING = (
    "pgd",
    "momentum",
    "targeted",
    "apgd",
    "deepfool",
    "transfer",
)  # attacks whose number of steps belongs to their name


def evaluations(result: Mapping[str, Any]) -> str:
    """Return all that `evaluate` says: each run, the means over seeds, the comparisons.

    Args:
        result: the JSON that `evaluate --format json` prints.
    """
    parts = [*map(evaluation, result["runs"]), seeds(result["seeds"]), comparisons(result["comparisons"])]
    return "\n".join(part for part in parts if part)


def evaluation(run: Mapping[str, Any]) -> str:
    """Return one run: a head line, a row for each attack, and the health checks.

    Args:
        run: one element of "runs" in the JSON that `evaluate --format json` prints.
    """
    entries = run["entries"]
    rows: list[tuple[str, ...]]
    rows = [(_attack(e), _ball(e), _search(e), f"{e['accuracy']:.4f}", _interval(e["interval"])) for e in entries]
    if "worst" in run and len(rows) > 1:
        stood = run["worst"]
        rows.append(("every attack", "", "", f"{stood['accuracy']:.4f}", _interval(stood["interval"])))
    parts = [f"{_head(run)}{entries[0]['n']} images, seed {entries[0]['seed']}\n"]
    head: tuple[str, ...] = ("attack", "ball", "search", "accuracy", "95 % interval")
    if any("certified" in entry for entry in entries):
        head = (*head, "certified")
        cells = [f"{e['certified']:.4f}" if "certified" in e else "" for e in entries] + [""]
        rows = [(*row, cell) for row, cell in zip(rows, cells, strict=False)]
    parts.append(indented(columns(head, rows, right=(3, 5))))
    for row in run.get("missing", ()):
        parts.append(f"  {row.get('row', row['attack'])}: not run, {row['reason']}; {row['help']}\n")
    if run.get("corruptions"):
        parts.append(indented(_corruptions(run["corruptions"])))
    if run["health"]:
        parts.append("  health\n" + "".join(_check(check) for check in run["health"]))
    if run.get("saved"):
        parts.append(f"  saved {run['saved']}\n")
    return "".join(parts)


def _head(run: Mapping[str, Any]) -> str:
    """Return the start of a head line: the run, and its blocks where it has any."""
    return f"{run['run']}  " + (f"blocks {blocks(run['blocks'])}, " if run["blocks"] else "")


def _corruptions(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return a row for each corruption: the accuracy at each severity, and their mean."""
    found: dict[str, dict[int, float]] = {}
    for one in entries:
        found.setdefault(one["corruption"], {})[one["severity"]] = one["accuracy"]
    severities = sorted({one["severity"] for one in entries})
    rows = [
        (name, *(f"{row[severity]:.4f}" for severity in severities), f"{sum(row.values()) / len(row):.4f}")
        for name, row in found.items()
    ]
    right = range(1, len(severities) + 2)
    return columns(("corruption", *(f"severity {s}" for s in severities), "mean"), rows, right=tuple(right))


def seeds(groups: Sequence[Mapping[str, Any]]) -> str:
    """Return mean and deviation of each row over the seeds of a configuration; "" without groups.

    Args:
        groups: "seeds" in the JSON that `evaluate --format json` prints.
    """
    parts = []
    for group in groups:
        rows = [(_attack(r), _ball(r), _search(r), _spread(r)) for r in group["rows"]]
        rows.append(("every attack", "", "", _spread(group["worst"])))
        numbers = ", ".join(map(str, group["seeds"]))
        parts.append(f"blocks {blocks(group['blocks'])}, training seeds {numbers}, mean (deviation)\n")
        parts.append(indented(columns(("attack", "ball", "search", "accuracy"), rows, right=(3,))))
    return "".join(parts)


def comparisons(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the statement on each pair of runs, with the settings that differ below it; "" without pairs.

    Args:
        found: "comparisons" in the JSON that `evaluate --format json` prints.
    """
    lines = [f"  {comparison['statement']}\n{_settings(comparison['settings'])}" for comparison in found]
    return "".join(["comparisons on the same images; 95 % paired bootstrap in brackets\n", *lines]) if lines else ""


def certificate(run: Mapping[str, Any]) -> str:
    """Return the certificate of one run: a row for each radius, the blocks, and the certified radii as bars.

    Args:
        run: one element of "runs" in the JSON that `certify --format json` prints.
    """
    entries = run["entries"]
    head = f"{run['run']}  {entries[0]['n']} images, {run['norm']}, Lipschitz constant {run['lipschitz']:.6g}\n"
    rows = [(e["eps"], f"{e['certified']:.4f}", _interval(e["interval"]), f"{e['clean']:.4f}") for e in entries]
    text = indented(columns(("eps", "certified", "95 % interval", "clean"), rows, right=(1, 3)))
    found = [(b["block"], b["scheme"], f"{b['step']:.6g}", f"{b['limit']:.6g}") for b in run["blocks"]]
    text += indented(columns(("block", "scheme", "step", "limit"), found, right=(2, 3)))
    edges, counts = run["radii"]["edges"], run["radii"]["counts"]
    bars = [
        (f"{low:.3f} to {high:.3f}", str(count), "#" * round(40 * count / max(*counts, 1)))
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
    ]
    text += indented(columns(("certified radius", "images", ""), bars, right=(1,)))
    text += f"  rounding in float64, used here, takes {run['rounding']:.1e} off each radius; "
    text += f"a network run in float32 would lose {run['rounding_float32']:.1e}\n"
    return head + text + (f"  saved {run['saved']}\n" if run.get("saved") else "")


def growth(run: Mapping[str, Any]) -> str:
    """Return one run of `analyze`: the mean growth of each group, a column for each kind of perturbation and norm.

    Args:
        run: one element of "runs" in the JSON that `analyze --format json` prints.
    """
    columns_: dict[str, dict[str, str]] = {}
    for kind, rows in run["growth"].items():
        for row in rows:
            mean = "-" if row["mean"] is None else _mean(row)
            columns_.setdefault(f"{kind}, p = {row['p']}", {})[row["group"]] = mean
    groups = list(dict.fromkeys(row["group"] for rows in run["growth"].values() for row in rows))
    table = [(long(group), *(column.get(group, "-") for column in columns_.values())) for group in groups]
    head = f"{run['run']}  blocks {blocks(run['blocks'])}, {run['data']['n']} images, mean growth (deviation)\n"
    return head + indented(columns(("group", *columns_), table))


def subject(found: Any) -> str:
    """Return the text of an `Evaluation` of one subject."""
    return evaluation(found.to_dict())


def network(analysis: Any) -> str:
    """Return the text of a `NetworkAnalysis`."""
    return analysis_text(analysis.to_dict(brief=True))


def analysis_text(run: Mapping[str, Any]) -> str:
    """Return one run of `analyze`: the growth of its groups, and what the SSP coefficient of each block is worth.

    Args:
        run: one element of "runs" in the JSON that `analyze --format json` prints.
    """
    head = f"{run['run']}  blocks {blocks(run['blocks'])}, {run['data']['n']} images\n"
    text = growth(run) if run["growth"] else head
    if run["verdicts"]:
        names = ("C", "dt", "h", "p", "largest", "verdict")
        lines = [(long(v["place"]), *("-" if v[n] is None else _figure(v[n]) for n in names)) for v in run["verdicts"]]
        titles = ("block", "C", "dt", "h", "norm", "Euler step", "premise of Lemma 1")
        text += indented(columns(titles, lines, right=(1, 2, 3, 5)))
    text += indented(_claimed(run["analyses"].get("certificate") or ()))
    return text + indented(f"measured: {', '.join(run['analyses'])}\n")


def _claimed(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what the formula of `certify` claims beside what an attack leaves; "" where there is no such analysis."""
    if not rows:
        return ""
    kind = "certified" if rows[0]["proved"] else "claimed"
    cells = [(f"{r['eps']:.3f}", f"{r['certified']:.4f}", f"{r['attacked']:.4f}", str(r["refuted"])) for r in rows]
    text = columns(("eps (l2)", kind, "PGD-40", "refuted images"), cells, right=(0, 1, 2, 3))
    if not rows[0]["proved"]:
        text += "FALSE: a block has no guarantee, so the formula of `certify` claims what nothing proves\n"
    return text


def blocks(value: str | Sequence[str]) -> str:
    """Return the scheme of all groups, or one a group, as one word."""
    return value if isinstance(value, str) else ",".join(value)


def indented(text: str, by: str = "  ") -> str:
    """Return `text` with every line indented."""
    return "".join(by + line for line in text.splitlines(keepends=True))


def _attack(entry: Mapping[str, Any]) -> str:
    threat, name = entry["threat"], str(entry["attack"])
    return f"{name}-{threat['steps']}" if name in STEPPING else name


def _ball(entry: Mapping[str, Any]) -> str:
    threat = entry["threat"]
    return f"{threat['norm']} {threat['eps']}" if threat else "-"


def _search(entry: Mapping[str, Any]) -> str:
    threat = entry["threat"]
    if not threat:
        return "-"
    if entry["attack"] == "autoattack":
        return "standard version"
    words = (
        [f"step {threat['step']}"]
        if entry["attack"] in STEPPING and entry["attack"] not in ("apgd", "deepfool")
        else []
    )
    words += said(threat)
    return ", ".join([*words, entry["definition"]])


def _mean(row: Mapping[str, Any]) -> str:
    """Return "1.234 (0.056)", without a deviation where there is a single pair."""
    return f"{row['mean']:.3f}" + (f" ({row['deviation']:.3f})" if row["deviation"] is not None else "")


def _spread(row: Mapping[str, Any]) -> str:
    return f"{row['mean']:.4f} ({row['deviation']:.4f})"


def _interval(interval: Sequence[float]) -> str:
    return f"{interval[0]:.4f} to {interval[1]:.4f}"


def _check(check: Mapping[str, Any]) -> str:
    mark = "note  " if check.get("note") else "ok    " if check["ok"] else "FAILED"
    figure = "" if check.get("figure") is None else f": {_figure(check['figure'])}"
    wanted = check.get("advice") and (check.get("note") or not check["ok"])
    advice = f"\n           {check['advice']}" if wanted else ""
    return f"    {mark} {check['check']}{figure}{advice}\n"


def _settings(differing: Mapping[str, Sequence[Any]]) -> str:
    """Return the line of settings that differ between two runs, beside scheme and seed; "" without any."""
    pairs = [f"{name} {_setting(first)}, {_setting(second)}" for name, (first, second) in differing.items()]
    return f"    settings that differ: {'; '.join(pairs)}\n" if pairs else ""


def _setting(value: Any) -> str:
    return "(none)" if value is None or value == "" else str(value).lower() if isinstance(value, bool) else str(value)


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_figure(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_figure, value)) + "]"
    return str(value)
