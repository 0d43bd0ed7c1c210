"""Write what is known of Table 2 into docs/results/table2.md: `python docs/make_table2.py`.

The paper's rows come from studies/table2.toml, ours from docs/results/cifar10-short/results/results.json where that
study is kept, whole or in part. Nothing between the marks of the page is written by hand.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "results" / "table2.md"
KEPT = ROOT / "docs" / "results" / "cifar10-short" / "results" / "results.json"
BEGIN, END = "<!-- Table 2, paper and study: begin -->\n", "<!-- Table 2, paper and study: end -->\n"
SIZES = [(n, k) for n in (6, 10) for k in (7, 12)]
HEADLINE, REFERENCE, LEVEL = "worst", "euler", 0.05
HEAD = (
    "blocks",
    *(f"paper, N = {n}, K = {k}" for n, k in SIZES),
    "every attack, here",
    "minus euler, two-way",
    "minus euler at equal loss",
)


def paper() -> dict[str, list[str]]:
    """By scheme, for each size: PGD-20 of Table 2, and in points how far it is ahead of ResNet."""
    rows = tomllib.loads((ROOT / "studies" / "table2.toml").read_text(encoding="utf-8"))["paper"]["rows"]
    found: dict[str, list[str]] = {}
    for n, k in SIZES:
        reference = rows[f"{REFERENCE}-depth{n}-steps{k}"][-1]
        for name, row in rows.items():
            blocks, depth, steps = name.rsplit("-", 2)
            if (depth, steps) == (f"depth{n}", f"steps{k}"):
                ahead = "" if blocks == REFERENCE else f" ({100 * (row[-1] - reference):+.1f})"
                found.setdefault(blocks, []).append(f"{row[-1]:.4f}{ahead}")
    return found


def schemes() -> list[str]:
    """The schemes of the study, in its order, as cells are named."""
    study = tomllib.loads((ROOT / "studies" / "cifar10-short.toml").read_text(encoding="utf-8"))
    return [str(blocks).replace(",", "+") for blocks in study["grid"]["blocks"]]


def modelled(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The two-way model of the headline, {} where there are too few networks for one."""
    fitting = (one for one in content.get("two_way", []) if one["attack"] == HEADLINE and one["first"] == REFERENCE)
    return next(fitting, {})


def interval(one: Mapping[str, Any] | None) -> str:
    """A difference with its bracket and p, "-" for none."""
    if not one:
        return "-"
    low, high = one["mean"] - one["half"], one["mean"] + one["half"]
    return f"{one['mean']:+.4f} [{low:+.4f}, {high:+.4f}] ({chance(one['p'])})"


def chance(p: float) -> str:
    """A p-value as the table of a study has it."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def table(content: Mapping[str, Any]) -> list[str]:
    """The paper's rows, and beside them what the study found of each scheme."""
    printed, model = paper(), modelled(content)
    cells = {one["cell"]: one for one in content.get("summary", [])}
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    for scheme in schemes():
        accuracy = cells.get(scheme, {}).get("accuracy", {}).get(HEADLINE)
        deviation = "" if not accuracy or accuracy[1] is None else f" ± {accuracy[1]:.4f}"
        own = (
            f"{accuracy[0]:.4f}{deviation}" if accuracy else "not run",
            "" if scheme == REFERENCE else interval(model.get("differences", {}).get(scheme)),
            "" if scheme == REFERENCE else interval((model.get("at_equal_loss") or {}).get(scheme)),
        )
        name = scheme.replace("+", ",")
        lines.append("| " + " | ".join((name, *printed.get(scheme, ["-"] * len(SIZES)), *own)) + " |")
    return lines


def verdict(content: Mapping[str, Any]) -> list[str]:
    """What the study decides by the rules of its file, and what it cannot; in sentences."""
    if not content:
        return ["- **Not run.** docs/results/cifar10-short is not there, so nothing is decided."]
    done, wanted = len(content["entries"]), content["study"]["networks"]
    lines = [f"- {done} of {wanted} networks" + (": **nothing is decided yet**." if done < wanted else ".")]
    for one in content["ended"]:
        kept = {True: "comparable", False: "not comparable: read the last column alone", None: "no limit stated"}
        limit = "" if one["allowed"] is None else f", {one['allowed']:g} allowed"
        lines.append(
            f"- Training losses at the end lie within a factor of {one['factor']:.2f}{limit}: {kept[one['ok']]}."
        )
    model = modelled(content)
    if model:
        lines.append(f"- A difference to euler of {model['found']:.4f} would have been found with 80 % (Dunnett).")
    for one in content["contrasts"]:
        if one["pair"] == "all" and one["attack"] == HEADLINE and one["two_way"]:
            two = one["two_way"]
            p = two["p"] if two["holm"] is None else two["holm"]
            shown = "so far" if done < wanted else "**shown**" if p < LEVEL else "not shown"
            text = f"{two['mean']:+.4f}, {chance(two['p'])}, Holm {p:.2g}"
            lines.append(f"- {one['contrast']}: {shown} ({text}; {two['found']:.4f} would have been found with 80 %).")
    return lines


def section(content: Mapping[str, Any]) -> str:
    """What stands between the marks of the page."""
    return "\n".join([*table(content), "", *verdict(content)]) + "\n"


def page(text: str) -> str:
    """The text of the page with what is between its two marks brought up to date."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    content = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
    return f"{before}{BEGIN}\n{section(content)}\n{END}{after}"


if __name__ == "__main__":
    old = PAGE.read_text(encoding="utf-8")
    new = page(old)
    PAGE.write_text(new, encoding="utf-8")
    print("in step" if new == old else "brought up to date", file=sys.stderr)
