"""The evaluations saved in a run folder, as far as they can be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rkblocks.report.elements import Accuracy, Mark, paragraph, table
from rkblocks.runs import evaluations
from rkblocks.runs.storage import weights_hashes
from rkblocks.settings.threat import said

Saved = Mapping[str, Any]


def read(run: Path, weights: str) -> tuple[dict[str, Saved], list[str]]:
    """Return the evaluations of these weights in RUN/evaluations by file name, and a sentence for each file that is no
    evaluation, and for those of other weights.

    weights: the hash that the entries have, or another of the same file (`storage.weights_hashes`). They come in the
    order in which they were made; among files of one time quick-test-seed0-2 comes before quick-test-seed0-10.
    """
    found: dict[str, Saved] = {}
    problems: list[str] = []
    others = 0
    names = next((own for path in run.glob("*.safetensors") if weights in (own := weights_hashes(path))), (weights,))
    saved, wrong = evaluations.read(run)
    problems += [f"{path.name} is left out, since it is no evaluation: {reason}." for path, reason in wrong.items()]
    for one in sorted(saved, key=lambda one: _made(one.path)):
        if all(entry["weights"] in names for entry in one.entries):
            found[one.path.stem] = one.content
        else:
            others += 1
    if others:
        text = "1 evaluation of other weights is" if others == 1 else f"{others} evaluations of other weights are"
        problems.append(f"{text} left out: this report is about the network that it was made with.")
    return found, problems


def tables(name: str, saved: Saved) -> str:
    """Return the rows of an evaluation, and its health report where it has one."""
    rows = [
        (
            _attack(entry),
            Accuracy(entry["accuracy"]),
            "{:.4f} to {:.4f}".format(*entry["interval"]) if "interval" in entry else "–",
            f"{entry['threat']['norm']} {entry['threat']['eps']}" if entry["threat"] else "–",
            entry["definition"] if entry["threat"] else "–",
            entry["n"],
        )
        for entry in saved["entries"]
    ]
    if "worst" in saved and len(rows) > 1:
        stood = saved["worst"]
        interval = "{:.4f} to {:.4f}".format(*stood["interval"])
        rows.append(("every attack", Accuracy(stood["accuracy"]), interval, "–", "–", saved["entries"][0]["n"]))
    head = ("attack", "accuracy", "95 % interval", "ball", "definition", "images")  # what a phone shows first
    text = table(f"Accuracy, evaluation {name}", head, rows)
    if saved.get("health"):
        text += "\n" + health(name, saved)
    return text


def health(name: str, saved: Saved) -> str:
    """Return the health report: whether the attacks were strong enough for the numbers to mean something."""
    checks = [(c["check"], Mark(_mark(c), bool(c["ok"])), _found(c)) for c in saved["health"]]
    failed = sum(not check["ok"] for check in saved["health"])
    count = f"{failed} of {len(checks)} checks failed." if failed else f"All {len(checks)} checks passed."
    return paragraph(count) + "\n" + table(f"Health of evaluation {name}", ("check", "verdict", "found"), checks, (2,))


def _mark(check: Saved) -> str:
    return "note" if check.get("note") else "ok" if check["ok"] else "FAILED"


def _made(path: Path) -> tuple[int, list[tuple[str, int]]]:
    """Return when a file was written; of files as old as each other the number in the name counts as a number."""
    name = [(text, int(digits or -1)) for text, digits in re.findall(r"(\D*)(\d*)", path.stem)]
    return path.lstat().st_mtime_ns, name


def _found(check: Saved) -> str:
    """Return what a check found, and where it failed what to do."""
    figure = "" if check.get("figure") is None else str(check["figure"])
    advice = "" if check["ok"] else check.get("advice") or ""
    return f"{figure}. {advice}" if figure and advice else figure or advice


def _attack(entry: Saved) -> str:
    threat = entry["threat"]
    words = [entry["attack"] + (f"-{threat['steps']}" if entry["attack"] == "pgd" else "")]
    words += said(threat or {})
    return " ".join(words)
