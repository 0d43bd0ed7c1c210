"""The evaluations saved in a run folder, as far as they can be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rkblocks.report.elements import Mark, paragraph, table

Saved = Mapping[str, Any]


def read(run: Path) -> tuple[dict[str, Saved], list[str]]:
    """Return the evaluations in RUN/evaluations by file name, and a sentence for each file that is no evaluation."""
    found: dict[str, Saved] = {}
    problems = []
    for path in sorted((run / "evaluations").glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            tables(path.stem, content)  # whatever the file holds, it can be shown, or is named as one that cannot
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            problems.append(
                f"{path.name} is left out, since it cannot be read as an evaluation ({type(error).__name__})."
            )
        else:
            found[path.stem] = content
    return found, problems


def tables(name: str, saved: Saved) -> str:
    """Return the rows of an evaluation, and its health report where it has one."""
    rows = [
        (
            _attack(entry),
            f"{entry['threat']['norm']} {entry['threat']['eps']}" if entry["threat"] else "–",
            entry["definition"] if entry["threat"] else "–",
            entry["n"],
            float(entry["accuracy"]),
            f"{entry['interval'][0]:.4f} to {entry['interval'][1]:.4f}",
        )
        for entry in saved["entries"]
    ]
    head = ("attack", "ball", "definition", "images", "accuracy", "95 % interval")
    text = table(f"Accuracy, evaluation {name}", head, rows)
    if saved.get("health"):
        text += "\n" + health(name, saved)
    return text


def health(name: str, saved: Saved) -> str:
    """Return the health report: whether the attacks were strong enough for the numbers to mean something."""
    checks = [(c["check"], Mark("ok" if c["ok"] else "FAILED", bool(c["ok"])), _found(c)) for c in saved["health"]]
    failed = sum(not check["ok"] for check in saved["health"])
    count = f"{failed} of {len(checks)} checks failed." if failed else f"All {len(checks)} checks passed."
    return paragraph(count) + "\n" + table(f"Health of evaluation {name}", ("check", "verdict", "found"), checks, (2,))


def _found(check: Saved) -> str:
    """Return what a check found, and where it failed what to do."""
    figure = "" if check.get("figure") is None else str(check["figure"])
    advice = "" if check["ok"] else check.get("advice") or ""
    return f"{figure}. {advice}" if figure and advice else figure or advice


def _attack(entry: Saved) -> str:
    threat = entry["threat"]
    words = [entry["attack"] + (f"-{threat['steps']}" if entry["attack"] == "pgd" else "")]
    if threat and threat.get("restarts", 1) > 1:
        words.append(f"x{threat['restarts']}")
    if threat and threat.get("loss", "ce") != "ce":
        words.append(threat["loss"])
    return " ".join(words)
