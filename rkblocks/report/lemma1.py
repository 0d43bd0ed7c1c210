"""The section on Lemma 1: a verdict for each block, then the figures it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rkblocks.render.network_results import long
from rkblocks.report.elements import Mark, folded, image, listed, norm, paragraph, table
from rkblocks.report.words import WORDS

GOOD = "covered"
KINDS = ("pairs", "adversarial", "random", "searched", "magnitude")

Row = Mapping[str, Any]


def lemma1(run: Row, drawings: Mapping[str, str]) -> str:
    """Return the verdicts, the figure, and the largest step size for each norm and kind of difference."""
    parts = [paragraph(WORDS["lemma1"].introduction()), verdicts(run["verdicts"])]
    if "lemma1" in drawings:
        known = [v for v in run["verdicts"] if v["largest"] is not None]
        worst = "; ".join(f"{v['largest']:.4g} in {long(v['place'])}" for v in known)
        alt = f"Largest ratio of the Euler step in the norm of each block's verdict: {worst}."
        parts.append(image(drawings["lemma1"], alt, WORDS["lemma1"].legend()))
    summary = "Step sizes and ratios by block, norm and kind of difference"
    parts.append(folded(summary, details(run["analyses"]["lemma1"])))
    return "\n".join(parts)


def verdicts(rows: Sequence[Row]) -> str:
    """Return the table of verdicts."""
    lines = [
        (
            long(v["place"]),
            v["C"],
            v["dt"],
            v["h"],
            norm(v["p"]),
            v["step"],
            v["value_h"],
            Mark(v["verdict"], v["verdict"] == GOOD),
        )
        for v in rows
    ]
    head = ("block", "C", "dt", "h", "norm", "step's ratio", "h for values", "verdict")
    caption = (
        "For each block the largest h at which no difference grows, in the norm where it is largest; the ratio by "
        "which the block's own step stretches a difference there; the largest h at which no value |u + h F(u)| grows"
    )
    return table(caption, head, lines) + "\n" + listed((long(v["place"]), v["sentence"]) for v in rows)


def details(rows: Sequence[Row]) -> str:
    """Return the rows of the Euler step, the stages of a block together: the worst ratio, the least h."""
    groups: dict[tuple[str, Any, str], list[Row]] = {}
    for row in rows:
        if row["stage"] != "step" and row["n"]:
            groups.setdefault((row["place"], row["p"], row["kind"]), []).append(row)
    places = list(dict.fromkeys(place for place, _, _ in groups))
    ordered = sorted(groups, key=lambda key: (places.index(key[0]), str(key[1]), KINDS.index(key[2])))
    lines = []
    for place, p, kind in ordered:
        found = groups[place, p, kind]
        count = sum(row["n"] for row in found)
        shares = [sum(row[key] * row["n"] for row in found) / count for key in ("shrinking", "any_h")]
        worst, least = max(row["largest"] for row in found), min(float(row["h"]) for row in found)
        lines.append((long(place), norm(p), kind, worst, least, *shares))
    shares_ = ("share shrinking at dt", "share shrinking at some h")
    head = ("block", "norm", "differences", "largest ratio at dt", "h", *shares_)
    return table("Euler steps of F, all stages of a block together", head, lines)
