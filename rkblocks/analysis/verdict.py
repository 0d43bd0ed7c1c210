"""What the SSP coefficient of each block is worth: the rows of `lemma1` beside the coefficient, in one sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rkblocks.analysis.lemma1 import DIFFERENCES
from rkblocks.evaluation.audit import BlockAudit

Row = Mapping[str, Any]


def verdicts(rows: Sequence[Row], audits: Iterable[BlockAudit]) -> list[dict[str, Any]]:
    """Return one verdict a block.

    Keys: place, scheme, C (null: none known), dt; p: the norm with the largest step size h, over all stages and kinds
    of differences; data_p, data_h: the same without the searched differences; value_p, value_h: the same for values
    |u + h F(u)|, the lemma as printed; largest: the largest ratio of the Euler step at dt in the norm p; step: that of
    the block's own step; verdict; sentence.

    The verdict is "none" (no SSP coefficient above 0), "void" (no norm has an h), "short" (C h < dt) or "covered"
    (C h >= dt, as far as the differences looked at tell).
    """
    return [_verdict([row for row in rows if row["place"] == audit.name and row["n"]], audit) for audit in audits]


def _verdict(rows: Sequence[Row], audit: BlockAudit) -> dict[str, Any]:
    c, dt = audit.ssp[1], float(audit.dt)
    verdict: dict[str, Any] = {"place": audit.name, "scheme": audit.tableau, "C": c, "dt": dt}
    euler = [row for row in rows if row["stage"] != "step" and row["kind"] in DIFFERENCES]
    if not euler:
        nothing = dict.fromkeys(("p", "h", "data_p", "data_h", "value_p", "value_h", "largest", "step"))
        sentence = "no two inputs of this block differ, so nothing can be said."
        return verdict | nothing | {"verdict": "none", "sentence": sentence}
    p, h = _best(euler)
    data_p, data_h = _best([row for row in euler if row["kind"] != "searched"])
    values = [row for row in rows if row["kind"] == "magnitude"]
    value_p, value_h = _best(values) if values else (None, 0.0)
    largest = max(float(row["largest"]) for row in euler if row["p"] == p)
    whole = [float(row["largest"]) for row in rows if row["stage"] == "step" and row["p"] == p]
    word, sentence = _sentence(c, dt, (p, h), (data_p, data_h), largest)
    return verdict | {
        "p": p,
        "h": _number(h),
        "data_p": data_p,
        "data_h": _number(data_h),
        "value_p": value_p,
        "value_h": None if value_p is None else _number(value_h),
        "largest": largest,
        "step": max(whole, default=None),
        "verdict": word,
        "sentence": sentence,
    }


def _best(rows: Sequence[Row]) -> tuple[int | str, float]:
    """Return the norm in which all these differences shrink up to the largest h, and that h.

    Between norms of equal h that one is chosen in which the worst difference grows least.
    """
    norms = dict.fromkeys(row["p"] for row in rows)
    limits = {p: min(float(row["h"]) for row in rows if row["p"] == p) for p in norms}
    worst = {p: max(float(row["largest"]) for row in rows if row["p"] == p) for p in norms}
    best = max(norms, key=lambda p: (limits[p], -worst[p]))
    return best, limits[best]


def _sentence(
    c: float | None, dt: float, best: tuple[int | str, float], data: tuple[int | str, float], largest: float
) -> tuple[str, str]:
    p, h = best
    euler = f"the Euler step at h = {dt:.4g} stretches a difference by {largest:.4g} in the {p}-norm"
    if not c:
        return "none", f"The scheme has no SSP coefficient above 0, so Lemma 1 promises nothing; {euler}."
    if h == 0:
        never = "at no step size h > 0, and in none of the norms, does x + h F(x) shrink"
        where = f"{never} even the differences of images and their perturbed copies"
        if data[1]:
            own = f"those of the images themselves shrink up to h = {data[1]:.4g} in the {data[0]}-norm"
            where = f"{never} all differences near the images ({own})"
        return "void", f"C = {c:.4g} promises nothing here: {where}; {euler}."
    reach = f"in the {p}-norm no difference looked at grows up to h = {h:.4g}, and C h = {c * h:.4g}"
    if c * h < dt:
        return "short", f"C = {c:.4g} does not reach: {reach} is below the step in use, {dt:.4g}."
    return "covered", (
        f"C = {c:.4g} covers the step as far as these differences tell: {reach} is at least the step in use, {dt:.4g}; "
        "one not looked at may still grow."
    )


def _number(h: float) -> float | str:
    return "inf" if math.isinf(h) else h
