"""The page: one HTML file that holds everything it shows, for one network or for several beside one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rkblocks.diagnostics import RkblocksError
from rkblocks.escape import html as escape
from rkblocks.report import evaluations
from rkblocks.report.elements import Accuracy, Section, image, listed, number, paragraph, table
from rkblocks.report.sections import SECTIONS, Drawings
from rkblocks.runs import records, summaries

Run = Mapping[str, Any]
STYLE = Path(__file__).with_name("style.css")


def page(title: str, body: str) -> str:
    """Return the whole file; it refers to nothing outside itself."""
    style = STYLE.read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def of_run(run: Run, drawings: Drawings, folder: Path) -> str:
    """Return the report of one network.

    Args:
        run: an element of "runs" in `analyze --format json`, with all tables.
        drawings: SVG texts by name, "training" too; sections whose drawing is missing have their tables alone.
        folder: the run folder, whose evaluations are shown.
    """
    sections = [summary("summary", run, drawings, folder), accuracy("accuracy", run, folder), *_sections(run, drawings)]
    title = f"{run['blocks']} on {run['data']['name']}"
    head = f"<header>\n<h1>{escape(title)}</h1>\n{paragraph(_about(run), 'quiet')}\n{_contents(sections)}\n</header>"
    parts = [section.html() for section in [*sections, facts("about", run, folder)]]
    return page(f"{title}: analysis", head + "\n<main>\n" + "\n".join(parts) + "\n</main>")


def of_runs(runs: Sequence[tuple[Run, Path]], drawings: Drawings) -> str:
    """Return the report of several networks: what they have in common side by side, then the tables of each.

    drawings: of the comparison, "growth-groups" and "comparison". The figures of each run are in its own report.
    """
    names = [f"{run['run']} ({run['blocks']})" for run, _ in runs]
    first = Section("comparison", "Side by side", _comparison(runs, drawings))
    later = []
    for k, (run, folder) in enumerate(runs, 1):
        inner = [
            accuracy(f"run{k}-accuracy", run, folder),
            *_sections(run, {}, f"run{k}-"),
            facts(f"run{k}-about", run, folder),
        ]
        later.append(Section(f"run{k}", names[k - 1], "\n".join(section.html(3) for section in inner)))
    sections = [first, *later]
    head = f"<header>\n<h1>{len(runs)} networks</h1>\n{_contents(sections)}\n</header>"
    body = head + "\n<main>\n" + "\n".join(section.html() for section in sections) + "\n</main>"
    return page(f"{len(runs)} networks: analysis", body)


def summary(id: str, run: Run, drawings: Drawings, folder: Path) -> Section:
    """Return what a reader wants first: how the network was made, how large it is, and what came of it."""
    made = summaries.summary(folder)
    settings = made["settings"]
    words = [f"{made['method']} training" if made["method"] else "", settings.get("optimizer.name", "")]
    words += [f"epochs {made['epochs']}", f"seed {made['seed']}"] if settings else []
    items = [("verdict", verdict(run, folder)), ("recipe", ", ".join(filter(None, words)))]
    with suppress(OSError, records.UnfitError):  # of a model of one's own there is no such file
        count = records.read(folder / summaries.RECORD, summaries.RECORD, records.Record).get("parameters")
        items.append(("parameters", f"{count:,}" if count is not None else ""))
    parts = [listed((term, text) for term, text in items if text)]
    if "training" in drawings:
        text = "Loss and accuracy on held-out images, epoch by epoch."
        parts.append(image(drawings["training"], text, text))
    return Section(id, "Summary", "\n".join(parts))


def verdict(run: Run, folder: Path) -> str:
    """Return one sentence on what was found: accuracy, what is certified of most images, whether the numbers can be
    believed, and what C is worth."""
    clean, least = _accuracies(run, folder)
    saved = evaluations.read(folder, run["weights"])[0].values()
    failed = sorted({check["check"] for one in saved for check in one.get("health", ()) if not check["ok"]})
    parts = ["not evaluated yet"] if clean is None else [f"clean accuracy {number(clean)}"]
    if least is not None:
        parts.append(f"at most {number(least)} under attack")
    certified = [row for row in run["analyses"].get("certificate", ()) if row["proved"] and row["certified"] > 0.5]
    if certified:
        row = certified[-1]
        parts.append(f"certified {number(Accuracy(row['certified']))} at eps {number(row['eps'])} in l2")
    if failed:
        parts.append(f"not to be relied on, by the health report: {', '.join(failed)}")
    if run["verdicts"]:
        covered = sum(one["verdict"] == "covered" for one in run["verdicts"])
        parts.append(f"the SSP coefficient covers the step of {covered} of {len(run['verdicts'])} blocks")
    return "; ".join(parts) + "."


def accuracy(id: str, run: Run, folder: Path) -> Section:
    """Return the section of the evaluations of these weights."""
    found, problems = evaluations.read(folder, run["weights"])
    parts = [evaluations.tables(name, saved) for name, saved in found.items()]
    parts += [paragraph(problem, "note") for problem in problems]
    if not found:
        parts.append(paragraph("These weights have no evaluation yet: rkblocks evaluate RUN makes one.", "note"))
    return Section(id, "Accuracy under attack", "\n".join(parts))


def facts(id: str, run: Run, folder: Path) -> Section:
    """Return the section that says what was looked at, by what, with what."""
    threat = ", ".join(f"{key} {value}" for key, value in run["threat"].items() if key != "bounds")
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    rows = [
        ("run", run["run"]),
        ("blocks", run["blocks"]),
        ("data", f"{run['data']['name']}, {run['data']['split']} split, {run['data']['n']} images"),
        ("perturbations", threat),
        ("seed", str(run["seed"])),
        ("weights (sha256)", run["weights"]),
        ("chosen", summaries.chosen(folder, run["weights"]) or "–"),
        ("versions", versions),
    ]
    note = paragraph("All numbers lie beside this report as CSV and JSON.", "quiet")
    return Section(
        id, "What was looked at", table("Network, data and attack", ("what", "value"), rows, words=(1,)) + note
    )


def _sections(run: Run, drawings: Drawings, prefix: str = "") -> list[Section]:
    return [
        Section(prefix + name, title, write(run, drawings))
        for name, (title, write) in SECTIONS.items()
        if run["analyses"].get(name)
    ]


def _about(run: Run) -> str:
    data, threat = run["data"], run["threat"]
    ball = f"{threat['norm']} ball of {threat['eps']}"
    return f"{run['run']}: {data['n']} images of the {data['split']} split, {ball}, seed {run['seed']}."


def _contents(sections: Sequence[Section]) -> str:
    items = "".join(f'<li><a href="#{s.id}">{escape(s.title)}</a></li>' for s in sections)
    return f'<nav aria-label="Sections"><ul>{items}</ul></nav>'


def _comparison(runs: Sequence[tuple[Run, Path]], drawings: Drawings) -> str:
    rows = [
        (run["blocks"], *_accuracies(run, folder), *_summary(run), run["data"]["name"], run["run"])
        for run, folder in runs
    ]
    measured = (
        "adversarial growth, groups, p = 2",
        "blocks covered by C",
        "blocks where C is void",
        "Lipschitz constant",
    )
    head = ("blocks", "clean accuracy", "least accuracy under attack", *measured, "data", "run")
    parts = [table("One network a row", head, rows), *map(paragraph, _statements(runs))]
    captions = {
        "growth-groups": "Growth ratio of groups, averaged over the runs of a scheme; bars: deviation over the runs.",
        "comparison": "Along the depth, averaged over the runs of a scheme; bars: deviation over the runs.",
    }
    parts += [
        image(drawings[name], text + " Numbers in the tables of each run.", text)
        for name, text in captions.items()
        if name in drawings
    ]
    return "\n".join(parts)


def _summary(run: Run) -> list[Any]:
    growth = [number(r["mean"]) for r in run["growth"].get("adversarial", []) if r["p"] == 2]
    words = [verdict["verdict"] for verdict in run["verdicts"]]
    network = [r["mean"] for r in run["analyses"].get("lipschitz", []) if r["level"] == "network"]
    counts = [f"{words.count(word)} of {len(words)}" if words else "–" for word in ("covered", "void")]
    return [", ".join(growth) or "–", *counts, network[0] if network else None]


def _accuracies(run: Run, folder: Path) -> list[Any]:
    found = list(evaluations.read(folder, run["weights"])[0].values())
    entries = [entry for saved in found for entry in saved["entries"]]
    clean = [Accuracy(entry["accuracy"]) for entry in entries if not entry["threat"]]
    attacked = [Accuracy(entry["accuracy"]) for entry in entries if entry["threat"]]
    attacked += [Accuracy(saved["worst"]["accuracy"]) for saved in found if "worst" in saved]
    return [clean[0] if clean else None, min(attacked, default=None)]


def _statements(runs: Sequence[tuple[Run, Path]]) -> list[str]:
    """Return the sentence on each pair of runs, for every evaluation that all have: with its difference and p-value."""
    from rkblocks.evaluation.compare import compare_all
    from rkblocks.runs.outcomes import load_outcomes

    saved = [set(evaluations.read(folder, run["weights"])[0]) for run, folder in runs]
    found = []
    for name in sorted(set.intersection(*saved)):
        with suppress(RkblocksError):  # a file that cannot be read is named in the report of its run
            outcomes = [load_outcomes(folder / "evaluations" / f"{name}.json") for _, folder in runs]
            found += [f"Evaluation {name}: {one.statement}." for one in compare_all(outcomes)]
    return found
